"""Who is there, who is not, and why: from evidence, never from a guess."""

from typing import Any

import pytest

from central.ingest.presence import Presence, Roll

CENTRE = "PK-PB-00042"
NOW = 1_760_000_000.0
LOST_AFTER = 180.0
ON_BATTERY = {"ups": {"rack": {"up": True, "status": "on_battery"}}}
NO_MAINS = {"mains": {"printer": {"up": False}}}
ON_MAINS = {"ups": {"rack": {"up": True, "status": "online"}}}
LINE_FAULT = {"uplinks": {"fibre": {"up": False, "fault": "isp"}}}
LINE_GOOD = {"uplinks": {"fibre": {"up": True, "fault": "none"}}}
ONLINE, LOST, GOODBYE = {"online": True}, {"online": False, "cause": "lost"}, {"online": False, "cause": "clean"}


@pytest.fixture
def roll() -> Roll:
    return Roll(LOST_AFTER)


def _say(
    roll: Roll, name: str, fields: dict[str, Any], *, retained: bool = False, now: float = NOW, ts: float = NOW
) -> bool:
    return roll.state(CENTRE, name, {"v": 1, "ts": int(ts * 1000), **fields}, retained=retained, now=now)


def _presence(roll: Roll) -> Presence:
    return roll.centres[CENTRE]


@pytest.mark.parametrize(
    ("before", "goodbye", "cause"),
    [
        ([], LOST, "unknown"),
        ([("power", ON_BATTERY)], LOST, "power"),
        ([("power", ON_MAINS)], LOST, "unknown"),
        ([("power", ON_BATTERY), ("power", ON_MAINS)], LOST, "unknown"),
        ([("internet", LINE_FAULT)], LOST, "internet"),
        ([("internet", {"uplinks": {"a": {"fault": "access"}}})], LOST, "internet"),
        ([("internet", {"uplinks": {"a": {"fault": "dns"}}})], LOST, "unknown"),
        ([("internet", LINE_GOOD)], LOST, "unknown"),
        ([("internet", LINE_FAULT), ("internet", LINE_GOOD)], LOST, "unknown"),
        ([("internet", LINE_FAULT), ("power", ON_BATTERY)], LOST, "power"),
        ([("power", NO_MAINS)], LOST, "power"),
        ([("power", {"mains": {"printer": {"up": True}}})], LOST, "unknown"),
        ([("power", ON_MAINS | NO_MAINS)], LOST, "unknown"),  # a UPS that answers outranks what is inferred
        ([("power", {"ups": {"rack": {"up": False}}} | NO_MAINS)], LOST, "power"),
        ([("power", {"ups": [1], "mains": "off"})], LOST, "unknown"),
        ([], GOODBYE, "clean"),
        ([("power", ON_BATTERY)], GOODBYE, "power"),  # a gateway that shut down in time
        ([("internet", LINE_FAULT)], GOODBYE, "clean"),
    ],
)
def test_the_cause_is_the_last_thing_the_centre_could_say(
    roll: Roll, before: list[tuple[str, dict[str, Any]]], goodbye: dict[str, Any], cause: str
) -> None:
    _say(roll, "online", ONLINE)
    for name, fields in before:
        _say(roll, name, fields)
    assert _say(roll, "online", goodbye) is True
    assert (_presence(roll).online, _presence(roll).cause) == (False, cause)


def test_coming_and_going_is_told_once_each(roll: Roll) -> None:
    told = [_say(roll, "online", fields) for fields in (ONLINE, ONLINE, LOST, LOST, ONLINE)]
    assert told == [True, False, True, False, True]


def test_samples_make_a_centre_online_that_nobody_knew(roll: Roll) -> None:
    roll.heard(CENTRE, NOW)
    assert (_presence(roll).online, _presence(roll).last_seen) == (True, NOW)


def test_a_retained_state_is_no_sign_of_life_of_now(roll: Roll) -> None:
    _say(roll, "power", ON_MAINS, retained=True, now=NOW, ts=NOW - 86_400)
    assert (_presence(roll).online, _presence(roll).last_seen) == (None, NOW - 86_400)


def test_a_state_of_the_future_does_not_make_the_centre_seen_in_the_future(roll: Roll) -> None:
    _say(roll, "power", ON_MAINS, retained=True, ts=NOW + 86_400)
    assert _presence(roll).last_seen == NOW


def test_last_seen_never_goes_back(roll: Roll) -> None:
    roll.heard(CENTRE, NOW)
    _say(roll, "power", ON_MAINS, retained=True, now=NOW + 1, ts=NOW - 500)
    assert _presence(roll).last_seen == NOW


def test_after_the_broker_was_away_a_centre_is_unknown_until_it_speaks(roll: Roll) -> None:
    _say(roll, "online", ONLINE)
    roll.broker_back(NOW)
    assert _presence(roll).online is None
    roll.settle(NOW + LOST_AFTER)
    assert _presence(roll).online is None
    roll.heard(CENTRE, NOW + LOST_AFTER)
    assert _presence(roll).online is True
    roll.settle(NOW + 10 * LOST_AFTER)
    assert _presence(roll).online is True


def test_a_centre_that_does_not_come_back_after_the_broker_is_offline_with_its_cause(roll: Roll) -> None:
    _say(roll, "online", ONLINE)
    _say(roll, "power", ON_BATTERY)
    roll.broker_back(NOW)
    roll.settle(NOW + LOST_AFTER + 1)
    assert (_presence(roll).online, _presence(roll).cause) == (False, "power")


def test_a_centre_that_was_offline_stays_so_over_a_restart_of_the_broker(roll: Roll) -> None:
    _say(roll, "online", GOODBYE)
    roll.broker_back(NOW)
    roll.settle(NOW + LOST_AFTER + 1)
    assert (_presence(roll).online, _presence(roll).cause) == (False, "clean")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("power", {}), ("power", {"ups": None}), ("power", {"ups": [1]}), ("power", {"ups": {"rack": "x"}}),
        ("internet", {"uplinks": 7}), ("internet", {"uplinks": {"a": []}}), ("online", {"online": "yes"}),
        ("online", {"online": 1}), ("online", {"online": False, "cause": ["clean"]}), ("anything", {"x": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_a_state_of_any_shape_is_survived_and_proves_nothing(roll: Roll, name: str, fields: dict[str, Any]) -> None:
    _say(roll, name, fields)
    one = _presence(roll)
    assert (one.without_mains, one.line_trouble, one.online in (None, False)) == (False, False, True)


def test_centres_do_not_speak_for_each_other(roll: Roll) -> None:
    _say(roll, "power", ON_BATTERY)
    roll.heard("PK-SD-00001", NOW)
    assert roll.centres["PK-SD-00001"].without_mains is False


def test_each_hello_of_an_agent_is_counted_and_what_the_broker_kept_is_not() -> None:
    roll = Roll(180)
    for online, retained in ((True, True), (True, False), (False, False), (True, False)):
        roll.state("PK-A", "online", {"v": 1, "ts": 0, "online": online}, retained=retained, now=1.0)
    assert roll.centres["PK-A"].connects == 2
