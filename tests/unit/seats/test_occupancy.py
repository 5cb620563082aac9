"""One seat over time: ranked rules, holds, confirmation, staleness. Times are given, never taken."""

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.seats.occupancy import BATTERY_STALE_SECONDS, RULES, Mode, Occupancy, Signal

MODES: Sequence[Mode] = ("presence", "checkins", "motion")


def seat(*signals: Signal) -> Occupancy:
    """A seat with these sources."""
    return Occupancy(list(signals))


def sitting(mode: Mode = "presence", since: float = 0.0) -> tuple[Occupancy, Signal]:
    """A seat that one source has seen taken."""
    signal = Signal(mode)
    taken = seat(signal)
    signal.say(True, since)
    assert taken.decide(since).state == "occupied"
    return taken, signal


def test_a_seat_without_a_source_is_unknown_never_free() -> None:
    decision = seat().decide(0)
    assert (decision.state, decision.reason, decision.age_seconds) == ("unknown", "no_source", None)


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_has_not_spoken_leaves_the_seat_unknown(mode: Mode) -> None:
    assert seat(Signal(mode)).decide(0).state == "unknown"
    assert seat(Signal(mode, online=True)).decide(0).state == "unknown"


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_seat_takes_the_first_word_at_once(mode: Mode) -> None:
    for verdict, state in ((True, "occupied"), (False, "free")):
        signal = Signal(mode)
        signal.say(verdict, 10)
        decision = seat(signal).decide(10)
        assert (decision.state, decision.reason, decision.age_seconds) == (state, mode, 0)


def test_presence_must_last_5_seconds_before_a_free_seat_is_taken() -> None:
    signal = Signal("presence")
    desk = seat(signal)
    signal.say(False, 0)
    assert desk.decide(0).state == "free"
    signal.say(True, 100)
    assert [desk.decide(at).reason for at in (100, 104.9, 105)] == ["confirm", "confirm", "presence"]
    assert desk.state == "occupied"


def test_somebody_who_walks_past_does_not_take_the_seat() -> None:
    signal = Signal("presence")
    desk = seat(signal)
    states = []
    for verdict, at in ((False, 0), (True, 10), (False, 13), (True, 20), (False, 24), (False, 30)):
        signal.say(verdict, at)
        states.append(desk.decide(at).state)
    assert set(states) == {"free"}


def test_a_repeated_word_does_not_restart_the_confirmation() -> None:
    signal = Signal("presence")
    desk = seat(signal)
    signal.say(False, 0)
    desk.decide(0)
    for at in (10, 12, 14):
        signal.say(True, at)
        assert desk.decide(at).state == "free"
    signal.say(True, 15)
    assert desk.decide(15).state == "occupied"


@pytest.mark.parametrize(("mode", "hold"), [("presence", 120), ("motion", 900)])
def test_a_taken_seat_is_held_after_the_sensor_falls_silent(mode: Mode, hold: float) -> None:
    desk, signal = sitting(mode)
    signal.say(False, 90)
    assert [desk.decide(90 + after).reason for after in (0, hold - 1)] == ["hold", "hold"]
    assert desk.decide(90 + hold).state == "free"


def test_a_check_out_frees_the_seat_at_once() -> None:
    desk, signal = sitting("checkins")
    signal.say(False, 60)
    assert desk.decide(60).state == "free"


@pytest.mark.parametrize("mode", ["presence", "motion"])
def test_a_sensor_that_repeats_nobody_does_not_prolong_the_hold(mode: Mode) -> None:
    """Zigbee radars speak every few seconds (Andrik45719/ZY-M100#1), Tasmota each TelePeriod."""
    desk, signal = sitting(mode)
    hold = RULES[mode].hold_seconds
    for at in range(60, int(60 + 2 * hold), 30):
        signal.say(False, at)
        desk.decide(at)
    assert desk.state == "free"


def test_motion_within_the_hold_begins_it_anew() -> None:
    desk, signal = sitting("motion")
    signal.say(False, 90)
    assert desk.decide(800).state == "occupied"
    signal.say(True, 800)
    signal.say(False, 890)
    assert desk.decide(1700).reason == "hold"
    assert desk.decide(1790).state == "free"


@pytest.mark.parametrize(("mode", "stale"), [("presence", 660), ("checkins", 900), ("motion", 7200)])
@pytest.mark.parametrize("verdict", [True, False])
def test_an_old_word_is_unknown_whatever_it_said(mode: Mode, stale: float, verdict: bool) -> None:
    signal = Signal(mode)
    desk = seat(signal)
    signal.say(verdict, 0)
    assert desk.decide(stale).state != "unknown"
    decision = desk.decide(stale + 1)
    assert (decision.state, decision.reason, decision.age_seconds) == ("unknown", "stale", None)


