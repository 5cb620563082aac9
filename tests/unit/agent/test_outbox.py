"""Every tick on disk, in order, until the centre of the country says that it has it."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.outbox.file import ROW_BYTES
from stage.parts import ROOT
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import reading
from telemetry.wire import MAX_SERIES
from tests.unit.agent.outboxes import Clock, decoded, fill, numbers, opened, tick


def test_a_tick_is_on_disk_when_append_returns(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    assert outbox.append("ups/rack", tick(clock, 7))
    with sqlite3.connect(file) as other:
        assert other.execute("SELECT count(*), sum(sealed) FROM batch").fetchone() == (1, 0)
    other.close()
    outbox.close()


def test_ticks_gather_in_one_row_until_the_batch_is_due(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=30)
    fill(outbox, clock, 3)
    assert (outbox.oldest(10), outbox.newest()) == ([], [])
    outbox.close_due()
    assert numbers(outbox) == [("rack", 1), ("rack", 2), ("rack", 3)]
    assert outbox.stats().rows == 1
    outbox.close()


def test_a_lane_that_has_fallen_silent_is_closed_as_well(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=30)
    outbox.append("ups/rack", tick(clock, 1))
    clock.now += 29
    outbox.close_due()
    assert (outbox.newest(), outbox.next_due_seconds()) == ([], 1)
    clock.now += 1
    outbox.close_due()
    assert numbers(outbox) == [("rack", 1)]
    outbox.close()


def test_the_next_due_time_is_never_negative_and_never_beyond_a_batch(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=30)
    assert outbox.next_due_seconds() == 30
    outbox.append("ups/rack", tick(clock, 1))
    clock.now += 500
    assert outbox.next_due_seconds() == 0
    outbox.close()


def test_the_newest_row_is_the_last_closed_one_and_the_oldest_come_in_order(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=20)
    fill(outbox, clock, 9)
    outbox.close_all()
    rows = outbox.oldest(100)
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert outbox.newest() == [rows[-1]]
    assert outbox.oldest(2) == rows[:2]
    assert numbers(outbox) == [("rack", number) for number in range(1, 10)]
    outbox.close()


def test_a_clock_that_goes_back_begins_a_new_row_and_loses_nothing(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 2)
    clock.now -= 3600
    fill(outbox, clock, 2, first=3)
    outbox.close_all()
    assert (numbers(outbox), outbox.stats().rows) == ([("rack", number) for number in (1, 2, 3, 4)], 2)
    outbox.close()


def test_events_ride_with_the_tick_that_saw_them(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    outage = Event("outage", "outage-rack-1", clock.at())
    outbox.append("ups/rack", tick(clock, 1), [outage])
    outbox.close_all()
    (row,) = outbox.oldest(5)
    assert decoded(outbox, row)[1].events == (outage,)
    outbox.close()


def test_a_mains_that_flickers_never_makes_a_row_that_ingest_refuses(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    for number in range(1, 100):  # one reading a second, an event with each
        outbox.append("ups/rack", tick(clock, number), [Event("outage", f"outage-rack-{number}", clock.at())])
        clock.now += 1
    outbox.close_all()
    told = [event.id for row in outbox.oldest(100) for event in decoded(outbox, row)[1].events]
    assert told == [f"outage-rack-{number}" for number in range(1, 100)]
    outbox.close()


def test_an_ack_deletes_exactly_the_rows_it_names(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1)
    fill(outbox, clock, 6)
    outbox.close_all()
    seqs = [row.seq for row in outbox.oldest(10)]
    assert outbox.settle(outbox.epoch, [(seqs[0], seqs[1]), (seqs[4], seqs[4])]) == [seqs[0], seqs[1], seqs[4]]
    assert [row.seq for row in outbox.oldest(10)] == [seqs[2], seqs[3], seqs[5]]
    assert outbox.settle(outbox.epoch, [(seqs[0], seqs[1])]) == []
    outbox.close()


def test_an_ack_of_another_epoch_deletes_nothing(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 1)
    outbox.close_all()
    assert outbox.settle((outbox.epoch + 1) % 2**32, [(0, 2**40)]) == []
    assert outbox.stats().rows == 1
    outbox.close()


def test_an_ack_never_deletes_a_row_that_still_grows(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 2)
    assert outbox.settle(outbox.epoch, [(0, 2**40)]) == []
    outbox.close_all()
    assert numbers(outbox) == [("rack", 1), ("rack", 2)]
    outbox.close()


@pytest.mark.parametrize("ranges", [[(5, 1)], [(-3, -1)], [(0, 2**63)], [(2**70, 2**71)], [(-(2**70), 0)]], ids=str)
def test_an_absurd_range_in_an_ack_does_no_harm(file: Path, clock: Clock, ranges: list[tuple[int, int]]) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 1)
    outbox.settle(outbox.epoch, ranges)
    assert outbox.append("ups/rack", tick(clock, 2))
    outbox.close()


@pytest.mark.parametrize("epoch", [-1, 2**63, 10**40], ids=str)
def test_an_absurd_epoch_in_an_ack_does_no_harm(file: Path, clock: Clock, epoch: int) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 1)
    outbox.close_all()
    assert outbox.settle(epoch, [(0, 10)]) == []
    assert numbers(outbox) == [("rack", 1)]
    outbox.close()


def test_a_sequence_number_is_never_used_twice(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1)
    seen: list[int] = []
    for number in range(1, 6):
        fill(outbox, clock, 1, first=number)
        outbox.close_all()
        seen += [row.seq for row in outbox.oldest(10)]
        outbox.settle(outbox.epoch, [(0, 2**40)])
        outbox.close()
        outbox = opened(file, clock, batch_seconds=1)
    assert seen == sorted(set(seen))
    outbox.close()


def test_a_restart_keeps_rows_and_schemas_and_writes_under_a_new_epoch(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 3)
    epoch = outbox.epoch
    outbox.close()
    again = opened(file, clock)
    assert numbers(again) == [("rack", 1), ("rack", 2), ("rack", 3)]
    assert (again.epoch != epoch, [row.epoch for row in again.oldest(9)]) == (True, [epoch])
    assert again.settle(epoch, [(1, 9)]) == [1]
    again.close()


def test_an_ack_of_an_earlier_life_never_deletes_a_row_of_this_one(file: Path, clock: Clock, tmp_path: Path) -> None:
    # A power cut on a disk that lies: the file is that of a minute ago, and its numbers are used again.
    outbox = opened(file, clock, batch_seconds=1)
    fill(outbox, clock, 2)
    outbox.close()
    old = tmp_path / "a-minute-ago"
    shutil.copytree(file.parent, old)
    outbox = opened(file, clock, batch_seconds=1)
    fill(outbox, clock, 2, first=3)
    outbox.close_all()
    sent = [(row.epoch, row.seq) for row in outbox.oldest(9)]
    outbox.close()
    again = opened(old / file.name, clock, batch_seconds=1)
    fill(again, clock, 2, first=5)
    again.close_all()
    for epoch, seq in sent[2:]:  # the acks of what is gone with the minute
        assert again.settle(epoch, [(seq, seq)]) == []
    assert [number for _, number in numbers(again)] == [1, 2, 5, 6]
    again.close()


def test_a_file_of_an_earlier_version_keeps_its_rows_and_its_epoch(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1)
    fill(outbox, clock, 3)
    outbox.close()
    with sqlite3.connect(file) as db:
        epoch = db.execute("SELECT DISTINCT epoch FROM batch").fetchone()[0]
        for column in ("epoch", "last_ms", "ticks", "events", "dated", "boot", "offset_ms"):
            db.execute(f"ALTER TABLE batch DROP COLUMN {column}")
        db.execute("DROP TABLE loss")
        db.execute("DROP TABLE lost")
        db.execute("INSERT INTO meta VALUES('epoch', ?)", (epoch,))
    db.close()
    again = opened(file, clock)
    assert numbers(again) == [("rack", 1), ("rack", 2), ("rack", 3)]
    assert len(again.settle(epoch, [(1, 9)])) == 3
    again.close()


@pytest.mark.parametrize("change", ["UPDATE schema SET body = replace(body, 'ups', 'uqs')", "DELETE FROM schema"])
def test_a_schema_that_a_damaged_disk_has_changed_is_none_until_the_same_series_come_again(
    file: Path, clock: Clock, change: str
) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 1)
    outbox.close()
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute(change)
    again = opened(file, clock)
    (row,) = again.oldest(1)
    assert again.schema_body(row.sid) is None
    fill(again, clock, 1)
    assert again.schema_body(row.sid) is not None
    assert numbers(again) == [("rack", 1)]
    again.close()


def test_schemas_go_with_the_last_row_that_needs_them(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 1)
    outbox.close_all()
    (row,) = outbox.oldest(1)
    outbox.settle(row.epoch, [(row.seq, row.seq)])
    outbox.close()
    again = opened(file, clock)
    assert again.schema_body(row.sid) is None
    fill(again, clock, 1)
    assert again.schema_body(row.sid) is not None
    again.close()


def test_a_crash_keeps_what_was_committed_and_seals_it(file: Path, clock: Clock, tmp_path: Path) -> None:
    outbox = opened(file, clock)
    fill(outbox, clock, 3)
    left = tmp_path / "crashed"
    shutil.copytree(file.parent, left)  # the files as a power cut would leave them: nothing closed
    again = opened(left / file.name, clock)
    assert numbers(again) == [("rack", 1), ("rack", 2), ("rack", 3)]
    again.close()
    outbox.close()


def test_a_killed_agent_loses_no_tick_that_it_had_committed(tmp_path: Path, clock: Clock) -> None:
    program = """
