"""What goes together: all that is to go now, in order, within the size of a letter; a damaged row not at all."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.letters import Letter, letters
from agent.outbox import Outbox, Row
from agent.queue import Queue
from telemetry.letter import MAX_BATCHES, opened
from telemetry.wire import MAX_WIRE_BYTES, inflate
from tests.unit.agent.outboxes import Clock, numbers, tick
from tests.unit.agent.outboxes import opened as outbox_at

LANES = ("host/gateway", "ups/rack", "seats/map", "internet/wan", "agent/self")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """Five lanes that closed together, four times."""
    clock = Clock()
    made = outbox_at(tmp_path / "outbox.sqlite", clock)
    for number in range(4):
        for lane in LANES:
            made.append(lane, tick(clock, number, lane))
        clock.now += 120
        made.close_all()
    yield made
    made.close()


def _letters(rows: list[Row], most_bytes: int = 100_000) -> list[Letter]:
    spoilt: list[Row] = []
    found = list(letters(((row, 0) for row in rows), most_bytes, spoilt=spoilt.append))
    assert not spoilt
    return found


def test_the_lanes_of_a_moment_travel_as_one_message(outbox: Outbox) -> None:
    rows = outbox.newest(len(LANES))
    (letter,) = _letters(rows)
    assert [row for row, _ in letter.rows] == rows
    assert opened(letter.body) == [inflate(row.body) for row in rows]
    assert len(letter.body) < sum(len(row.body) for row in rows) / 2


def test_a_row_that_goes_alone_goes_as_it_lies_on_disk(outbox: Outbox) -> None:
    (row,) = outbox.newest(1)
    assert _letters([row]) == [Letter(((row, 0),), row.body)]


def test_every_row_goes_once_and_in_order_whatever_fits(outbox: Outbox) -> None:
    rows = outbox.oldest(100)
    for most in (1, 150, 400, 100_000):
        found = _letters(rows, most)
        assert [row for letter in found for row, _ in letter.rows] == rows
        assert all(len(letter.rows) == 1 or sum(len(row.body) for row, _ in letter.rows) <= most for letter in found)
    assert len(_letters(rows, 1)) == len(rows)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: {"body": row.body[:-9]}, lambda _: {"body": None}, lambda _: {"body": 7}, lambda _: {"body": "a"},
        lambda row: {"epoch": row.epoch ^ 4}, lambda row: {"sid": row.sid[:7] + "x"}, lambda _: {"sid": b"\xff"},
        lambda _: {"sid": None},
    ],
    ids=range(8),
)  # fmt: skip
def test_a_row_that_a_damaged_disk_has_changed_goes_nowhere(
    outbox: Outbox, change: Callable[[Row], dict[str, Any]]
) -> None:
    first, second, third = outbox.oldest(3)
    torn = msgspec.structs.replace(second, **change(second))
    spoilt: list[Row] = []
    (letter,) = letters([(first, 0), (torn, 0), (third, 0)], 100_000, spoilt=spoilt.append)
    assert ([row for row, _ in letter.rows], spoilt) == ([first, third], [torn])


def test_a_row_that_cannot_be_read_is_given_up_and_counted(outbox: Outbox) -> None:
    before = outbox.stats()
    (row,) = (one for one in outbox.oldest(9) if one.seq == 2)
    assert outbox.spoilt(msgspec.structs.replace(row, epoch=row.epoch ^ 1))  # of a file before this one
    assert outbox.stats() == before
    assert outbox.spoilt(row)
    after = outbox.stats()
    assert outbox.row(2) is None
    assert (after.rows, after.lost) == (before.rows - 1, {"damaged": (1, 1)})
    assert after.bytes < before.bytes
    assert outbox.spoilt(row)  # twice is once
    assert outbox.stats() == after


def test_a_row_without_a_schema_stays_behind_and_the_others_go(outbox: Outbox) -> None:
    first, second, third = outbox.oldest(3)
    rows = [(first, 0), (second, 0), (third, 0)]
    (letter,) = letters(rows, 100_000, spoilt=pytest.fail, described=lambda row: row is not second)
    assert [row for row, _ in letter.rows] == [first, third]


def test_a_letter_is_within_what_ingest_accepts(tmp_path: Path) -> None:
    clock, dice = Clock(), random.Random(5)
    outbox = outbox_at(tmp_path / "outbox.sqlite", clock)
    for number in range(600):
        outbox.append("ups/rack", tick(clock, dice.randrange(10**9), f"ups-{number % 3}"))
        clock.now += 30
    outbox.close_all()
    for letter in _letters(outbox.oldest(1000)):
        assert len(letter.body) <= MAX_WIRE_BYTES
        assert len(opened(letter.body)) <= MAX_BATCHES
    outbox.close()


def test_what_the_queue_gives_twice_over_is_in_one_letter_only(outbox: Outbox) -> None:
    # The newest rows are among the oldest when there are few.
    queue = Queue(outbox, 0.0)
    sent = [row.seq for letter in letters(queue.rows(0.0), 100_000, spoilt=pytest.fail) for row, _ in letter.rows]
    assert sorted(sent) == list(range(1, 21))


def test_what_was_not_sent_yet_is_offered_again(outbox: Outbox) -> None:
    queue = Queue(outbox, 0.0)
    first = next(letters(queue.rows(0.0), 300, spoilt=pytest.fail))
    for row, _ in first.rows:
        queue.went(row.seq, 0.0, 180.0)
    rest = [row.seq for letter in letters(queue.rows(0.0), 300, spoilt=pytest.fail) for row, _ in letter.rows]
    assert sorted([*(row.seq for row, _ in first.rows), *rest]) == list(range(1, 21))


def test_the_rows_of_a_letter_are_read_back_as_they_were_written(outbox: Outbox) -> None:
    rows = [row for letter in _letters(outbox.oldest(100)) for row, _ in letter.rows]
    assert len(numbers(outbox, rows)) == 20
