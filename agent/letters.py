"""Rows that may go now -> messages: what fits into one letter shares its way, its PUBACK and its ack. Pure."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from agent.outbox import Row
from telemetry.errors import Rejected
from telemetry.letter import MAX_BATCHES, sealed
from telemetry.wire import VERSION, inflate

_FULL_BYTES = 8 * 1024
"""Half of what ingest accepts: a lost message costs its way again, and live data waits behind one at most."""
_FULL_PLAIN_BYTES = 128 * 1024


class Letter(Struct, frozen=True):
    """One message. rows: each with the times it went before."""

    rows: tuple[tuple[Row, int], ...]
    body: bytes


class _Draft:
    """A letter that still grows."""

    def __init__(self) -> None:
        self.rows: list[tuple[Row, int]] = []
        self._lines: list[bytes] = []

    def takes(self, row: Row, line: bytes, most_bytes: int) -> bool:
        packed = sum(len(one.body) for one, _ in self.rows) + len(row.body)
        plain = sum(map(len, self._lines)) + len(line)
        return packed <= most_bytes and plain <= _FULL_PLAIN_BYTES and len(self.rows) < MAX_BATCHES

    def add(self, row: Row, tries: int, line: bytes) -> None:
        self.rows.append((row, tries))
        self._lines.append(line)

    def letter(self) -> Letter:
        return Letter(tuple(self.rows), sealed(self._lines) if len(self.rows) > 1 else self.rows[0][0].body)


def letters(
    rows: Iterable[tuple[Row, int]],
    most_bytes: int,
    *,
    spoilt: Callable[[Row], None],
    described: Callable[[Row], bool] = lambda _: True,
) -> Iterator[Letter]:
    """Rows in their order, at most `most_bytes` in a letter of several; each with the times it went before.

    A row is asked for when its letter is to go, not earlier. One that cannot be read goes nowhere: `spoilt` is told.
    Nor does one that is not `described` by a schema.
    """
    draft = _Draft()
    for row, tries in rows:
        line = _line(row)
        if line is None:
            spoilt(row)
            continue
        if not described(row):
            continue
        if draft.rows and not draft.takes(row, line, min(most_bytes, _FULL_BYTES)):
            yield draft.letter()
            draft = _Draft()
        draft.add(row, tries, line)
    if draft.rows:
        yield draft.letter()


def _line(row: Row) -> bytes | None:
    """None: damage, in the body or in the columns that an ack and the schema are found by."""
    try:
        line = inflate(row.body)
    except (Rejected, TypeError):  # TypeError: SQLite may even give another type
        return None
    head = f'{{"v":{VERSION},"sid":"{row.sid}","e":{row.epoch},"q":{row.seq},'
    return line if line.startswith(head.encode(errors="replace")) else None
