"""Small state on disk, one JSON file each: written whole or not at all, readable or as good as none.

Written often, on machines whose power is cut daily: the new file has always the same name, so that what a
cut leaves behind is overwritten by the next write and never piles up. For keys see telemetry/durable.py.
"""

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def write(file: Path, value: Any) -> None:
    """Replace `file` by the JSON of `value`, on the disk before this returns; raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as handle:
        handle.write(msgspec.json.encode(value))
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(file)


def read(file: Path, kind: type[T]) -> T | None:
    """What `file` holds; None if there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, ValueError, msgspec.DecodeError):
        return None
