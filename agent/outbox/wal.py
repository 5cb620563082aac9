"""What SQLite drops in silence: it ends a write-ahead log at the first frame whose checksum fails.

That is right for the last transaction of a power cut, which never was committed, and wrong for a bit
that flipped in an older one: all that was committed after it is gone without a word. So the frames are
read here before SQLite opens the file. Source: "WAL-mode File Format", sqlite.org.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER, _FRAME = 32, 24
_MAGIC = 0x377F0682
_MOST_BYTES = 64 * 2**20
_Sum = tuple[int, int]


def commits_lost(wal: Path) -> int:
    """Transactions after the first frame that is not what it was; 0 for a log that is whole or ends in a torn one.

    A lone last transaction that fails cannot be told from a power cut, and counts as one.
    """
    try:
        with wal.open("rb") as file:
            log = file.read(_MOST_BYTES)
    except OSError:
        return 0
    if len(log) < _HEADER + _FRAME:
        return 0
    magic, page = struct.unpack_from(">II", log)[0], struct.unpack_from(">I", log, 8)[0]
    if not (_header_holds(log, magic) and 512 <= page <= 65536 and page & (page - 1) == 0):
        page = 4096  # the header itself has suffered; SQLite's default, which is ours
    frames = list(_frames(log, page))
    if not frames:
        return 0
    salts = log[16:24] if _header_holds(log, magic) else frames[0][8:16]
    whole = _whole(log, frames, page, magic, salts)
    lost = sum(_is_commit(frame) for frame in frames[whole:] if frame[8:16] == salts)
    return lost if lost > 1 else 0


def _frames(log: bytes, page: int) -> Iterator[bytes]:
    for at in range(_HEADER, len(log) - _FRAME - page + 1, _FRAME + page):
        yield log[at : at + _FRAME]


def _is_commit(frame: bytes) -> bool:
    return frame[4:8] != b"\0\0\0\0"


def _header_holds(log: bytes, magic: int) -> bool:
    if magic not in (_MAGIC, _MAGIC + 1):
        return False
    return _checksum(log[:24], magic, (0, 0)) == struct.unpack_from(">II", log, 24)


def _whole(log: bytes, frames: list[bytes], page: int, magic: int, salts: bytes) -> int:
    """How many frames from the start are what they were."""
    if not _header_holds(log, magic):
        return 0
    summed: _Sum = struct.unpack_from(">II", log, 24)
    for number, frame in enumerate(frames):
        at = _HEADER + number * (_FRAME + page)
        if frame[8:16] != salts:
            return number
        summed = _checksum(frame[:8], magic, summed)
        summed = _checksum(log[at + _FRAME : at + _FRAME + page], magic, summed)
        if summed != struct.unpack_from(">II", frame, 16):
            return number
    return len(frames)


def _checksum(octets: bytes, magic: int, before: _Sum) -> _Sum:
    first, second = before
    words = struct.unpack(f"{'>' if magic & 1 else '<'}{len(octets) // 4}I", octets)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
