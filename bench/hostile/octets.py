"""Bodies that are no batch already as bytes: no zlib, no JSON, bombs, foreign formats."""

import bz2
import gzip
import lzma
import pickle
import zlib
from functools import cache

from bench.hostile.kinds import ANY, Kind, Shot, packed, plain, spliced
from telemetry.wire import MAX_INFLATED_BYTES, MAX_WIRE_BYTES

_ROOM = MAX_WIRE_BYTES - 400
"""For a body: the broker's limit is on the whole packet."""


@cache
def bomb(mebibytes: int, filling: bytes = b" ") -> bytes:
    """A zlib stream of so many MiB of `filling` behind a `{`; each block stands by itself, so it repeats."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"{") + packer.flush(zlib.Z_FULL_FLUSH)
    plain_block = (filling * (2**20 // len(filling) + 1))[: 2**20]
    return head + (packer.compress(plain_block) + packer.flush(zlib.Z_FULL_FLUSH)) * mebibytes


def _good(shot: Shot) -> bytes:
    return packed(shot.batch())


def _cut(shot: Shot) -> bytes:
    body = _good(shot)
    return body[: shot.dice.randint(2, len(body) - 1)]


def _flipped(shot: Shot) -> bytes:
    body = bytearray(_good(shot))
    body[-shot.dice.randint(1, 4)] ^= 1 << shot.dice.randrange(
        8
    )  # in the checksum: whatever else, it is no longer true
    return bytes(body)


def _raw_deflate(shot: Shot) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(plain(shot.batch())) + packer.flush()


def _with_dictionary(shot: Shot) -> bytes:
    packer = zlib.compressobj(9, zdict=shot.octets(20, 200))
    return packer.compress(plain(shot.batch())) + packer.flush()


def _nested(shot: Shot, opening: bytes, place: bytes | None = None) -> bytes:
    depth = shot.dice.randint(600, 100_000 // len(opening))
    body = b'{"unknown":' + opening * depth if place is None else spliced_plain(shot, place, opening * depth)
    return zlib.compress(body) if depth * len(opening) > _ROOM else body


def spliced_plain(shot: Shot, old: bytes, new: bytes) -> bytes:
    """A good batch as JSON in which `old` was replaced."""
    return plain(shot.batch(c=[1, [900, -10]])).replace(old, new)


def _many_keys(shot: Shot) -> bytes:
    return zlib.compress(b"{" + b",".join(b'"%d":0' % number for number in range(shot.dice.randint(2000, 5000))) + b"}")


def _json_bomb(shot: Shot, part: bytes, place: bytes = b"[900, -10]") -> bytes:
    """What inflates to just below the limit: all of it is parsed."""
    count = (MAX_INFLATED_BYTES - 1000) // (len(part) + 1)
    return zlib.compress(spliced_plain(shot, place, b"[" + b",".join([part] * count) + b"]"), 9)


KINDS = [
    Kind("bytes: none", lambda _: b"", "malformed"),
    Kind("bytes: one", lambda shot: bytes((shot.dice.choice([0, 1, 10, 0x78, 0x7B, 0xFF]),)), "malformed"),
    Kind("bytes: a few random", lambda shot: b"\0" + shot.octets(1, 300), "malformed"),
    Kind("bytes: random up to the limit", lambda shot: b"\x01" + shot.octets(9000, _ROOM - 1), "malformed"),
    Kind("bytes: random behind {", lambda shot: b"{" + shot.octets(1, 2000), "malformed"),
    Kind("bytes: random behind a zlib head", lambda shot: b"\x78\xda" + shot.octets(1, 2000), "malformed"),
    Kind("bytes: ones", lambda shot: b"\xff" * shot.dice.randint(1, _ROOM), "malformed"),
    Kind("bytes: NULs", lambda shot: bytes(shot.dice.randint(1, _ROOM)), "malformed"),
    Kind("bytes: spaces behind {", lambda shot: b"{" + b" " * shot.dice.randint(1, _ROOM - 1), "malformed"),
    Kind("text: prose", lambda shot: shot.word(1, 900, "abcdef ghi\n").encode(), "malformed"),
    Kind("text: HTML", lambda shot: b"<html>" + shot.word(1, 90).encode() + b"</html>", "malformed"),
    Kind("text: XML entities", lambda shot: b'<!DOCTYPE l [<!ENTITY a "%s">]>' % shot.octets(1, 99), "malformed"),
    Kind("text: SQL", lambda shot: f"'; DROP TABLE centres; -- {shot.word()}".encode(), "malformed"),
    Kind("text: YAML", lambda shot: f"v: 1\nsid: {shot.word()}\n".encode(), "malformed"),
    Kind("text: UTF-16", lambda shot: plain(shot.batch()).decode().encode("utf-16"), "malformed"),
    Kind("text: UTF-32", lambda shot: plain(shot.batch()).decode().encode("utf-32"), "malformed"),
    Kind("text: a BOM first", lambda shot: b"\xef\xbb\xbf" + plain(shot.batch()), "malformed"),
    Kind("foreign: pickle", lambda shot: pickle.dumps(shot.batch()), "malformed"),
    Kind("foreign: gzip", lambda shot: gzip.compress(plain(shot.batch())), "malformed"),
    Kind("foreign: bzip2", lambda shot: bz2.compress(plain(shot.batch())), "malformed"),
    Kind("foreign: xz", lambda shot: lzma.compress(plain(shot.batch())), "malformed"),
    Kind("foreign: raw deflate", _raw_deflate, "malformed"),
    Kind("foreign: protobuf", lambda shot: b"\x0a\x10" + shot.octets(16, 16), "malformed"),
    Kind("foreign: PNG", lambda shot: b"\x89PNG\r\n\x1a\n" + shot.octets(8, 900), "malformed"),
    Kind("zlib: cut", _cut, "malformed"),
    Kind("zlib: head alone", lambda _: b"\x78\xda", "malformed"),
    Kind("zlib: wrong checksum", _flipped, "malformed"),
    Kind("zlib: wants a dictionary", _with_dictionary, "malformed"),
    Kind("zlib: twice", lambda shot: zlib.compress(_good(shot)), "malformed"),
    Kind("zlib: of random bytes", lambda shot: zlib.compress(b"\x01" + shot.octets(0, 9000)), "malformed"),
    Kind("zlib: of nothing", lambda _: zlib.compress(b""), "malformed"),
    Kind("zlib: something behind", lambda shot: _good(shot) + shot.octets(1, 3000)),
    Kind("zlib: two of them", lambda shot: _good(shot) + _good(shot)),
    Kind("bomb: spaces", lambda shot: bomb(shot.dice.randint(1, 14)), "oversized"),
    Kind("bomb: NULs", lambda shot: bomb(shot.dice.randint(1, 14), b"\0"), "oversized"),
    Kind("bomb: lists", lambda shot: bomb(shot.dice.randint(1, 14), b"["), "oversized"),
    Kind("bomb: objects", lambda shot: bomb(shot.dice.randint(1, 5), b'{"a":'), "oversized"),
    Kind("bomb: text", lambda shot: bomb(shot.dice.randint(1, 14), b'"'), "oversized"),
    Kind("bomb: cut", lambda shot: bomb(14)[: shot.dice.randint(2000, 9000)], "oversized"),
    Kind(
        "bomb: of zlib",
        lambda shot: zlib.compress(zlib.compress(bytes(shot.dice.randint(2**20, 2**23)), 9), 9),
        "malformed",
    ),
    Kind("bomb: nulls to the limit", lambda shot: _json_bomb(shot, b"null"), "malformed"),
    Kind("bomb: ones to the limit", lambda shot: _json_bomb(shot, b"1"), "malformed"),
    Kind("bomb: columns to the limit", lambda shot: _json_bomb(shot, b"0", b"[1, [900, -10]]"), "malformed"),
    Kind("bomb: empty columns", lambda shot: _json_bomb(shot, b"[]", b"[1, [900, -10]]"), "malformed"),
    Kind("bomb: fractions", lambda shot: _json_bomb(shot, b"0.1"), "malformed"),
    Kind("bomb: exponents", lambda shot: _json_bomb(shot, b"1e308"), "malformed"),
    Kind(
        "bomb: events",
        lambda shot: zlib.compress(spliced_plain(shot, b"}", b',"ev":[' + b",".join([b"{}"] * 9000) + b"]}"), 9),
        "malformed",
    ),
    Kind("bomb: a key of 200 kB", lambda _: zlib.compress(b'{"' + b"k" * 200_000 + b'":0}'), "malformed"),
    Kind("bomb: thousands of keys", _many_keys, "malformed"),
    Kind("JSON: an empty object", lambda _: b"{}", "malformed"),
    Kind("JSON: a list", lambda shot: plain([shot.batch()]), "malformed"),
    Kind("JSON: a list under zlib", lambda shot: packed([shot.batch()]), "malformed"),
    Kind("JSON: a number", lambda shot: packed(shot.dice.randint(0, 2**60)), "malformed"),
    Kind("JSON: a text", lambda shot: packed(shot.word()), "malformed"),
    Kind("JSON: null", lambda _: packed(None), "malformed"),
    Kind("JSON: cut", lambda shot: plain(shot.batch())[: shot.dice.randint(1, 60)], "malformed"),
    Kind("JSON: something behind", lambda shot: plain(shot.batch()) + b"}" * shot.dice.randint(1, 99), "malformed"),
    Kind("JSON: a comment", lambda shot: b"{/* */" + plain(shot.batch())[1:], "malformed"),
    Kind("JSON: a comma too many", lambda shot: plain(shot.batch())[:-1] + b",}", "malformed"),
    Kind("JSON: single quotes", lambda shot: plain(shot.batch()).replace(b'"', b"'"), "malformed"),
    Kind("JSON: keys without quotes", lambda shot: plain(shot.batch()).replace(b'"', b""), "malformed"),
    Kind("JSON: a NUL inside", lambda shot: spliced_plain(shot, b'"n"', b'\0"n"'), "malformed"),
    Kind("JSON: a key twice", lambda shot: spliced_plain(shot, b'"v": 1', b'"v": 1, "v": 2'), "version"),
    Kind(
        "JSON: unknown keys", lambda shot: plain(shot.batch(**{shot.word(13, 20): shot.word() for _ in range(50)})), ANY
    ),
    Kind("nested: lists", lambda shot: _nested(shot, b"["), "malformed"),
    Kind("nested: objects", lambda shot: _nested(shot, b'{"a":'), "malformed"),
    Kind("nested: both", lambda shot: _nested(shot, b'[{"a":'), "malformed"),
    Kind("nested: in a column", lambda shot: _nested(shot, b"[", b"[900, -10]"), "malformed"),
    Kind("nested: in the steps", lambda shot: _nested(shot, b"[", b"10000"), "malformed"),
    Kind("nested: in the id", lambda shot: _nested(shot, b"[", b'"sid": '), "malformed"),
    Kind("nested: closed again", lambda _: zlib.compress(b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}"), "malformed"),
    Kind("UTF-8: broken in the schema's id", lambda shot: spliced(shot, b'"sid": "', b'"sid": "\xff\xfe'), "malformed"),
    Kind("UTF-8: broken in a key", lambda shot: spliced(shot, b'"sid"', b'"s\xc3id"'), "malformed"),
    Kind(
        "UTF-8: broken in an event",
        lambda shot: spliced(shot, b"outage-rack-1", b"\xf5" + shot.octets(1, 9).hex().encode()),
        "malformed",
    ),
    Kind("UTF-8: too long a form", lambda shot: spliced(shot, b"outage-rack-1", b"\xc0\xaf"), "malformed"),
    Kind("UTF-8: half a surrogate", lambda shot: spliced(shot, b"outage-rack-1", b"\xed\xa0\x80"), "malformed"),
    Kind("UTF-8: half a surrogate, escaped", lambda shot: spliced(shot, b"outage-rack-1", b"\\ud800"), "malformed"),
    Kind("UTF-8: an escaped NUL", lambda shot: spliced(shot, b"outage-rack-1", b"a\\u0000b"), "labels"),
    Kind(
        "size: more than the wire allows",
        lambda shot: b"{" + b" " * (MAX_WIRE_BYTES + shot.dice.randint(0, 999)),
        "oversized",
    ),
    Kind("size: megabytes", lambda shot: bytes(shot.dice.randint(2**20, 2**21)), "oversized"),
]
