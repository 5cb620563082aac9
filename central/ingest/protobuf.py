"""Prometheus remote write 1.0, by hand: only what a write request needs, as fast as Python allows.

WriteRequest{1: TimeSeries}, TimeSeries{1: Label, 2: Sample}, Label{1: name, 2: value},
Sample{1: double, 2: int64 ms}. Label bytes are built once a schema; samples of one series are
packed by one struct call. Source: prometheus/prompb/{remote,types}.proto.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import cache

import cramjam

_STALE_BYTES = (0x7FF0000000000002).to_bytes(8, "little")
_SAMPLE = b"\x12\x10\x09"  # field 2, 16 bytes, field 1 double; the time below is 6 bytes from 2004 to 2109
_MS_MIN, _MS_MAX = 1 << 35, (1 << 42) - 1


def labels(pairs: Mapping[str, str]) -> bytes:
    """The Label fields of a TimeSeries, sorted by name as the protocol asks."""
    return b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(pairs.items())
    )


def _field(number: int, body: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + varint(len(body)) + body


def varint(value: int) -> bytes:
    """Base 128, least significant group first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def stamps(times: Sequence[int]) -> list[bytes]:
    """The time fields of samples at these epoch milliseconds, 7 bytes each; ValueError outside 1971-2109."""
    if not all(_MS_MIN <= at <= _MS_MAX for at in times):
        raise ValueError("a time outside 1971-2109")
    return [b"\x10" + varint(at) for at in times]


@cache
def _packer(samples: int) -> struct.Struct:
    return struct.Struct("<" + "3sd7s" * samples)


@cache
def _head(label_bytes: int, samples: int) -> bytes:
    return b"\x0a" + varint(label_bytes + 18 * samples)


def series(label_bytes: bytes, values: Sequence[float], times: Sequence[bytes]) -> bytes:
    """One TimeSeries field of a WriteRequest; `times` from `stamps`."""
    count = len(values)
    arguments: list[bytes | float] = [_SAMPLE] * (3 * count)
    arguments[1::3] = values
    arguments[2::3] = times
    return _head(len(label_bytes), count) + label_bytes + _packer(count).pack(*arguments)


def stale(label_bytes: bytes, times: Sequence[bytes]) -> bytes:
    """One TimeSeries of staleness markers: the series ends here."""
    samples = b"".join(_SAMPLE + _STALE_BYTES + at for at in times)
    return b"\x0a" + varint(len(label_bytes) + len(samples)) + label_bytes + samples


def compressed(parts: Sequence[bytes]) -> bytes:
    """The body of the POST: snappy block format."""
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))
