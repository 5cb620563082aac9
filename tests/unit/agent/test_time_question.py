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
    question.asked(999.5)
    question.heard(ROW, 1000.0)  # written at any time since the connection began
    question.heard(BARE, 1000.0)
    question.heard(BARE, 1000.0)  # of a second ingest: to which question is not known
    assert clock.waits == [600.0, 0.5, 600.0]


def test_an_answer_may_be_to_the_first_of_two_questions_and_closes_both() -> None:
    clock = Heard()
    question = TimeQuestion(clock, 0.0)
    question.asked(10.0)
    question.asked(40.0)
    question.heard(BARE, 41.0)
    question.asked(70.0)  # the question of 10 was heard by nobody, say
    question.heard(BARE, 70.5)
    assert clock.waits == [31.0, 0.5]


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
    question = TimeQuestion(Heard(), 0.0)
    question.asked(0.0)
    question.heard(BARE, 12.0)
    assert not question.nobody_answers(13.0)
    assert question.is_due(31.0)


def test_the_question_is_asked_again_each_half_minute() -> None:
    question = TimeQuestion(Heard(), 0.0)
    question.asked(0.0)
    assert [question.is_due(now) for now in (1.0, 30.0, 30.1)] == [False, False, True]
    question.asked(31.0)
    assert not question.is_due(60.0)
