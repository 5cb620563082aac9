"""Each rule at its boundary: what is believed, what is mended, what is refused and under which name."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.ups.mib import FLAGS, PHASED, TEXTS
from collectors.ups.plausible import (
    RULES,
    SENTINELS,
    Phases,
    believed_loads,
    plausible,
    runtime_contradiction,
    sent_whole,
)

NUMBERS = [
    "charge_ratio", "runtime_seconds", "on_battery_seconds", "battery_volts", "battery_amperes",
    "temperature_celsius", "input_volts", "input_hertz", "output_volts", "output_hertz",
    "output_amperes", "load_ratio", "output_watts", "nominal_voltamperes",
]  # fmt: skip
BOUNDS = {
    "charge_ratio": (0, 1),
    "runtime_seconds": (0, 604_800),
    "on_battery_seconds": (0, 1e7),
    "battery_volts": (1, 1000),
    "battery_amperes": (-1000, 1000),
    "temperature_celsius": (-20, 90),
    "input_volts": (0, 600),
    "input_hertz": (40, 70),
    "output_volts": (0, 600),
    "output_hertz": (40, 70),
    "output_amperes": (0, 1e7),
    "load_ratio": (0, 2),
    "output_watts": (0, 1e7),
    "nominal_voltamperes": (0, 1e7),
}


@pytest.mark.parametrize(
    ("field", "value", "verdict"),
    [
        ("input_volts", -0.1, "negative"),
        ("input_volts", 0, 0),
        ("input_volts", 600, 600),
        ("input_volts", 600.1, 60.01),
        ("input_volts", 2369, 236.9),
        ("input_volts", 5999, 599.9),
        ("input_volts", 6000, "out_of_range"),
        ("output_volts", 2199, 219.9),
        ("input_hertz", -1, "negative"),
        ("input_hertz", 0, "zero_frequency"),
        ("input_hertz", 39.9, "out_of_range"),
        ("input_hertz", 40, 40),
        ("input_hertz", 70, 70),
        ("input_hertz", 70.1, "out_of_range"),
        ("input_hertz", 399, "out_of_range"),
        ("input_hertz", 400, 40),
        ("input_hertz", 500, 50),
        ("input_hertz", 700, 70),
        ("input_hertz", 701, "out_of_range"),
        ("input_hertz", 4000, 40),
        ("input_hertz", 4999, 49.99),
        ("input_hertz", 7000, 70),
        ("input_hertz", 7001, "out_of_range"),
        ("output_hertz", 500, 50),
        ("charge_ratio", -0.01, "negative"),
        ("charge_ratio", 0, 0),
        ("charge_ratio", 1, 1),
        ("charge_ratio", 1.001, "out_of_range"),
        ("load_ratio", -0.01, "negative"),
        ("load_ratio", 0, 0),
        ("load_ratio", 1.05, 1.05),
        ("load_ratio", 2, 2),
        ("load_ratio", 2.1, 0.21),
        ("load_ratio", 20, 2),
        ("load_ratio", 20.1, "out_of_range"),
        ("runtime_seconds", -1, "negative"),
        ("runtime_seconds", 0, 0),
        ("runtime_seconds", 604_800, 604_800),
        ("runtime_seconds", 604_801, "out_of_range"),
        ("runtime_seconds", 59_880, 59_880),
        ("runtime_seconds", 59_940, "sentinel"),  # 999 minutes: all that three digits hold
        ("runtime_seconds", 599_940, "sentinel"),
        ("temperature_celsius", -273, "absolute_zero"),
        ("temperature_celsius", -273.1, "absolute_zero"),
        ("temperature_celsius", 0, "absolute_zero"),
        ("temperature_celsius", -20.1, "out_of_range"),
        ("temperature_celsius", -20, -20),
        ("temperature_celsius", 90, 90),
        ("temperature_celsius", 90.1, "out_of_range"),
        ("temperature_celsius", 255, "out_of_range"),
        ("battery_volts", 0, "out_of_range"),
        ("battery_volts", 2.27, "out_of_range"),  # a cell (Phoenixtec)
        ("battery_volts", 12, 12),
        ("battery_volts", 999.9, 999.9),
        ("battery_volts", 1000, "out_of_range"),
        ("battery_amperes", -1000, "out_of_range"),
        ("battery_amperes", -999.9, -999.9),
        ("battery_amperes", 0, 0),
        ("battery_amperes", 999.9, 999.9),
        ("battery_amperes", 1000, "out_of_range"),
        ("output_watts", -1, "negative"),
        ("output_watts", 0, 0),
        ("output_watts", 9_999_999, 9_999_999),
        ("output_watts", 10_000_000, "out_of_range"),
        ("on_battery_seconds", -1, "negative"),
        ("on_battery_seconds", 0, 0),
    ],
)
def test_a_value_at_its_boundary(field: str, value: float, verdict: float | str) -> None:
    found = plausible(field, value, 1)
    assert found == (pytest.approx(verdict) if not isinstance(verdict, str) else verdict)


@pytest.mark.parametrize(
    ("raw", "scale", "hertz"),
    [(50, 0.1, 50.0), (60, 0.1, 60.0), (50, 0.01, 50.0), (39, 0.1, "out_of_range"), (71, 0.1, "out_of_range")],
)
def test_whole_hertz_where_tenths_are_due_are_taken_as_they_are(raw: int, scale: float, hertz: float | str) -> None:
    assert plausible("input_hertz", raw * scale, raw) == hertz


@pytest.mark.parametrize(
    ("load", "amperes", "believed"),
    [
        ([0.42, 0.0, 0.0], [61.0, 55.0, 58.0], [0.42]),  # the total, told as the first phase
        ([0.42, 0.0, 0.31], [61.0, 55.0, 45.0], [0.42, None, 0.31]),
        ([0.42, 0.0, 0.0], [61.0, 0.0, 0.0], [0.42, 0.0, 0.0]),  # two phases carry nothing
        ([0.12, 0.0, 0.0], [6.1, 0.4, 0.3], [0.12, 0.0, 0.0]),  # below a percent or two
        ([0.04, 0.0, 0.0], [1.0, 2.6, 0.6], [0.04, 0.0, 0.0]),  # so little that it measures no ampere
        ([0.42, 0.0, 0.0], [61.0, None, 55.0], [0.42, 0.0]),
        ([0.42, 0.0, 0.0], [61.0], [0.42, 0.0, 0.0]),
        ([0.42, 0.0, 0.0], [61.0, None, None], [0.42, 0.0, 0.0]),
        ([0.0, 0.0], [3.0, 4.0], [0.0, 0.0]),
        ([], [], []),
    ],
)
def test_a_load_of_nought_beside_a_current_is_no_measurement(load: Phases, amperes: Phases, believed: Phases) -> None:
    assert believed_loads(load, amperes) == believed


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("raw", sorted(SENTINELS))
def test_a_sentinel_is_refused_whatever_it_would_scale_to(field: str, raw: int) -> None:
    assert plausible(field, 50.0, raw) == "sentinel"


@pytest.mark.parametrize("raw", [4294967295, 2147483647, 65535, 65534, 655350, 32767])
def test_each_sentinel_that_was_seen_on_a_card_is_known(raw: int) -> None:
    assert raw in SENTINELS


@given(st.sampled_from(NUMBERS), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**31), 2**32 - 1))
def test_what_is_believed_lies_within_physics_and_what_is_refused_has_a_name(
    field: str, value: float, raw: int
) -> None:
    verdict = plausible(field, value, raw)
    if isinstance(verdict, str):
        assert verdict in RULES
    else:
        least, most = BOUNDS[field]
        assert math.isfinite(verdict)
        assert least <= verdict <= most


@given(st.sampled_from(NUMBERS), st.floats(-1e4, 1e8))
def test_a_believed_value_would_be_believed_again(field: str, value: float) -> None:
    once = plausible(field, value, 1)
    if not isinstance(once, str):
        assert plausible(field, once, 1) == once


def test_every_field_with_a_number_is_among_the_tested() -> None:
    assert set(NUMBERS) >= PHASED
    assert not set(NUMBERS) & (TEXTS | FLAGS)


MAINS_RULE, BATTERY_RULE = "zero_runtime_on_mains", "zero_runtime_with_charge"


@pytest.mark.parametrize(
    ("runtime", "charge", "status", "low", "rule"),
    [
        (0, 1.0, "online", None, MAINS_RULE),
        (0, None, "online", None, MAINS_RULE),
        (0, 0.21, "bypass", None, MAINS_RULE),
        (0, 0.2, "online", None, None),
        (0, 0.0, "online", None, None),
        (0, 1.0, None, None, MAINS_RULE),
        (0, 0.9, "on_battery", False, BATTERY_RULE),
        (0, 0.9, "on_battery", None, BATTERY_RULE),
        (0, None, "on_battery", False, BATTERY_RULE),
        (0, 0.9, "on_battery", True, None),  # the card's own flag says the same: an aged battery under load
        (0, None, "on_battery", None, None),
        (0, 0.05, "on_battery", False, None),
        (1, 1.0, "online", None, None),
        (1, 1.0, "on_battery", False, None),
        (None, 1.0, "online", None, None),
    ],
)
def test_no_runtime_on_a_charged_battery_means_that_the_card_cannot_tell(
    runtime: float | None, charge: float | None, status: str | None, low: bool | None, rule: str | None
) -> None:
    assert runtime_contradiction(runtime, charge, status, low) == rule
    assert rule is None or rule in RULES


@pytest.mark.parametrize(
    ("output", "hertz", "whole"),
    [
        ([23.0], 50.0, True),
        ([11.5], 60.0, True),
        ([22.9, 23.1, 23.0], 50.0, True),
        ([40.0, 40.1, None], 50.0, True),
        ([23.0, 0.0, 0.0], 50.0, True),
        ([230.0], 50.0, False),
        ([60.0], 50.0, False),
        ([8.4], 50.0, False),
        ([24.0], None, False),  # direct current has no frequency
        ([230.0, 23.0], 50.0, False),  # a phase that is nearly gone
        ([0.0], 50.0, False),
        ([], 50.0, False),
    ],
)
def test_an_output_that_alternates_at_a_tenth_of_mains_was_sent_in_whole_volts(
    output: Phases, hertz: float | None, whole: bool
) -> None:
    assert sent_whole(output, hertz) is whole
