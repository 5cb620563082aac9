"""Round trips of one target, summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.window import RECENT_ROUNDS, Summary, Window

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


def test_a_target_is_silent_only_after_three_lost_probes() -> None:
    window = Window()
    assert window.answers() is None
    said = []
    for rtt in (0.010, *[None] * RECENT_ROUNDS, 0.010):
        window.add(rtt)
        said.append(window.answers())
    assert said == [True, True, True, False, True]


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
