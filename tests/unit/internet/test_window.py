"""Round trips of one target, summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.window import LOSS_NEEDS_PROBES, Summary, Window, evidence_probes

RTTS = st.floats(0.0001, 2.0)


def filled(*rtts: float | None) -> Window:
    window = Window()
    for rtt in rtts:
        window.add(rtt)
    return window


def test_percentiles_and_jitter_of_a_hundred_round_trips() -> None:
    summary = filled(*(number / 1000 for number in range(1, 101))).take()
    assert summary.p50 == pytest.approx(0.050, abs=0.0015)
    assert summary.p95 == pytest.approx(0.095, abs=0.0015)
    assert summary.max == 0.100
    assert summary.jitter == pytest.approx(0.001)


def test_jitter_is_the_mean_step_between_successive_answers() -> None:
    assert filled(0.010, 0.030, 0.020, 0.020).take().jitter == pytest.approx(0.010)


def test_a_lost_probe_is_counted_and_is_no_round_trip() -> None:
    window = filled(0.010, None, 0.030)
    assert (window.sent, window.lost) == (3, 1)
    summary = window.take()
    assert (summary.p50, summary.p95, summary.max) == (0.030, 0.030, 0.030)
    assert summary.jitter == pytest.approx(0.020)


def test_nothing_answered_is_absent_never_zero() -> None:
    assert filled(None, None).take() == Summary(None, None, None, None)
    assert Window().take() == Summary(None, None, None, None)


def test_one_answer_has_no_jitter() -> None:
    assert filled(0.010).take() == Summary(0.010, 0.010, 0.010, None)


def test_taking_begins_a_new_window_and_the_counters_go_on() -> None:
    window = filled(0.010, None)
    window.take()
    window.add(0.040)
    assert window.take().max == 0.040
    assert (window.sent, window.lost) == (3, 1)


def said(*answered: bool, evidence: int = 12) -> bool | None:
    window = Window(evidence)
    for one in answered:
        window.add(0.01 if one else None)
    return window.answers()


def test_a_target_is_bad_when_ten_of_the_last_twelve_probes_were_lost() -> None:
    assert said(*[True] * 12) is True
    assert said(*[True] * 3, *[False] * 9) is True
    assert said(*[True] * 2, *[False] * 10) is False
    assert said(*[False] * 40, *[True] * 2) is False
    assert said(*[False] * 40, *[True] * 3) is True


def test_without_enough_probes_silence_is_no_verdict_and_an_answer_is_one() -> None:
    assert said() is None
    assert said(*[False] * 11) is None
    assert said(*[False] * 12) is False
    assert said(True) is True
    assert said(False, True) is True
    assert said(*[False] * 9, True) is None, "one of ten is not yet the one or the other"


@pytest.mark.parametrize(("period", "probes"), [(0.2, 12), (5, 12), (10, 6), (15, 4), (30, 4), (300, 4)])
def test_a_verdict_rests_on_the_probes_of_a_minute_at_least_four_and_at_most_twelve(period: float, probes: int) -> None:
    assert evidence_probes(period) == probes
    needed = {12: 10, 6: 5, 4: 4}[probes]
    assert said(*[True] * (probes - needed), *[False] * needed, evidence=probes) is False
    assert said(*[True] * (probes - needed + 1), *[False] * (needed - 1), evidence=probes) is True


def test_what_was_asked_under_our_own_load_is_not_the_idle_line() -> None:
    window = filled(0.010, 0.020)
    window.add(0.400, loaded=True)
    window.add(None, loaded=True)
    assert (window.sent, window.lost, window.loaded) == (2, 0, 2)
    assert window.take() == Summary(0.020, 0.020, 0.020, pytest.approx(0.010))


def test_a_loss_under_load_is_no_evidence_and_an_answer_is() -> None:
    window = Window(4)
    for _ in range(20):
        window.add(None, loaded=True)
    assert window.answers() is None
    window.add(0.5, loaded=True)
    assert window.answers() is True


def test_a_share_of_lost_probes_needs_fifty_of_them() -> None:
    window = filled(None, *[0.01] * (LOSS_NEEDS_PROBES - 2))
    assert window.loss_ratio() is None
    window.add(0.01)
    assert window.loss_ratio() == pytest.approx(1 / LOSS_NEEDS_PROBES)
    for _ in range(400):
        window.add(0.01)
    assert window.loss_ratio() == 0, "15 minutes, not for ever"


def test_two_probes_against_the_verdict_are_a_turn() -> None:
    window = Window(12)
    turns = []
    for answered in [True] * 12 + [False] * 11 + [True] * 3:
        window.add(0.01 if answered else None)
        turns.append(window.turning())
    assert turns == [False] * 13 + [True] * 8 + [False] * 2 + [False, True, False]


@given(st.lists(st.none() | RTTS, max_size=60))
def test_the_summary_lies_within_what_was_measured(rtts: list[float | None]) -> None:
    window = filled(*rtts)
    answered = [rtt for rtt in rtts if rtt is not None]
    summary = window.take()
    assert (window.sent, window.lost) == (len(rtts), len(rtts) - len(answered))
    if not answered:
        assert summary.p50 is None
        return
    assert summary.p50 is not None
    assert summary.p95 is not None
    assert min(answered) <= summary.p50 <= summary.p95 <= max(answered) == summary.max
    assert sum(rtt <= summary.p50 for rtt in answered) >= len(answered) / 2
    assert sum(rtt <= summary.p95 for rtt in answered) >= 0.95 * len(answered)
    assert (summary.jitter is None) == (len(answered) < 2)


def test_a_lost_probe_is_doubtful_until_the_next_is_answered_or_there_is_evidence() -> None:
    window, said = Window(4), []
    assert not window.doubtful(), "nobody was asked"
    for _ in range(4):
        window.add(0.01)
    for rtt in (None, 0.01, None, None, None, None):
        window.add(rtt, again=True)
        said.append(window.doubtful())
    assert said == [True, False, True, True, True, False]
    assert window.answers() is False


def test_what_is_asked_again_after_a_loss_is_evidence_and_no_statistics() -> None:
    window = Window(4)
    for _ in range(60):
        window.add(None)
        window.add(0.01)
    for rtt in (None, None, 0.5):
        window.add(rtt, again=True)
    assert (window.sent, window.lost, window.loss_ratio()) == (120, 60, 0.5)
    assert window.take().max == 0.01
    assert window.evidence() == (2, 4)
