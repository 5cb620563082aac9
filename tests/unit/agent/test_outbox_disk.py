"""Bad disks: full, damaged, not there. What cannot be written waits; what was written is not lost."""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stage.parts import ROOT
from tests.unit.agent.outboxes import Clock, filled, numbers, opened, tick

# As root no directory is read-only: a limit on the size of files is what a full disk looks like.
FULL_DISK = """
import json, logging, resource, signal, sys
from pathlib import Path
from tests.unit.agent.outboxes import Clock, opened, tick

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
logging.disable()
file, plan = Path(sys.argv[1]), json.loads(sys.argv[2])
clock, said, number = Clock(), [], 0
outbox = opened(file, clock, batch_seconds=plan["batch_seconds"], max_bytes=plan["max_bytes"])


def append(lanes):
    global number
    for lane in lanes:
        number += 1
        clock.now += 10
        said.append(outbox.append(f"ups/{lane}", tick(clock, number, lane)))


append(plan["before"])
size = max(Path(f"{file}{suffix}").stat().st_size for suffix in ("", "-wal"))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (max(0, size + plan["room"]), hard))
append(plan["full"])
full = outbox.stats()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
append(plan["after"])
outbox.close_all()
print(json.dumps({"said": said, "dropped": outbox.stats().dropped, "writable_when_full": full.writable}))
outbox.close()
"""


def _on_a_full_disk(file: Path, **plan: Any) -> dict[str, Any]:
    whole = {"batch_seconds": 1e6, "max_bytes": 10**7, "room": 0} | plan
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(file), json.dumps(whole)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _kept(file: Path) -> list[tuple[str, int]]:
    outbox = opened(file, Clock())
    try:
        return sorted(numbers(outbox), key=lambda one: one[1])
    finally:
        outbox.close()


def _all(lanes: str) -> list[tuple[str, int]]:
    return [(lane, number) for number, lane in enumerate(lanes, 1)]


@pytest.mark.parametrize(
    ("before", "full", "after"),
    [
        ("", "aaa", "aa"),
        ("a", "aaa", "aa"),
        ("", "abab", "ab"),
        ("a", "bab", "ab"),
        ("a", "bcbc", "cb"),
        ("ab", "c", "abc"),
    ],
)
def test_ticks_of_a_full_disk_wait_and_are_stored_when_there_is_room(
    tmp_path: Path, before: str, full: str, after: str
) -> None:
    file = tmp_path / "outbox.sqlite"
    told = _on_a_full_disk(file, before=before, full=full, after=after)
    assert not all(told["said"][len(before) : len(before + full)])
    assert all(told["said"][len(before + full) :])
    assert _kept(file) == _all(before + full + after)
    assert told["dropped"] == 0


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    assert _on_a_full_disk(tmp_path / "outbox.sqlite", before="a", full="a", after="a")["writable_when_full"] is False


@pytest.mark.parametrize("room", [4_000, 8_300, 12_500, 20_000, 33_000])
def test_a_disk_that_fills_in_the_middle_of_things_loses_nothing(tmp_path: Path, room: int) -> None:
    file = tmp_path / "outbox.sqlite"
    told = _on_a_full_disk(file, before="ab", full="abcabc", after="abc", room=room)
    assert (_kept(file), told["dropped"]) == (_all("ab" + "abcabc" + "abc"), 0)


@pytest.mark.parametrize("room", range(0, 50_000, 4_120))
def test_a_disk_too_full_to_make_room_never_raises_and_counts_what_it_gives_up(tmp_path: Path, room: int) -> None:
    # Every write is followed by the deletion of the oldest rows, which needs the disk as well.
    file = tmp_path / "outbox.sqlite"
    told = _on_a_full_disk(file, before="a" * 8, full="a" * 12, after="aa", room=room, batch_seconds=5, max_bytes=1600)
    kept = [number for _, number in _kept(file)]
    newest = [number for number in kept if number > 1]  # the first batch of the hour stays longest
    assert newest == list(range(23 - len(newest), 23))
    assert 0 < told["dropped"] <= 22 - len(kept)  # rows, of one tick or more


def test_a_batch_that_cannot_wait_any_longer_is_counted(tmp_path: Path) -> None:
    told = _on_a_full_disk(tmp_path / "outbox.sqlite", before="", full="a" * 300, after="a", room=-(10**9))
    kept = _kept(tmp_path / "outbox.sqlite")
    assert told["dropped"] == 2  # two batches of 128 ticks, which is what one message may hold
    assert kept == [("a", number) for number in range(257, 302)]


