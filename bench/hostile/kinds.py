"""What a kind of hostile message is: a name, where it goes, a body made anew each time, and why it must be refused."""

import json
import random
import string
import zlib
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from telemetry import catalogue as names
from telemetry.reading import Series
from telemetry.wire import make_schema

SCHEMA = make_schema([Series(names.UPS_UP, ("rack",)), Series(names.UPS_CHARGE, ("rack",))])
"""What the attacker announces first, so that its batches are looked at to the end."""
EVENT: dict[str, Any] = {"kind": "outage", "id": "outage-rack-1", "start": "2026-01-01T00:00:00Z", "evidence": {}}
ANY = ""
"""The reason of a kind that may also be taken: it is odd, but it breaks no rule."""


class Shot:
    """One message in the making: dice, the time, who sends, and whom it would like to hurt."""

    def __init__(self, dice: random.Random, now_ms: int, centre: str, victim: str) -> None:
        self.dice, self.now_ms, self.centre, self.victim = dice, now_ms, centre, victim

    def octets(self, least: int, most: int) -> bytes:
        """So many random bytes."""
        return self.dice.randbytes(self.dice.randint(least, most))

    def word(self, least: int = 1, most: int = 12, letters: str = string.ascii_lowercase) -> str:
        """So many random letters."""
        return "".join(self.dice.choices(letters, k=self.dice.randint(least, most)))

    def digits(self, least: int, most: int) -> str:
        """An integer of so many digits."""
        return self.dice.choice("123456789") + self.word(least - 1, most - 1, string.digits)

    def batch(self, **changes: Any) -> dict[str, Any]:
        """A good batch of two ticks with some fields changed; `...` leaves a field out."""
        good: dict[str, Any] = {
            "v": 1, "sid": SCHEMA.sid, "e": self.dice.randrange(1, 2**32), "q": self.dice.randint(1, 2**53),
            "t": self.now_ms - 20_000, "d": 10_000, "n": 2, "c": [1, [self.dice.randint(0, 1000), -10]],
        }  # fmt: skip
        return {key: value for key, value in (good | changes).items() if value is not ...}


class Kind(Struct, frozen=True):
    """`topic` below the centre's own, or whole where it starts with a `/`.

    `reason`: why it must be refused; `a|b`: either.
    """

    name: str
    body: Callable[[Shot], bytes]
    reason: str = ANY
    topic: Callable[[Shot, bytes], str] = lambda _shot, _body: "samples"
    retained: bool = False
    times: int = 1
    """So many at once."""


class Message(Struct, frozen=True):
    """What is published."""

    topic: str
    body: bytes


def message(kind: Kind, shot: Shot) -> Message:
    """One of this kind."""
    body = kind.body(shot)
    topic = kind.topic(shot, body)
    return Message(topic[1:] if topic.startswith("/") else f"centres/{shot.centre}/{topic}", body)


def plain(message: Any) -> bytes:
    """As JSON."""
    return json.dumps(message).encode()


def packed(message: Any) -> bytes:
    """As JSON under zlib."""
    return zlib.compress(plain(message), 9)


def bent(shot: Shot, **changes: Any) -> bytes:
    """A batch that was good but for these fields, plain or packed."""
    return shot.dice.choice((plain, packed))(shot.batch(**changes))


def spliced(shot: Shot, old: bytes, new: bytes) -> bytes:
    """A good batch with one event, in which `old` was replaced: what json.dumps would never write."""
    body = json.dumps(shot.batch(c=[1, [900, -10]], ev=[EVENT])).encode()
    assert old in body, old
    body = body.replace(old, new)
    return body if shot.dice.random() < 0.5 else zlib.compress(body)


WRONG_TYPES: dict[str, Callable[[Shot], Any]] = {
    "null": lambda _: None,
    "bool": lambda shot: shot.dice.random() < 0.5,
    "text": lambda shot: shot.word(9, 30),
    "fraction": lambda shot: shot.dice.uniform(0, 9) + 0.1,
    "list": lambda shot: [[shot.word()]] * shot.dice.randint(1, 9),
    "object": lambda shot: {shot.word(): shot.word()},
    "huge": lambda shot: 10 ** shot.dice.randint(20, 300),
    "hugely negative": lambda shot: -(10 ** shot.dice.randint(20, 300)),
    "nothing": lambda _: ...,
}