import itertools, sys
from pathlib import Path
from tests.unit.agent.outboxes import Clock, fill, opened, tick
clock = Clock()
outbox = opened(Path(sys.argv[1]), clock, batch_seconds=30)
for number in itertools.count(1):
    assert outbox.append("ups/rack", tick(clock, number))
    print(number, flush=True)
    clock.now += 10
"""
    file = tmp_path / "outbox.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as agent:
        assert agent.stdout is not None
        said = [agent.stdout.readline() for _ in range(20)]
        agent.send_signal(signal.SIGKILL)
        said += agent.stdout.readlines()
    committed = [int(line) for line in said if line.endswith("\n")]
    outbox = opened(file, clock)
    found = [number for _, number in numbers(outbox)]
    assert found[: len(committed)] == committed
    assert len(found) - len(committed) <= 1  # the one whose line was not printed any more
    outbox.close()


def test_stats_tell_rows_bytes_and_the_age_of_the_oldest(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1)
    empty = outbox.stats()
    assert (empty.rows, empty.bytes, empty.oldest_seconds, empty.dropped) == (0, 0, 0, 0)
    fill(outbox, clock, 3)
    outbox.close_all()
    stats = outbox.stats()
    assert (stats.rows, stats.oldest_seconds, stats.writable) == (3, 30, True)
    assert stats.bytes == sum(len(row.body) + ROW_BYTES for row in outbox.oldest(10))
    outbox.close()


def test_lanes_do_not_share_rows_or_schemas(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock)
    for number in range(1, 4):
        outbox.append("ups/a", tick(clock, number, "a"))
        outbox.append("ups/b", tick(clock, number, "b"))
        clock.now += 10
    outbox.append("host/gateway", [reading(names.HOST_CPU, 0.5, clock.at())])
    outbox.close_all()
    assert sorted(numbers(outbox)) == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)]
    assert len({row.sid for row in outbox.oldest(9)}) == 3
    outbox.close()


def test_a_lane_whose_series_never_stop_changing_stays_one_that_ingest_accepts(file: Path, clock: Clock) -> None:
    # An alarm, a sensor or a firmware string that changes daily: over the years more than the wire's 500.
    outbox = opened(file, clock, batch_seconds=86_400)
    for day in range(MAX_SERIES + 20):
        assert outbox.append("host/gateway", [reading(names.HOST_TEMPERATURE, 40, clock.at(), sensor=f"s{day}")])
        clock.now += 10
    outbox.close_all()
    shown: list[str] = []
    for row in outbox.oldest(1000):
        schema, batch = decoded(outbox, row)
        columns = zip(schema.series, batch.columns, strict=True)
        shown += [series.labels[0] for series, column in columns if any(one is not None for one in column)]
    assert shown == [f"s{day}" for day in range(MAX_SERIES + 20)]
    outbox.close()


_STEPS = st.one_of(
    st.tuples(st.just("append"), st.sampled_from("ab")),
    st.tuples(st.just("wait"), st.sampled_from((1.0, 40.0))),
    st.tuples(st.just("back"), st.just(300.0)),
    st.tuples(st.just("close"), st.none()),
    st.tuples(st.just("due"), st.none()),
    st.tuples(st.just("settle"), st.integers(0, 3)),
    st.tuples(st.just("crash"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


@settings(max_examples=40)
@given(st.lists(_STEPS, max_size=25))
def test_every_tick_is_kept_in_order_until_its_row_is_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    directory = tmp_path_factory.mktemp("outbox")
    clock, number, lives = Clock(), 0, 0
    outbox = opened(directory / "0" / "outbox.sqlite", clock, batch_seconds=60)
    expected: dict[str, list[int]] = {"a": [], "b": []}
    for step, argument in steps:
        clock.now += 1
        if step == "append":
            number += 1
            assert outbox.append(f"ups/{argument}", tick(clock, number, str(argument)))
            expected[str(argument)].append(number)
        elif step in ("wait", "back"):
            clock.now += float(str(argument)) * (1 if step == "wait" else -1)
        elif step == "close":
            outbox.close_all()
        elif step == "due":
            outbox.close_due()
        elif step == "settle":
            rows = outbox.oldest(100)[: int(str(argument))]
            gone = numbers(outbox, rows)
            for row in rows:
                assert outbox.settle(row.epoch, [(row.seq, row.seq)]) == [row.seq]
            expected = {lane: [one for one in kept if (lane, one) not in gone] for lane, kept in expected.items()}
        else:
            lives += 1
            if step == "restart":
                outbox.close()
            shutil.copytree(directory / str(lives - 1), directory / str(lives))
            if step == "crash":
                outbox.close()
            outbox = opened(directory / str(lives) / "outbox.sqlite", clock, batch_seconds=60)
    outbox.close_all()
    found = numbers(outbox)
    assert {lane: [one for ups, one in found if ups == lane] for lane in "ab"} == expected
    assert outbox.stats().dropped == 0
    assert outbox.stats().bytes == sum(len(row.body) + ROW_BYTES for row in outbox.oldest(1000))
    outbox.close()
