"""Small state on disk, one JSON file each: written whole or not at all, readable or as good as none."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from telemetry.durable import write_durably

T = TypeVar("T")


def write(file: Path, value: Any) -> None:
    """Replace `file` by the JSON of `value`, on the disk before this returns; raises OSError."""
    write_durably(file, msgspec.json.encode(value))


def read(file: Path, kind: type[T]) -> T | None:
    """What `file` holds; None if there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, ValueError, msgspec.DecodeError):
        return None