def test_a_state_directory_that_is_made_later_takes_what_waited(tmp_path: Path) -> None:
    clock = Clock()
    obstacle = tmp_path / "state"
    obstacle.write_text("a file where the directory should be")
    outbox = opened(obstacle / "outbox.sqlite", clock)
    assert not outbox.append("ups/rack", tick(clock, 1))
    assert (outbox.stats().writable, outbox.oldest(9), outbox.newest()) == (False, [], [])
    obstacle.unlink()
    clock.now += 10
    assert outbox.append("ups/rack", tick(clock, 2))
    outbox.close_all()
    assert numbers(outbox) == [("rack", 1), ("rack", 2)]
    outbox.close()


def _spoil(file: Path, way: str) -> None:
    whole = file.read_bytes()
    if way == "empty":
        file.write_bytes(b"")
    elif way == "text":
        file.write_bytes(b"not a database at all" * 400)
    elif way == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif way == "header":
        file.write_bytes(b"\0" * 100 + whole[100:])
    elif way == "noughts":
        file.write_bytes(whole[:4096] + b"\0" * (len(whole) - 4096))
    elif way == "noise":
        file.write_bytes(whole[:100] + random.Random(1).randbytes(len(whole) - 100))
    elif way == "other tables":
        file.unlink()
        with sqlite3.connect(file) as db:
            db.execute("CREATE TABLE batch(x)")
        db.close()


@pytest.mark.parametrize("way", ["text", "cut", "header", "noughts", "noise", "other tables"])
def test_a_damaged_file_is_set_aside_what_can_be_read_is_saved_and_the_rest_is_told(tmp_path: Path, way: str) -> None:
    file = tmp_path / "outbox.sqlite"
    epoch = filled(file)
    _spoil(file, way)
    clock = Clock()
    outbox = opened(file, clock)
    assert outbox.append("ups/rack", tick(clock, 1000))
    outbox.close_all()
    found = [number for _, number in numbers(outbox)]
    assert found[-1] == 1000
    assert set(found[:-1]) <= set(range(1, 60))
    assert len(set(found)) == len(found)
    (lost,) = outbox.losses_to_tell()
    assert (lost.kind, lost.evidence["reason"]) == ("readings_lost", "damaged")
    assert outbox.stats().dropped >= 1
    assert {row.epoch for row in outbox.oldest(100)} == {outbox.epoch}
    assert outbox.epoch != epoch
    assert outbox.settle(epoch, [(0, 10**9)]) == []
    assert len(list(tmp_path.glob("outbox.sqlite.damaged-*"))) >= 1
    outbox.close()


@pytest.mark.parametrize("place", range(16, 100))
def test_a_byte_of_the_head_that_flips_never_stops_the_agent_and_what_it_costs_is_counted(
    tmp_path: Path, place: int
) -> None:
    file = tmp_path / "outbox.sqlite"
    filled(file)
    whole = bytearray(file.read_bytes())
    whole[place] ^= 0x22
    file.write_bytes(whole)
    clock = Clock()
    outbox = opened(file, clock)
    said = [outbox.append("ups/rack", tick(clock, number)) for number in (1000, 1001)]
    assert said[-1]
    outbox.close_all()
    kept = [number for _, number in numbers(outbox)]
    assert kept[-2:] == [1000, 1001]
    assert kept[:-2] == list(range(1, 60)) or outbox.stats().lost
    if place in (18, 19, 47):  # the versions: SQLite would not write, or not even read
        assert kept[:59] == list(range(1, 60))
    outbox.close()


@pytest.mark.parametrize("place", range(16))
def test_a_byte_of_the_first_words_that_flips_costs_no_row(tmp_path: Path, place: int) -> None:
    file = tmp_path / "outbox.sqlite"
    filled(file)
    whole = bytearray(file.read_bytes())
    whole[place] ^= 0x22
    file.write_bytes(whole)
    outbox = opened(file, Clock())
    assert [number for _, number in numbers(outbox)][:59] == list(range(1, 60))
    outbox.close()


@pytest.mark.parametrize("flip", [0x80, 0x20, 0x04])
@pytest.mark.parametrize("place", range(0, 20, 3))
@pytest.mark.parametrize(
    "column", [b"seq INTEGER PRIMARY KEY", b"sid TEXT NOT NULL", b"TABLE meta(key TEXT", b"sealed INTEGER"]
)
def test_a_bit_of_a_tables_own_text_that_flips_never_stops_the_agent(
    tmp_path: Path, column: bytes, place: int, flip: int
) -> None:
    file = tmp_path / "outbox.sqlite"
    filled(file)
    whole = bytearray(file.read_bytes())
    whole[whole.index(column) + min(place, len(column) - 1)] ^= flip
    file.write_bytes(whole)
    clock = Clock()
    outbox = opened(file, clock)
    said = [outbox.append("ups/rack", tick(clock, number)) for number in (1000, 1001, 1002)]
    assert said[-1]
    outbox.close()


