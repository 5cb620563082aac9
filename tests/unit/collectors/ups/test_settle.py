"""What one field says about another: alarms outrank flags, a lost UPS is forgotten, nought that cannot be is absent."""

from typing import Any

import pytest

from collectors.ups.settle import settle
from collectors.ups.state import UpsState


def settled(**fields: Any) -> UpsState:
    state = UpsState(**({"status": "online"} | fields))
    settle(state)
    return state


@pytest.mark.parametrize(
    ("alarm", "field"),
    [
        ("battery_bad", "replace_battery"),
        ("low_battery", "battery_low"),
        ("depleted_battery", "battery_low"),
        ("output_overload", "overload"),
    ],
)
def test_an_alarm_outranks_a_flag_that_says_all_is_well(alarm: str, field: str) -> None:
    assert getattr(settled(alarms=[alarm], **{field: False}), field) is True


def test_a_card_that_has_lost_its_ups_tells_only_who_it_is() -> None:
    state = settled(communicating=False, model="SMT1500", charge_ratio=1.0, input_volts=[230.0], alarms=["x"])
    assert (state.status, state.charge_ratio, state.input_volts) == (None, None, [])
    assert (state.model, state.alarms) == ("SMT1500", ["x"])


def test_the_alarm_of_lost_communication_does_the_same() -> None:
    assert settled(alarms=["communications_lost"], runtime_seconds=900.0).runtime_seconds is None


@pytest.mark.parametrize("field", ["input_volts", "output_volts"])
def test_no_voltage_on_mains_is_an_object_that_is_not_supported(field: str) -> None:
    state = settled(**{field: [0.0]})
    assert getattr(state, field) == []
    assert [one.rule for one in state.rejected] == ["zero_on_mains"]
    assert getattr(settled(status="on_battery", **{field: [0.0]}), field) == [0.0]


@pytest.mark.parametrize("field", ["output_amperes", "load_ratio"])
@pytest.mark.parametrize(
    ("volts", "said", "believed"),
    [
        ([229.0], [0.4, 0.0, 0.0], [0.4]),
        ([229.0], [0.4, 0.0, None], [0.4]),
        ([229.0], [0.4, 0.0, 0.2], [0.4, 0.0, 0.2]),  # the volts are not complete
        ([229.0, 230.0, 228.0], [0.4, 0.0, 0.0], [0.4, 0.0, 0.0]),
        ([], [0.4, 0.0, 0.0], [0.4, 0.0, 0.0]),
        ([229.0], [0.0, 0.0, 0.0], [0.0]),
    ],
)
def test_a_phase_without_volts_has_no_load_of_nought(
    field: str, volts: list[float], said: list[float | None], believed: list[float | None]
) -> None:
    assert getattr(settled(output_volts=volts, **{field: said}), field) == believed


def test_an_empty_battery_with_an_hour_of_runtime_is_not_empty() -> None:
    state = settled(charge_ratio=0.0, runtime_seconds=3600.0)
    assert state.charge_ratio is None
    assert settled(charge_ratio=0.0, runtime_seconds=60.0).charge_ratio == 0.0


@pytest.mark.parametrize(
    ("volts", "amperes", "expected"),
    [
        ([229.0], [1.4, 0.0, 0.0], [1.4]),
        ([229.0], [1.4], [1.4]),
        ([229.0], [1.4, 0.9, 1.1], [1.4, 0.9, 1.1]),  # one voltage is told for all
        ([229.0, 230.0, 231.0], [1.4, 0.0, 0.0], [1.4, 0.0, 0.0]),  # two phases carry nothing
        ([], [1.4, 0.0, 0.0], [1.4, 0.0, 0.0]),
    ],
)
def test_nought_amperes_of_a_phase_that_is_not_there_are_absent(
    volts: list[float], amperes: list[float], expected: list[float]
) -> None:
    load = [round(one / 12, 2) for one in amperes]
    state = settled(output_volts=volts, output_amperes=amperes, load_ratio=load)
    assert (state.output_amperes, len(state.load_ratio), state.rejected) == (expected, len(expected), [])


def test_a_ups_that_is_off_keeps_its_phases() -> None:
    state = settled(status="off", output_volts=[0.0], output_amperes=[0.0, 0.0, 0.0])
    assert state.output_amperes == [0.0, 0.0, 0.0]


def test_a_total_told_as_the_first_phase_is_the_load() -> None:
    state = settled(
        output_volts=[207.0, 208.0, 208.0], output_amperes=[61.0, 55.0, 58.0], load_ratio=[0.42, 0.0, 0.0],
        output_watts=21_000.0, nominal_voltamperes=50_000.0,
    )  # fmt: skip
    assert (state.load_ratio, state.output_watts) == ([0.42], 21_000.0)
    assert [one.rule for one in state.rejected] == ["zero_under_load"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (([45.0], [230.0], 50.0), ([45.0], [230.0])),  # a dying input: tenths, as the MIB says
        (([23.1], [23.0], 50.0), ([231.0], [230.0])),
        (([0.0], [23.0], 50.0), ([0.0], [230.0])),
        (([23.1], [23.0], None), ([23.1], [23.0])),
        (([23.1], [0.0], None), ([23.1], [0.0])),
    ],
)
def test_volts_sent_whole_are_mended_where_the_output_is_their_witness(
    given: tuple[list[float], list[float], float | None], read: tuple[list[float], list[float]]
) -> None:
    state = settled(status="on_battery", input_volts=given[0], output_volts=given[1], output_hertz=given[2])
    assert (state.input_volts, state.output_volts) == read


@pytest.mark.parametrize(("low", "charge"), [(False, None), (True, 0.0), (None, 0.0)])
def test_an_empty_battery_that_is_said_to_be_normal_on_mains_is_not_told(
    low: bool | None, charge: float | None
) -> None:
    assert settled(charge_ratio=0.0, battery_low=low).charge_ratio == charge
    assert settled(status="on_battery", charge_ratio=0.0, battery_low=low).charge_ratio == 0.0


@pytest.mark.parametrize(
    ("fields", "watts"),
    [
        ({}, None),
        ({"load_ratio": [0.0]}, 0.0),
        ({"output_amperes": [0.0]}, 0.0),
        ({"load_ratio": [0.02]}, None),
        ({"output_volts": [0.0]}, 0.0),
    ],
)
def test_no_power_at_a_live_output_needs_a_witness_that_nothing_flows(
    fields: dict[str, Any], watts: float | None
) -> None:
    assert settled(**({"output_watts": 0.0, "output_volts": [229.0]} | fields)).output_watts == watts


@pytest.mark.parametrize(
    ("amperes", "watts", "read"),
    [
        ([19.5], 448.0, [1.95]),  # hundredths sent as tenths
        ([19.5], 300.0, [1.95]),
        ([1.9], 430.0, [1.9]),
        ([19.5], 4300.0, [19.5]),
        ([19.5], 60.0, [19.5]),  # neither fits: the watts are the lie
        ([0.5], 11.0, [0.5]),  # too little to witness anything
    ],
)
def test_a_current_ten_times_what_its_power_needs_is_mended(
    amperes: list[float], watts: float, read: list[float]
) -> None:
    assert settled(output_volts=[230.0], output_amperes=amperes, output_watts=watts).output_amperes == read
