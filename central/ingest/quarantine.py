"""Where rejected messages are set aside for a person to look at: a bounded directory."""

import contextlib
import logging
import re
import time
from pathlib import Path

log = logging.getLogger(__name__)
_KEEP_BYTES = 64 * 1024
_BLOCK_BYTES = 4096


class Quarantine:
    """Files named <time>-<reason>-<number>; the oldest go when the bound is reached."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory, self._max_bytes = directory, max_bytes
        self._number = 0
        self._bytes = 0
        with contextlib.suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True)
            self._bytes = sum(_taken(file.stat().st_size) for file in self._files())

    def put(self, reason: str, topic: str, body: bytes) -> None:
        """Set aside; a disk that takes nothing is logged, never raised."""
        self._number += 1
        name = f"{int(time.time() * 1000)}-{reason}-{self._number}"
        content = re.sub(rb"[^ -~]", b"?", topic.encode()[:200]) + b"\n" + body[:_KEEP_BYTES]
        try:
            self._make_room(_taken(len(content)))
            (self._directory / name).write_bytes(content)
            self._bytes += _taken(len(content))
        except OSError as problem:
            log.error("a rejected message could not be set aside cause=%r", str(problem)[:80])

    def _files(self) -> list[Path]:
        return sorted(file for file in self._directory.iterdir() if file.is_file())

    def _make_room(self, size: int) -> None:
        if self._bytes + size <= self._max_bytes:
            return
        sizes = {file: _taken(file.stat().st_size) for file in self._files()}  # somebody may have tidied up
        self._bytes = sum(sizes.values())
        for file, own in sizes.items():
            if self._bytes + size <= self._max_bytes * 0.9:
                return
            file.unlink(missing_ok=True)
            self._bytes -= own


def _taken(size: int) -> int:
    """What a file takes of the disk: small ones are many."""
    return max(size, _BLOCK_BYTES)
