"""Cards with the bad habits of real ones, on loopback: each speaks SNMP, none is a mock."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from agent.demo import ber
from agent.demo.card import Card, CardValue
from collectors.snmp import Access

TIMEOUT = 0.8
"""Seconds for one answer on loopback: the first of a session builds pysnmp's engine within it."""


@asynccontextmanager
async def served(card: Card) -> AsyncIterator[Access]:
    """The card on a free port; how to reach it."""
    port = await card.serve()
    try:
        yield access(port)
    finally:
        card.close()


def access(port: int, *, version: str = "2c", community: str = "public", timeout: float = TIMEOUT) -> Access:
    """Of something on loopback."""
    return Access(
        host="127.0.0.1",
        port=port,
        version="1" if version == "1" else "2c",
        community=community,
        timeout_seconds=timeout,
    )


class FewObjects(Card):
    """Answers up to `most` objects and drops longer questions in silence."""

    def __init__(self, values: Mapping[str, CardValue], most: int) -> None:
        super().__init__(values)
        self._most = most

    def _answer(self, data: bytes) -> bytes | None:
        return super()._answer(data) if objects_asked(data) <= self._most else None


class Deaf(Card):
    """Does not answer GETNEXT, or no question for an object below `to`."""

    def __init__(self, values: Mapping[str, CardValue], *, getnext: bool = False) -> None:
        super().__init__(values)
        self._getnext = getnext

    def _answer(self, data: bytes) -> bytes | None:
        return super()._answer(data) if self._getnext or pdu_tag(data) != ber.GETNEXT else None


class Looping(Card):
    """GETNEXT runs in a circle below `root`: firmware whose table does not sort."""

    def __init__(self, values: Mapping[str, CardValue], root: str, rows: int = 3) -> None:
        super().__init__(values)
        self._circle = [(*ber.dotted(root), row) for row in range(1, rows + 1)]
        self._values |= dict.fromkeys(self._circle, ".1.3.6.1.2.1.33.1.6.3.2")

    def _next(self, name: tuple[int, ...]) -> tuple[int, ...] | None:
        if name in self._circle:
            return self._circle[(self._circle.index(name) + 1) % len(self._circle)]
        return self._circle[0]


class Erring(Card):
    """Answers questions for more than `most` objects with an error, and single ones for `bad` likewise."""

    def __init__(self, values: Mapping[str, CardValue], *, status: int, index: int, most: int, bad: str = "") -> None:
        super().__init__(values)
        self._status, self._index, self._most = status, index, most
        self._bad = ber.oid(ber.dotted(bad)) if bad else b"\xff"

    def _answer(self, data: bytes) -> bytes | None:
        if objects_asked(data) <= self._most and self._bad not in data:
            return super()._answer(data)
        return with_error(data, self._status, self._index)


class Garbled(Card):
    """Spoils its answers in one of several ways."""

    def __init__(self, values: Mapping[str, CardValue], seed: int = 1) -> None:
        super().__init__(values)
        self.spoil = False
        self._random = random.Random(seed)

    def _answer(self, data: bytes) -> bytes | None:
        answer = super()._answer(data)
        return self._spoilt(answer) if self.spoil and answer else answer

    def _spoilt(self, answer: bytes) -> bytes:
        way = self._random.randrange(3)
        if way == 0:
            return answer[: self._random.randrange(len(answer))]
        if way == 1:
            return self._random.randbytes(self._random.randrange(80))
        spoilt = bytearray(answer)
        for _ in range(self._random.randint(1, 4)):
            spoilt[self._random.randrange(len(spoilt))] = self._random.randrange(256)
        return bytes(spoilt)


def objects_asked(data: bytes) -> int:
    """How many objects a request names."""
    (message,) = ber.items(data)
    _, _, pdu = ber.items(message.body)
    *_, bindings = ber.items(pdu.body)
    return len(list(ber.items(bindings.body)))


def pdu_tag(data: bytes) -> int:
    """GET or GETNEXT."""
    (message,) = ber.items(data)
    _, _, pdu = ber.items(message.body)
    return pdu.tag


def with_error(data: bytes, status: int, index: int) -> bytes:
    """The request turned into an answer that carries only an error."""
    (message,) = ber.items(data)
    version, community, pdu = ber.items(message.body)
    request_id, _, _, bindings = ber.items(pdu.body)
    head = ber.element(ber.INTEGER, request_id.body) + ber.integer(status) + ber.integer(index)
    answer = ber.element(ber.RESPONSE, head + ber.element(ber.SEQUENCE, bindings.body))
    tops = ber.element(ber.INTEGER, version.body) + ber.element(ber.OCTETS, community.body)
    return ber.element(ber.SEQUENCE, tops + answer)
