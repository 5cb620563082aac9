"""From when until when a certificate is good, read without a crypto library: those weigh 9 MiB in the daemon.

Nothing is verified here. TLS does that; this only tells the owner of a certificate when to renew it.
"""

import base64
import binascii
import re
from datetime import UTC, datetime

from msgspec import Struct

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _INTEGER, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x02, 0xA0, 0x17, 0x18


class Life(Struct, frozen=True):
    """The validity of a certificate, and its serial in hexadecimal."""

    serial: str
    begin: datetime
    end: datetime


def life_of(pem: str) -> Life:
    """Of the first certificate in a PEM text (RFC 5280, 4.1); raises ValueError for what is none."""
    block = _BLOCK.search(pem)
    if block is None:
        raise ValueError("no certificate")
    try:
        der = base64.b64decode("".join(block[1].split()), validate=True)
    except binascii.Error as problem:
        raise ValueError("not base64") from problem
    body, _ = _inside(der, 0, _SEQUENCE)
    at, _ = _inside(der, body, _SEQUENCE)
    if der[at : at + 1] == bytes([_VERSION]):
        at = _inside(der, at, _VERSION)[1]
    begin, end = _inside(der, at, _INTEGER)
    serial = int.from_bytes(der[begin:end])
    for _algorithm_then_issuer in range(2):
        end = _inside(der, end, _SEQUENCE)[1]
    first, _ = _inside(der, end, _SEQUENCE)
    not_before, second = _time(der, first)
    not_after, _ = _time(der, second)
    return Life(f"{serial:x}", not_before, not_after)


def _inside(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends (X.690, definite lengths)."""
    header = der[at : at + 2]
    if len(header) < 2 or header[0] != tag:
        raise ValueError("not a certificate")
    begin, length = at + 2, header[1]
    if length & 0x80:
        size = length & 0x7F
        begin, length = begin + size, int.from_bytes(der[begin : begin + size])
    if begin + length > len(der):
        raise ValueError("a certificate that is cut off")
    return begin, begin + length


def _time(der: bytes, at: int) -> tuple[datetime, int]:
    tag = der[at] if at < len(der) else 0
    begin, end = _inside(der, at, _GENERALIZED_TIME if tag == _GENERALIZED_TIME else _UTC_TIME)
    text = der[begin:end].decode("ascii")
    if tag == _UTC_TIME:  # two digits of year: 1950 to 2049
        text = ("20" if text[:2] < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC), end