def test_a_battery_sensor_is_believed_for_two_hours() -> None:
    signal = Signal("presence", stale_seconds=BATTERY_STALE_SECONDS)
    desk = seat(signal)
    signal.say(True, 0)
    assert desk.decide(7200).state == "occupied"
    assert desk.decide(7201).state == "unknown"


def test_silence_of_an_on_change_sensor_is_normal_while_it_is_online() -> None:
    signal = Signal("presence", lives_by_status=True, online=True)
    desk = seat(signal)
    signal.say(True, 0)
    assert desk.decide(86_400).state == "occupied"
    signal.online = False
    assert (desk.decide(86_400).state, desk.reason) == ("unknown", "offline")


def test_an_on_change_sensor_without_a_status_goes_stale_like_the_others() -> None:
    signal = Signal("presence", lives_by_status=True)
    desk = seat(signal)
    signal.say(True, 0)
    assert desk.decide(661).state == "unknown"


def test_offline_is_unknown_at_once_even_within_the_hold() -> None:
    desk, signal = sitting()
    signal.say(False, 10)
    assert desk.decide(10).reason == "hold"
    signal.online = False
    assert desk.decide(11).state == "unknown"


def test_a_seat_that_was_unknown_is_not_held() -> None:
    desk, signal = sitting()
    signal.online = False
    desk.decide(10)
    signal.online = True
    signal.say(False, 20)
    assert desk.decide(20).state == "free"


def test_the_lower_rank_decides_and_disagreement_is_a_conflict() -> None:
    presence, motion = Signal("presence"), Signal("motion")
    desk = seat(motion, presence)
    presence.say(False, 0)
    motion.say(True, 0)
    decision = desk.decide(0)
    assert (decision.state, decision.reason, decision.conflict) == ("free", "presence", True)
    motion.say(False, 1)
    assert desk.decide(1).conflict is False


def test_a_stale_source_neither_decides_nor_disagrees() -> None:
    presence, checkins = Signal("presence"), Signal("checkins")
    desk = seat(presence, checkins)
    presence.say(False, 0)
    checkins.say(True, 700)
    decision = desk.decide(700)
    assert (decision.state, decision.reason, decision.conflict) == ("occupied", "checkins", False)


def test_a_sensor_with_a_low_battery_still_votes_and_is_shown() -> None:
    signal = Signal("motion", low_battery=True)
    signal.say(True, 0)
    assert signal.status(0) == "low_battery"
    assert seat(signal).decide(0).state == "occupied"


def test_the_words_for_a_source_are_never_seen_ok_stale_offline() -> None:
    signal = Signal("presence")
    words = [signal.status(0)]
    signal.say(False, 0)
    words += [signal.status(1), signal.status(661)]
    signal.online = False
    assert [*words, signal.status(661)] == ["never_seen", "ok", "stale", "offline"]


def test_a_clock_that_jumps_back_changes_nothing() -> None:
    desk, signal = sitting(since=10_000)
    assert desk.decide(10_001).state == "occupied"
    assert desk.decide(0).state == "occupied"
    signal.say(False, 5)
    assert desk.decide(5).reason == "hold"
    assert desk.decide(126).state == "free"


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["true", "false", "online", "offline", "silent"]),
        st.floats(0, 4000) | st.floats(-100, 0),
    ),
    max_size=30,
)


@given(STEPS)
def test_unknown_means_no_usable_source_and_free_means_one_that_allows_it(
    steps: list[tuple[int, str, float]],
) -> None:
    signals = [Signal("presence", lives_by_status=True), Signal("checkins"), Signal("motion")]
    desk = seat(*signals)
    times = accumulate(step for _, _, step in steps)
    for (which, word, _), now in zip(steps, times, strict=True):
        if word in ("true", "false"):
            signals[which].say(word == "true", now)
        elif word != "silent":
            signals[which].online = word == "online"
        decision = desk.decide(now)
        usable = [one for one in signals if one.usable(now)]
        assert (decision.state == "unknown") == (not usable)
        assert (decision.age_seconds is None) == (not usable)
        if decision.state == "free":
            best = min(usable, key=lambda one: RULES[one.mode].rank)
            assert best.verdict is False or decision.reason == "confirm"
        assert desk.state == decision.state
        assert desk.decide(now) == decision, "asking again changes nothing"
