"""Check-ins from a CSV that a booking desk writes: seat,space,start,end,status (ISO 8601 with offset).

Only `checked_in` occupies a seat, until the end of its booking and 15 minutes. Other columns, names
among them, are dropped while reading. A file older than 15 minutes says nothing.
"""

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

from telemetry.errors import BadData, Unreachable

GRACE = timedelta(minutes=15)
_MAX_BYTES = 4 * 2**20
_COLUMNS = {"seat", "start", "end", "status"}


def checked_in(file: Path, now: datetime) -> tuple[frozenset[str], float]:
    """Seats that somebody is checked in to, and the age of the file in seconds.

    Raises Unreachable when the file cannot be read, BadData when it is no such CSV; a row that
    cannot be read is skipped.
    """
    try:
        age = now.timestamp() - file.stat().st_mtime
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
            text = handle.read(_MAX_BYTES)
    except OSError as problem:
        raise Unreachable(f"{file}: {problem.strerror}") from problem
    try:
        return _checked_in(file, text, now), max(0.0, age)
    except csv.Error as problem:
        raise BadData(f"{file}: not a CSV that can be read") from problem


def _checked_in(file: Path, text: str, now: datetime) -> frozenset[str]:
    rows = csv.DictReader(io.StringIO(text, newline=None))
    if not set(rows.fieldnames or ()) >= _COLUMNS:
        raise BadData(f"{file}: the first line must name {', '.join(sorted(_COLUMNS))}")
    return frozenset(row["seat"] for row in rows if _holds(row, now))


def _holds(row: dict[str, str], now: datetime) -> bool:
    if row.get("status") != "checked_in":
        return False
    try:
        start, end = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])
        return start <= now and now - GRACE <= end
    except (ValueError, TypeError, OverflowError):  # no date, or one without an offset
        return False