@pytest.mark.parametrize("seed", range(6))
def test_one_bad_page_costs_the_rows_that_lie_on_it_and_no_others(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "outbox.sqlite"
    clock = Clock()
    outbox = opened(file, clock, batch_seconds=1)
    for number in range(1, 400):
        outbox.append("ups/rack", tick(clock, number))
        clock.now += 10
    outbox.close()
    luck = random.Random(seed)
    whole = bytearray(file.read_bytes())
    page = luck.randrange(12, len(whole) // 4096)  # past the roots of the tables
    whole[4096 * page : 4096 * (page + 1)] = luck.randbytes(4096)
    file.write_bytes(whole)
    outbox = opened(file, clock)
    outbox.append("ups/rack", tick(clock, 1000))
    outbox.close_all()
    found = {number for _, number in numbers(outbox)} - {1000}
    assert found <= set(range(1, 400))
    assert len(found) >= 399 - 40  # a page holds some twenty rows
    lost = outbox.stats().lost.get("damaged", (0, 0))[0]
    assert lost >= (len(found) < 399)
    outbox.close()


def test_an_empty_file_is_a_new_outbox(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    epoch = filled(file)
    _spoil(file, "empty")
    clock = Clock()
    outbox = opened(file, clock)
    assert outbox.append("ups/rack", tick(clock, 1))
    assert outbox.epoch != epoch
    outbox.close()


def test_a_file_that_is_damaged_while_it_is_open_costs_no_tick_of_the_growing_batch(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    clock = Clock()
    outbox = opened(file, clock)
    outbox.append("ups/rack", tick(clock, 1))
    clock.now += 10
    for name in (file, Path(f"{file}-wal")):
        name.write_bytes(b"\xaa" * name.stat().st_size)
    for number in (2, 3, 4):
        outbox.append("ups/rack", tick(clock, number))
        clock.now += 10
    assert outbox.stats().writable
    outbox.close_all()
    assert numbers(outbox) == [("rack", number) for number in (1, 2, 3, 4)]
    outbox.close()


@pytest.mark.parametrize("seed", range(24))
def test_a_sector_that_went_bad_never_stops_the_agent_from_writing(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "outbox.sqlite"
    if seed == 0:
        file.touch()
    filled(file)
    luck = random.Random(seed)
    whole = bytearray(file.read_bytes())
    at = 512 * luck.randrange(len(whole) // 512)
    whole[at : at + 512] = luck.choice([b"\0" * 512, b"\xff" * 512, luck.randbytes(512)])
    file.write_bytes(whole)
    clock = Clock()
    outbox = opened(file, clock)
    said = []
    for number in (1001, 1002):
        said.append(outbox.append("ups/rack", tick(clock, number)))
        clock.now += 10
        outbox.oldest(100)
    assert said[-1]
    outbox.close_all()
    assert numbers(outbox, outbox.newest()) == [
        ("rack", 1001),
        ("rack", 1002),
    ]
    outbox.close()


def test_files_left_by_a_crash_in_the_middle_of_a_write_are_recovered(tmp_path: Path) -> None:
    clock = Clock()
    live = tmp_path / "live" / "outbox.sqlite"
    outbox = opened(live, clock)
    for number in range(1, 30):
        outbox.append("ups/rack", tick(clock, number))
        clock.now += 10
    wal = Path(f"{live}-wal").stat().st_size
    for cut in (0, 1, 24, 32, 4000, 4152, wal // 2, wal - 1):
        left = tmp_path / f"cut-{cut}"
        shutil.copytree(live.parent, left)
        with Path(f"{left / live.name}-wal").open("r+b") as log:
            log.truncate(cut)
        again = opened(left / live.name, clock)
        found = [number for _, number in numbers(again)]
        assert found == list(range(1, len(found) + 1))
        assert again.append("ups/rack", tick(clock, 99))
        again.close()
    outbox.close()


@pytest.mark.parametrize("seed", range(40))
def test_bits_that_flip_anywhere_never_stop_the_agent_and_are_said(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "outbox.sqlite"
    filled(file)
    luck = random.Random(seed)
    whole = bytearray(file.read_bytes())
    for _ in range(luck.choice([1, 20, 400])):
        place = luck.randrange(100, len(whole))
        whole[place] ^= 1 << luck.randrange(8)
    file.write_bytes(whole)
    clock = Clock()
    outbox = opened(file, clock)
    said = []
    for number in (1001, 1002, 1003):
        said.append(outbox.append("ups/rack", tick(clock, number)))
        clock.now += 10
        rows = outbox.oldest(100)
        outbox.stats()
        outbox.losses_to_tell()
        outbox.settle(outbox.epoch, [(row.seq, row.seq) for row in rows[:1]])
    assert said[-1]
    outbox.close()
