"""A log that came back shorter than it was: SQLite takes it for the whole, the note beside the file does not."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from agent.outbox import Outbox
from tests.unit.agent.outboxes import Clock, numbers, opened, tick

TICKS = 40
FRAME = 24 + 4096


def _crashed(tmp_path: Path, *, batch_seconds: float = 60.0) -> Path:
    """The files as SIGKILL leaves them: a log that holds every tick."""
    clock = Clock()
    live = opened(tmp_path / "live/outbox.sqlite", clock, batch_seconds=batch_seconds)
    for number in range(1, TICKS + 1):
        assert live.append("ups/rack", tick(clock, number))
        clock.now += 10
    shutil.copytree(tmp_path / "live", tmp_path / "left")
    live.close()
    return tmp_path / "left/outbox.sqlite"


def _again(file: Path) -> tuple[Outbox, list[int]]:
    outbox = opened(file, Clock())
    return outbox, [number for _, number in numbers(outbox)]


def _tear(file: Path, frames: int) -> None:
    log = Path(f"{file}-wal")
    log.write_bytes(log.read_bytes()[: -frames * FRAME])


def test_a_log_that_is_whole_has_lost_nothing(tmp_path: Path) -> None:
    outbox, kept = _again(_crashed(tmp_path))
    assert (kept, outbox.stats().lost) == (list(range(1, TICKS + 1)), {})


@pytest.mark.parametrize("batch_seconds", [1.0, 60.0, 3600.0])
@pytest.mark.parametrize("frames", [5, 20, 60])
def test_a_log_that_came_back_shorter_has_its_loss_counted(tmp_path: Path, batch_seconds: float, frames: int) -> None:
    file = _crashed(tmp_path, batch_seconds=batch_seconds)
    _tear(file, frames)
    outbox, kept = _again(file)
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) < TICKS
    assert outbox.stats().lost["damaged"][0] >= 1
    (told,) = outbox.losses_to_tell()
    assert told.evidence["reason"] == "damaged"
    outbox.close()


def test_a_loss_is_counted_once_however_often_the_agent_starts(tmp_path: Path) -> None:
    file = _crashed(tmp_path)
    _tear(file, 20)
    first, _ = _again(file)
    counted = first.stats().lost
    first.close()
    second, _ = _again(file)
    assert second.stats().lost == counted != {}
    second.close()


def test_a_note_that_is_older_than_the_file_claims_nothing(tmp_path: Path) -> None:
    file = _crashed(tmp_path)
    note = file.with_name("outbox.sqlite.mark")
    body = note.read_bytes()
    outbox, _ = _again(file)
    for number in range(3):
        outbox.append("ups/rack", tick(Clock(), 100 + number))
    outbox.settle(outbox.epoch, [(0, 10**9)])
    outbox.close()
    note.write_bytes(body)
    outbox, _ = _again(file)
    assert outbox.stats().lost == {}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"file":1,"ticks":{"99":9}}', b'{"file":1,"ticks":{"x":9}}'])
def test_a_note_that_cannot_be_read_or_is_of_another_file_claims_nothing(tmp_path: Path, body: bytes) -> None:
    file = _crashed(tmp_path)
    file.with_name("outbox.sqlite.mark").write_bytes(body)
    outbox, kept = _again(file)
    assert (len(kept), outbox.stats().lost) == (TICKS, {})


@pytest.mark.parametrize("change", ["UPDATE batch SET ticks = x'ff'", "UPDATE sqlite_sequence SET seq = 'x'"])
def test_numbers_that_are_none_any_more_are_no_obstacle(tmp_path: Path, change: str) -> None:
    file = _crashed(tmp_path)
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute(change)
    outbox = opened(file, Clock())
    assert outbox.append("ups/rack", tick(Clock(), 1000))
    outbox.close()


def test_an_absurd_note_is_no_obstacle(tmp_path: Path) -> None:
    file = _crashed(tmp_path)
    note = file.with_name("outbox.sqlite.mark")
    note.write_bytes(note.read_bytes().replace(b'"ticks":{', b'"ticks":{"99999999999999999999999":1,'))
    outbox, kept = _again(file)
    assert len(kept) == TICKS
    assert outbox.stats().lost["damaged"][0] <= 1001
