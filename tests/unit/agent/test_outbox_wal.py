"""A bit that flips in SQLite's log: what was committed after it is gone in silence, so we count it ourselves."""

import random
import shutil
from pathlib import Path

import pytest

from agent.outbox.wal import commits_lost
from tests.unit.agent.outboxes import Clock, numbers, opened, tick

TICKS = 60
FRAME = 24 + 4096


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files as a power cut leaves them: a log that holds every tick."""
    live = tmp_path_factory.mktemp("live") / "outbox.sqlite"
    clock = Clock()
    outbox = opened(live, clock, batch_seconds=1)
    for number in range(1, TICKS + 1):
        assert outbox.append("ups/rack", tick(clock, number))
        clock.now += 10
    left = tmp_path_factory.mktemp("left")
    for file in live.parent.iterdir():
        shutil.copy(file, left / file.name)
    outbox.close()
    return left / live.name


def _copy(crashed: Path, to: Path) -> Path:
    for file in crashed.parent.iterdir():
        shutil.copy(file, to / file.name)
    return to / crashed.name


def _wal(file: Path) -> Path:
    return Path(f"{file}-wal")


def _frames(wal: Path) -> int:
    return (wal.stat().st_size - 32) // FRAME


def _flip(wal: Path, at: int) -> None:
    body = bytearray(wal.read_bytes())
    body[at] ^= 0x10
    wal.write_bytes(body)


def test_a_log_that_is_whole_has_lost_nothing(crashed: Path, tmp_path: Path) -> None:
    assert _frames(_wal(crashed)) > TICKS
    assert commits_lost(_wal(crashed)) == 0
    outbox = opened(_copy(crashed, tmp_path), Clock())
    assert [number for _, number in numbers(outbox)] == list(range(1, TICKS + 1))
    assert outbox.stats().lost == {}
    outbox.close()


@pytest.mark.parametrize("seed", range(12))
def test_what_lies_beyond_a_flipped_bit_is_counted_and_told(crashed: Path, tmp_path: Path, seed: int) -> None:
    file = _copy(crashed, tmp_path)
    luck = random.Random(seed)
    frame = luck.randrange(_frames(_wal(file)) // 2)
    _flip(_wal(file), 32 + frame * FRAME + luck.randrange(FRAME))
    lost = commits_lost(_wal(file))
    clock = Clock()
    clock.now += 10 * TICKS
    outbox = opened(file, clock)
    kept = {number for _, number in numbers(outbox)}
    assert kept == set(range(1, len(kept) + 1))
    assert len(kept) < TICKS
    assert lost >= TICKS - len(kept)  # so many or fewer: a commit may also be that of a schema or a bound
    (told,) = outbox.losses_to_tell()
    assert (told.evidence["reason"], told.evidence["batches"]) == ("damaged", lost)
    outbox.close()


def test_a_flipped_bit_in_the_logs_own_head_costs_all_of_it_and_is_counted(crashed: Path, tmp_path: Path) -> None:
    file = _copy(crashed, tmp_path)
    _flip(_wal(file), 13)
    assert commits_lost(_wal(file)) >= TICKS


@pytest.mark.parametrize("short", [1, 100, 4096, FRAME - 1])
def test_a_log_torn_in_its_last_frame_is_a_power_cut_and_no_damage(crashed: Path, tmp_path: Path, short: int) -> None:
    wal = _wal(_copy(crashed, tmp_path))
    with wal.open("r+b") as log:
        log.truncate(32 + _frames(wal) * FRAME - short)
    assert commits_lost(wal) == 0


@pytest.mark.parametrize(
    ("body", "lost"), [(b"", 0), (b"\0" * 20, 0), (b"\0" * 9000, 0), (b"\xff" * 5000, 0), (b"\xff" * 9000, 2)]
)
def test_octets_that_are_no_log_are_survived(tmp_path: Path, body: bytes, lost: int) -> None:
    (tmp_path / "x-wal").write_bytes(body)
    assert commits_lost(tmp_path / "x-wal") == lost
    assert commits_lost(tmp_path / "none-wal") == 0


@pytest.mark.parametrize("page", [512, 8192, 65536, 2**31])
def test_a_page_size_that_flipped_hides_no_loss_and_never_stops_the_agent(
    crashed: Path, tmp_path: Path, page: int
) -> None:
    file = _copy(crashed, tmp_path)
    whole = _wal(file).read_bytes()
    _wal(file).write_bytes(whole[:8] + page.to_bytes(4, "big") + whole[12:])
    assert commits_lost(_wal(file)) >= TICKS
    _wal(file).write_bytes(whole[:8] + page.to_bytes(4, "big") + whole[12:4000])
    assert commits_lost(_wal(file)) == 0
    clock = Clock()
    outbox = opened(file, clock)
    assert [outbox.append("ups/rack", tick(clock, number)) for number in (1000, 1001)][-1]
    outbox.close()
