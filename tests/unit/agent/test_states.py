"""The urgent lane: told at once when it matters, in the values that the history will hold."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.snapshot import Snapshot
from agent.states import State, changed_enough, shifted, states
from telemetry import catalogue as names
from telemetry.reading import Reading, reading, state_readings
from telemetry.wire import epoch_ms

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _told(*readings: Reading) -> dict[str, State]:
    snapshot = Snapshot(lambda: AT)
    snapshot.put("test/x", readings)
    return states(snapshot)


def _card(status: str = "online", charge: float = 1.0, runtime: float = 1800.0, ups: str = "rack") -> list[Reading]:
    return [
        reading(names.UPS_UP, 1, AT, ups=ups),
        *state_readings(names.UPS_STATUS, "status", status, AT, ups=ups),
        reading(names.UPS_CHARGE, charge, AT, ups=ups),
        reading(names.UPS_RUNTIME, runtime, AT, ups=ups),
        reading(names.UPS_BATTERY_LOW, 0, AT, ups=ups),
    ]


def _power(**changes: float | str) -> State:
    card: dict[str, object] = {
        "ts": epoch_ms(AT),
        "up": True,
        "status": "online",
        "charge_ratio": 1.0,
        "runtime_seconds": 1800.0,
        "battery_low": False,
        "overload": None,
    }
    return State(epoch_ms(AT), {"ups": {"rack": card | changes}})


def test_without_readings_there_is_nothing_to_tell() -> None:
    assert _told() == {}
    assert _told(reading(names.HOST_CPU, 0.5, AT)) == {}


def test_a_card_is_told_with_what_a_person_needs_first() -> None:
    assert _told(*_card()) == {"power": _power()}


def test_a_card_that_is_down_says_only_that() -> None:
    told = _told(reading(names.UPS_UP, 0, AT, ups="rack"), reading(names.UPS_CHARGE, 0.5, AT, ups="rack"))
    assert told["power"].fields == {"ups": {"rack": {"ts": epoch_ms(AT), "up": False}}}


def test_what_is_not_known_is_null_and_never_nought() -> None:
    card = _told(reading(names.UPS_UP, 1, AT, ups="rack"))["power"].fields["ups"]["rack"]
    unknown = ("status", "charge_ratio", "runtime_seconds", "battery_low", "overload")
    assert card == {"ts": epoch_ms(AT), "up": True, **dict.fromkeys(unknown)}


def test_values_are_quantised_as_in_the_history() -> None:
    card = _told(*_card(charge=0.87654, runtime=1799.6))["power"].fields["ups"]["rack"]
    assert (card["charge_ratio"], card["runtime_seconds"]) == (0.877, 1800.0)


def test_a_state_carries_the_time_of_the_reading_behind_it() -> None:
    old = reading(names.UPS_UP, 1, AT - timedelta(seconds=20), ups="rack")
    assert _told(old)["power"].ts == epoch_ms(AT) - 20_000


def test_an_uplink_is_told_with_its_fault() -> None:
    told = _told(
        reading(names.NET_UP, 0, AT, uplink="fibre"),
        *state_readings(names.NET_FAULT, "domain", "isp", AT, uplink="fibre"),
    )
    assert told["internet"].fields == {"uplinks": {"fibre": {"ts": epoch_ms(AT), "up": False, "fault": "isp"}}}


def test_mains_without_a_ups_is_told_with_its_source_and_without_a_status() -> None:
    told = _told(reading(names.MAINS_UP, 0, AT, source="printer"))
    assert told["power"].fields == {"mains": {"printer": {"ts": epoch_ms(AT), "up": False}}}
    both = _told(*_card(), reading(names.MAINS_UP, 1, AT, source="printer"))
    assert both["power"].fields.keys() == {"ups", "mains"}


def test_seats_are_whole_numbers_by_space() -> None:
    counts = {"occupied": 7, "free": 12, "unknown": 1}
    told = _told(*(reading(names.SEATS, n, AT, space="hall", kind="cabin", state=one) for one, n in counts.items()))
    assert told["seats"].fields == {"spaces": {"hall": {"kind": "cabin", **counts}}}


def test_what_nobody_was_told_is_news() -> None:
    assert changed_enough(None, _power())


def test_the_same_again_is_no_news_whatever_its_time() -> None:
    assert not changed_enough(_power(), State(0, _power().fields))


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ({"status": "online"}, {"status": "on_battery"}, True),
        ({"battery_low": False}, {"battery_low": True}, True),
        ({"overload": None}, {"overload": False}, True),
        ({"charge_ratio": 1.0}, {"charge_ratio": 0.981}, False),
        ({"charge_ratio": 1.0}, {"charge_ratio": 0.979}, True),
        ({"charge_ratio": 0.5}, {"charge_ratio": 0.53}, True),
        ({"charge_ratio": 0.01}, {"charge_ratio": 0.0}, True),
        ({"charge_ratio": 0.0}, {"charge_ratio": 0.01}, True),
        ({"charge_ratio": 0.9}, {"charge_ratio": None}, True),
        ({"charge_ratio": None}, {"charge_ratio": 0.9}, True),
        ({"runtime_seconds": 1800.0}, {"runtime_seconds": 1741.0}, False),
        ({"runtime_seconds": 1800.0}, {"runtime_seconds": 1740.0}, True),
        ({"runtime_seconds": 30.0}, {"runtime_seconds": 0.0}, True),
    ],
    ids=str,
)  # fmt: skip
def test_only_a_change_that_matters_is_news(
    before: dict[str, float | str], after: dict[str, float | str], news: bool
) -> None:
    assert changed_enough(_power(**before), _power(**after)) is news


def test_a_card_that_comes_or_goes_is_news() -> None:
    both = State(0, {"ups": {**_power().fields["ups"], "spare": {"up": False}}})
    assert changed_enough(_power(), both)
    assert changed_enough(both, _power())


def test_small_steps_add_up_to_news_against_what_was_told() -> None:
    told = _power(charge_ratio=1.0)
    heard = [charge for charge in (0.99, 0.985, 0.979) if changed_enough(told, _power(charge_ratio=charge))]
    assert heard == [0.979]


def test_a_state_moves_in_time_with_all_that_it_holds() -> None:
    state = State(1000, {"ups": {"rack": {"ts": 900, "up": True, "charge_ratio": 0.5}}})
    assert shifted(state, 60_000) == State(61_000, {"ups": {"rack": {"ts": 60_900, "up": True, "charge_ratio": 0.5}}})
    assert shifted(state, 0) is state
