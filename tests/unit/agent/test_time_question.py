"""What an answer proves depends on what it answers, and a plausible clock is believed when nobody answers."""

import pytest

from agent.clock import Clock
from agent.time_question import TimeQuestion
from telemetry.wire import Ack

T = 1_790_000_000_000
ROW = Ack(T, 1, [(1, 1)])
BARE = Ack(T)


class Heard(Clock):
    """Notes how long each time that it was told had been under way."""

    def __init__(self, wall: float = T / 1000) -> None:
        super().__init__(wall=lambda: wall, boottime=lambda: 0.0, synchronised=lambda: False, boot="this")
        self.waits: list[float] = []

    def told(self, seconds: float, waited: float) -> None:
        self.waits.append(waited)


def test_an_answer_is_as_good_as_it_was_quick_and_any_other_ack_proves_less() -> None:
    clock = Heard()
    question = TimeQuestion(clock, 400.0)
    question.heard(ROW, 1000.0)  # written at any time since the connection began
    question.heard(Ack(T, asked=question.asked(999.5)), 1000.0)
    question.heard(BARE, 1000.0)  # of an ingest that returns nothing
    assert clock.waits == [600.0, 0.5, 600.0]


def test_an_answer_is_to_its_own_question_whatever_became_of_the_others() -> None:
    clock = Heard()
    question = TimeQuestion(clock, 5.0)
    first, second = question.asked(10.0), question.asked(40.0)
    question.heard(Ack(T, asked=second), 41.0)  # the first was heard by nobody, or late
    question.heard(Ack(T, asked=first), 42.0)
    question.heard(Ack(T, asked=second), 43.0)  # of a second ingest
    assert clock.waits == [1.0, 32.0, 3.0]


def test_the_first_question_of_a_connection_is_one_of_it_though_its_moment_was_cut_to_milliseconds() -> None:
    clock = Heard()
    question = TimeQuestion(clock, 7.0009)
    question.heard(Ack(T, asked=question.asked(7.0009)), 8.0)
    assert clock.waits == [pytest.approx(1.0)]
    assert not question.nobody_answers(100.0)


@pytest.mark.parametrize("returned", [-1, 1, 399_000, 1_000_001, 2**62, 10**400])
def test_an_answer_to_nothing_that_was_asked_proves_no_more_than_an_ack(returned: int) -> None:
    clock = Heard()
    question = TimeQuestion(clock, 400.0)
    question.heard(Ack(T, asked=returned), 1000.0)
    assert clock.waits == [600.0]
    assert question.nobody_answers(1000.0)


@pytest.mark.parametrize("absurd", [0, -1, 2**53, 2**60])
def test_an_absurd_time_is_no_time(absurd: int) -> None:
    clock = Heard()
    TimeQuestion(clock, 0.0).heard(Ack(absurd), 1.0)
    assert clock.waits == []


def test_a_plausible_clock_is_believed_five_seconds_after_the_connection_began_and_an_absurd_one_never() -> None:
    plausible, absurd = TimeQuestion(Heard(), 100.0), TimeQuestion(Heard(wall=60.0), 100.0)
    assert [plausible.nobody_answers(now) for now in (100.0, 105.0, 105.1)] == [False, False, True]
    assert not absurd.nobody_answers(10_000.0)


def test_where_somebody_answers_too_slowly_the_machines_clock_is_not_believed() -> None:
    question = TimeQuestion(Heard(), 100.0)
    question.heard(Ack(T, asked=question.asked(100.0)), 112.0)
    assert not question.nobody_answers(113.0)
    assert question.is_due(131.0)


def test_the_question_is_asked_again_each_half_minute() -> None:
    question = TimeQuestion(Heard(), 0.0)
    question.asked(0.0)
    assert [question.is_due(now) for now in (1.0, 30.0, 30.1)] == [False, False, True]
    question.asked(31.0)
    assert not question.is_due(60.0)
