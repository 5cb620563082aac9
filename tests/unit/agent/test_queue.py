"""Which row goes next: the present first, a backlog as fast as acks come, next to nothing where none come."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.outbox import Outbox
from agent.queue import LIVE_ROWS, Queue
from tests.unit.agent.outboxes import Clock, opened, tick


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    clock = Clock()
    made = opened(tmp_path / "outbox.sqlite", clock, batch_seconds=1)
    for number in range(1, 301):
        made.append("ups/rack", tick(clock, number))
        clock.now += 10
    made.close_all()
    yield made
    made.close()


def _send_all(queue: Queue, now: float) -> list[int]:
    """Everything that may go, as an uplink with an endless window would send it."""
    sent: list[int] = []
    while True:
        found = [row.seq for row, _ in queue.rows(now)]
        for seq in found:
            queue.went(seq, now, now + 180)
        if not found:
            return sent
        sent += found


def _settle(outbox: Outbox, queue: Queue, seqs: list[int], now: float) -> None:
    queue.acknowledged(outbox.settle(outbox.epoch, [(seq, seq) for seq in seqs]), now)


def test_the_present_goes_first_then_the_oldest(outbox: Outbox) -> None:
    sent = _send_all(Queue(outbox, 0.0), 0.0)
    assert sent[:LIVE_ROWS] == list(range(300, 300 - LIVE_ROWS, -1))
    assert sent[LIVE_ROWS:] == list(range(1, 1 + len(sent) - LIVE_ROWS))
    assert 32 <= len(sent) <= 32 + LIVE_ROWS


def test_where_no_ack_comes_one_row_goes_now_and_then(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    _send_all(queue, 0.0)
    assert list(queue.rows(60.0)) == []
    assert [row.seq for row, _ in queue.rows(121.0)] == [300]


def test_a_backlog_goes_faster_with_each_round_of_acks(outbox: Outbox) -> None:
    queue, now, rounds = Queue(outbox, 0.0), 0.0, []
    while sent := _send_all(queue, now):
        rounds.append(len(sent))
        now += 45
        _settle(outbox, queue, sent, now)
    assert sum(rounds) == 300
    assert rounds[1] > 1.5 * rounds[0]
    assert len(rounds) <= 4


def test_what_is_overdue_goes_again_and_a_row_that_is_gone_is_forgotten(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    sent = _send_all(queue, 0.0)
    outbox.settle(outbox.epoch, [(sent[-1], sent[-1])])  # given up by the bounds, say: nobody told the queue
    _settle(outbox, queue, sent[:-2], 10.0)
    again = {row.seq: tries for row, tries in queue.rows(200.0)}
    assert again[sent[-2]] == 1
    assert sent[-1] not in again


def test_live_rows_pass_a_full_credit_while_acks_come(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    sent = _send_all(queue, 0.0)
    _settle(outbox, queue, sent[LIVE_ROWS : LIVE_ROWS + 1], 1.0)
    _send_all(queue, 1.0)
    clock = Clock()
    clock.now += 1e6
    outbox.append("ups/rack", tick(clock, 301))
    outbox.close_all()
    assert [row.seq for row, _ in queue.rows(2.0)] == [301]


def test_after_a_new_beginning_everything_is_to_be_sent(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    first = _send_all(queue, 0.0)
    queue.begin_again()
    assert _send_all(queue, 1.0)[: len(first)] == first


def test_where_nobody_listens_nothing_goes_for_a_growing_while(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    first = _send_all(queue, 0.0)
    queue.nobody_listens(1.0)
    queue.nobody_listens(1.1)  # each row that went says so: one piece of news
    assert _send_all(queue, 5.0) == []
    assert queue.next_resend_seconds(5.0) == pytest.approx(1.0)
    assert _send_all(queue, 6.1)[: len(first)] == first
    queue.nobody_listens(7.0)
    assert _send_all(queue, 16.0) == []
    again = _send_all(queue, 17.1)
    _settle(outbox, queue, again, 18.0)
    queue.nobody_listens(20.0)
    assert _send_all(queue, 25.1) != []  # it had answered: the wait begins small again


def test_a_row_that_cannot_go_stays_parked_whatever_begins_anew(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    queue.parked(300, 3600.0)
    assert 300 not in _send_all(queue, 0.0)
    queue.begin_again()
    assert 300 not in _send_all(queue, 1.0)
    assert 300 in {row.seq for row, _ in queue.rows(3601.0)}
