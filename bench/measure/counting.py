"""Simulated cards that count what is asked of them, served by a thread of the bench, which is not measured."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

from agent.demo import ber
from agent.demo.card import Card, CardValue


class Traffic(Struct, frozen=True):
    """Packets and bytes of UDP payload, both ways together, and the questions for the status: one a poll."""

    packets: int = 0
    octets: int = 0
    polls: int = 0

    def since(self, before: "Traffic") -> "Traffic":
        """What came after `before`."""
        return Traffic(self.packets - before.packets, self.octets - before.octets, self.polls - before.polls)


class CountingCard(Card):
    """Serves `values`; a poll is a request that names the object `status`."""

    def __init__(self, values: Mapping[str, CardValue], status: str) -> None:
        super().__init__(values)
        self.traffic = Traffic()
        self.asked: list[str] = []
        """What the GETs since it was last cleared have named, in their order."""
        self._status = ber.oid(ber.dotted(status))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """asyncio's: one request."""
        self._count(data, polls=int(self._status in data))
        super().datagram_received(data, addr)

    def _send(self, answer: bytes, addr: Any) -> None:
        self._count(answer)
        super()._send(answer, addr)

    def _count(self, data: bytes, polls: int = 0) -> None:
        now = self.traffic
        self.traffic = Traffic(now.packets + 1, now.octets + len(data), now.polls + polls)

    def _look_up(self, wanted: list[tuple[int, ...]], after: bool, *, v1: bool) -> tuple[int, list[bytes]]:
        if not after:
            self.asked += [".".join(map(str, name)) for name in wanted]
        return super()._look_up(wanted, after, v1=v1)


class Cards:
    """A thread with an event loop in which cards are served until the end of the context."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cards", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def serve(self, card: Card) -> int:
        """Its port on loopback."""
        return asyncio.run_coroutine_threadsafe(card.serve(), self._loop).result(10)
