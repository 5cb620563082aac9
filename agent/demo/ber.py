"""The corner of BER that an SNMP responder needs (X.690, RFC 1157, RFC 3416). Definite lengths only.

Written apart from pysnmp on purpose: a simulated card that shared the collector's library would
share its mistakes.
"""

from collections.abc import Iterator

from msgspec import Struct

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
GAUGE32, TIMETICKS = 0x42, 0x43
NO_SUCH_OBJECT, END_OF_MIB_VIEW = 0x80, 0x82
GET, GETNEXT, RESPONSE, SET = 0xA0, 0xA1, 0xA2, 0xA3


class Item(Struct, frozen=True):
    """One tag and its content."""

    tag: int
    body: bytes


def items(data: bytes) -> Iterator[Item]:
    """The elements of a content; raises ValueError or IndexError on anything malformed."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise ValueError("truncated")
        yield Item(tag, data[at : at + length])
        at += length


def element(tag: int, body: bytes) -> bytes:
    """Tag, length, content."""
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(body).to_bytes(size, "big") + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A signed integer; for GAUGE32 and TIMETICKS the value must be in 0..2^32-1."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def to_int(body: bytes) -> int:
    """The signed integer of a content."""
    return int.from_bytes(body, "big", signed=True)


def oid(arcs: tuple[int, ...]) -> bytes:
    """An OBJECT IDENTIFIER."""
    body = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return element(OID, bytes(body))


def to_oid(body: bytes) -> tuple[int, ...]:
    """The arcs of a content."""
    arcs, value = [], 0
    for byte in body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return (first, arcs[0] - 40 * first, *arcs[1:])


def dotted(text: str) -> tuple[int, ...]:
    """The arcs of a dotted OID: 1.3.6 -> (1, 3, 6)."""
    return tuple(int(arc) for arc in text.strip(".").split("."))
