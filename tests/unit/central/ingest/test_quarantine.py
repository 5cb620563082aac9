"""Rejected messages, kept for a person to look at, and never more of them than there is room for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ingest.quarantine import Quarantine


def _files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def test_a_message_is_a_file_with_its_reason_its_topic_and_its_bytes(tmp_path: Path) -> None:
    Quarantine(tmp_path / "q", 10_000).put("malformed", "centres/PK-PB-00042/samples", b"\x00\xff")
    (file,) = _files(tmp_path / "q")
    assert "-malformed-" in file.name
    assert file.read_bytes() == b"centres/PK-PB-00042/samples\n\x00\xff"


def test_a_topic_cannot_write_anything_but_one_printable_line(tmp_path: Path) -> None:
    Quarantine(tmp_path, 10_000).put("topic", "centres/\n../../x\x1b[31m" + "y" * 500, b"body")
    (file,) = _files(tmp_path)
    line, _, body = file.read_bytes().partition(b"\n")
    assert (body, len(line) <= 200, line.decode("ascii").isprintable()) == (b"body", True, True)


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    Quarantine(tmp_path, 10**6).put("oversized", "t", b"x" * 200_000)
    (file,) = _files(tmp_path)
    assert file.stat().st_size < 70_000


def test_the_oldest_go_when_there_is_no_room(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, 40_960)
    for number in range(50):
        quarantine.put("malformed", "t", str(number).encode() * 20)
    bodies = [file.read_bytes().partition(b"\n")[2] for file in _files(tmp_path)]
    assert bodies[-1] == b"49" * 20 or b"49" * 20 in bodies
    assert b"0" * 20 not in bodies


@given(st.lists(st.integers(0, 1500), max_size=40), st.booleans())
def test_files_never_take_more_than_the_bound(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], again: bool
) -> None:
    directory = tmp_path_factory.mktemp("q")
    quarantine = Quarantine(directory, 40_000)
    for number, size in enumerate(sizes):
        if again and number == len(sizes) // 2:
            quarantine = Quarantine(directory, 40_000)
        quarantine.put("malformed", "t", b"x" * size)
        assert sum(max(4096, file.stat().st_size) for file in directory.iterdir()) <= 40_000


def test_what_is_there_at_the_start_counts(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}-malformed-{number}").write_bytes(b"x" * 100)
    Quarantine(tmp_path, 40_960).put("malformed", "t", b"y" * 200)
    assert len(_files(tmp_path)) <= 10  # a block each


def test_a_directory_that_somebody_emptied_fills_again(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, 40_960)
    for _ in range(9):
        quarantine.put("malformed", "t", b"x" * 100)
    for file in _files(tmp_path):
        file.unlink()
    for _ in range(8):
        quarantine.put("malformed", "t", b"y" * 100)
    assert len(_files(tmp_path)) == 8


def test_a_directory_of_somebody_elses_among_the_files_is_no_obstacle(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, 40_960)
    (tmp_path / "0-notes").mkdir()
    for _ in range(30):
        quarantine.put("malformed", "t", b"x" * 100)
    files = [file for file in _files(tmp_path) if file.is_file()]
    assert 0 < len(files) <= 10


def test_a_disk_that_takes_nothing_is_survived(tmp_path: Path) -> None:
    (tmp_path / "q").write_text("a file where the directory should be")
    Quarantine(tmp_path / "q", 1000).put("malformed", "t", b"x")
