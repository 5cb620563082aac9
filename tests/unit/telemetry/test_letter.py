"""Several batches in one message: what goes in comes out, and foreign letters are bounded."""

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import catalogue as names
from telemetry.errors import Rejected
from telemetry.letter import MAX_BATCHES, opened, sealed
from telemetry.reading import Series
from telemetry.wire import MAX_INFLATED_BYTES, MAX_WIRE_BYTES, Batch, encode_batch, inflate, make_schema, parse_line

SCHEMA = make_schema([Series(names.UPS_UP, ("rack",))])


def _row(seq: int) -> bytes:
    return encode_batch(SCHEMA, Batch(7, seq, (1000,), ([1],)))


def test_the_batches_of_a_letter_come_out_as_they_went_in() -> None:
    lines = [inflate(_row(seq)) for seq in range(1, 6)]
    assert opened(sealed(lines)) == lines
    assert [parse_line(line).q for line in lines] == [1, 2, 3, 4, 5]


def test_a_message_of_one_batch_is_a_letter_of_one_line() -> None:
    assert opened(_row(3)) == [inflate(_row(3))]
    assert opened(inflate(_row(3))) == [inflate(_row(3))]


def test_any_inflater_reads_a_letter() -> None:
    lines = [inflate(_row(1)), inflate(_row(2))]
    assert zlib.decompress(sealed(lines)) == b"\n".join(lines)


def test_a_letter_is_shorter_than_its_batches() -> None:
    rows = [_row(seq) for seq in range(1, 6)]
    assert len(sealed([inflate(row) for row in rows])) < sum(map(len, rows)) / 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (sealed([b"{}"] * (MAX_BATCHES + 1)), "malformed"),
        (sealed([b"{}"])[:-3], "malformed"),
        (b"", "malformed"),
        (b"PK", "malformed"),
        (zlib.compress(b"{" * (MAX_INFLATED_BYTES + 1)), "oversized"),
        (b"{" + b" " * MAX_WIRE_BYTES, "oversized"),
    ],
)
def test_a_letter_beyond_the_limits_is_refused_as_a_whole(body: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as found:
        opened(body)
    assert found.value.reason == reason


def test_a_letter_of_the_most_batches_is_read() -> None:
    assert len(opened(sealed([b"{}"] * MAX_BATCHES))) == MAX_BATCHES


@given(st.binary(max_size=400), st.booleans())
def test_whatever_comes_is_lines_or_rejected(body: bytes, packed: bool) -> None:
    with contextlib.suppress(Rejected):
        assert all(isinstance(line, bytes) for line in opened(zlib.compress(body) if packed else body))
