"""A good input, bent: bits, bytes, ranges, numbers and words, a few at a time. The same dice give the same bytes."""

import random
import re
from collections.abc import Callable, Sequence

_MOST_BYTES = 64 * 1024
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_NUMBERS = (
    b"0", b"-1", b"1", b"127", b"128", b"255", b"256", b"32767", b"65535", b"65536", b"2147483647", b"2147483648",
    b"4294967295", b"9007199254740991", b"9007199254740992", b"9223372036854775807", b"9223372036854775808",
    b"18446744073709551616", b"-9223372036854775809", b"0.5", b"-0.0", b"1e308", b"1e999", b"-1e999", b"NaN", b"nan",
    b"inf", b"Infinity", b"1_000", b"0x10", b"1e-400", b"9" * 400, b"9" * 5000, b"\xd9\xa1",
)  # fmt: skip
_WORDS = (
    b"null", b"true", b"false", b"[]", b"{}", b'""', b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"__proto__", b"%s",
    b"\0", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xd9\xa1", b"\xf0\x9f\x92\xa9", b"../",
    b"\n", b"\r", b"\r\n", b"\t", b" ", b",", b";", b":", b"|", b"=", b"#", b"/", b".", b"-", b"+", b"Z", b"T", b"OL",
    b"OB", b"2026-13-01T00:00:00Z", b"0001-01-01T00:00:00", b"9999-12-31T23:59:59-23:59",
)  # fmt: skip
_NESTING = (b"[", b"{", b'{"a":', b'[{"a":', b"(", b'"', b"a.", b"\x30\x80", b"[[")
_Move = Callable[[bytearray, Sequence[bytes], random.Random], None]


def mutated(good: Sequence[bytes], dice: random.Random) -> bytes:
    """One of the good inputs after one to some ten moves, at most 64 KiB."""
    body = bytearray(dice.choice(good))
    for _ in range(1 + min(int(dice.expovariate(0.7)), 12)):
        dice.choice(_MOVES)(body, good, dice)
    return bytes(body[:_MOST_BYTES])


def _place(body: bytearray, dice: random.Random) -> int:
    return dice.randint(0, len(body))


def _range(body: bytearray, dice: random.Random) -> slice:
    first = _place(body, dice)
    return slice(first, min(len(body), first + int(dice.expovariate(0.1)) + 1))


def _flip(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    if body:
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)


def _replace(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    if body:
        body[dice.randrange(len(body))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))


def _insert(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    place = _place(body, dice)
    body[place:place] = dice.randbytes(dice.randint(1, 8))


def _word(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    body[_range(body, dice) if dice.random() < 0.5 else slice(_place(body, dice), 0)] = dice.choice(_WORDS)


def _number(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    found = list(_NUMBER.finditer(body))
    if found:
        one = dice.choice(found)
        body[one.start() : one.end()] = dice.choice(_NUMBERS)


def _delete(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    del body[_range(body, dice)]


def _repeat(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    part = body[_range(body, dice)]
    place = _place(body, dice)
    body[place:place] = bytes(part) * dice.choice((1, 2, 3, 100, 2000))


def _nest(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    place = _place(body, dice)
    body[place:place] = dice.choice(_NESTING) * dice.choice((1, 3, 100, 1000, 10_000))


def _splice(body: bytearray, good: Sequence[bytes], dice: random.Random) -> None:
    other = dice.choice(good)
    body[_place(body, dice) :] = other[dice.randint(0, len(other)) :]


def _cut(body: bytearray, _: Sequence[bytes], dice: random.Random) -> None:
    del body[_place(body, dice) :]


_MOVES: tuple[_Move, ...] = (
    _flip, _flip, _replace, _replace, _insert, _word, _word, _number, _number, _delete, _repeat, _nest, _splice, _cut,
)  # fmt: skip
