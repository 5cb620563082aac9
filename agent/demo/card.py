"""A simulated UPS card: a real SNMP v1/v2c agent on UDP, fed from a table that can change at any time.

For the demo, the tests and the benches. It can also misbehave as cards do: stay silent, drop
requests with several objects, answer nonsense.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from agent.demo import ber

CardValue = int | str | bytes | None
"""int: INTEGER; str: OCTET STRING, or an OID when it starts with "."; bytes: ready-made BER; None: NULL."""

_TOO_BIG, _NO_SUCH_NAME = 1, 2


class Card(asyncio.DatagramProtocol):
    """Serves `values` (dotted OID -> value) to whoever knows the community."""

    def __init__(self, values: Mapping[str, CardValue], community: str = "public") -> None:
        self.community = community.encode()
        self.silent = False
        self.single_object_only = False
        self.most_objects = 0
        """More objects than this in a request are answered by tooBig; 0: no limit."""
        self.version_1_only = False
        self.lose_every = 0
        """Each so-manieth request is lost; 0: none."""
        self.garbage: bytes | None = None
        self.delay_seconds = 0.0
        self.requests = 0
        self._values: dict[tuple[int, ...], CardValue] = {}
        self._order: list[tuple[int, ...]] = []
        self._transport: asyncio.DatagramTransport | None = None
        self.update(values)

    def update(self, values: Mapping[str, CardValue]) -> None:
        """Change or add objects."""
        self._values |= {ber.dotted(name): value for name, value in values.items()}
        self._order = sorted(self._values)

    def remove(self, prefix: str) -> None:
        """Forget every object below `prefix`."""
        root = ber.dotted(prefix)
        self._values = {name: v for name, v in self._values.items() if name[: len(root)] != root}
        self._order = sorted(self._values)

    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Open the socket; returns its port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        bound: int = self._transport.get_extra_info("sockname")[1]
        return bound

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """asyncio's: the socket is open."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """asyncio's: one request."""
        self.requests += 1
        lost = self.lose_every and self.requests % self.lose_every == 0
        if self.silent or lost or self._transport is None:
            return
        if self.garbage is not None:
            self._transport.sendto(self.garbage, addr)
            return
        try:
            answer = self._answer(data)
        except (ValueError, IndexError):
            return
        if answer is not None:
            asyncio.get_running_loop().call_later(self.delay_seconds, self._send, answer, addr)

    def _send(self, answer: bytes, addr: Any) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)

    def _answer(self, data: bytes) -> bytes | None:
        (message,) = ber.items(data)
        version, community, pdu = ber.items(message.body)
        if community.body != self.community or pdu.tag not in (ber.GET, ber.GETNEXT):
            return None
        request_id, _, _, bindings = ber.items(pdu.body)
        wanted = [ber.to_oid(next(ber.items(one.body)).body) for one in ber.items(bindings.body)]
        if self.single_object_only and len(wanted) > 1:
            return None
        if self.version_1_only and ber.to_int(version.body) != 0:
            return None
        if self.most_objects and len(wanted) > self.most_objects:
            return _message(version.body, community.body, request_id.body, _TOO_BIG, 0, bindings.body)
        error, rows = self._look_up(wanted, pdu.tag == ber.GETNEXT, v1=ber.to_int(version.body) == 0)
        status = _NO_SUCH_NAME if error else 0
        return _message(version.body, community.body, request_id.body, status, error, b"".join(rows))

    def _look_up(self, wanted: list[tuple[int, ...]], after: bool, *, v1: bool) -> tuple[int, list[bytes]]:
        rows, error = [], 0
        for number, name in enumerate(wanted, 1):
            found = self._next(name) if after else name if name in self._values else None
            if found is None and v1:
                error = error or number
            missing = ber.END_OF_MIB_VIEW if after else ber.NO_SUCH_OBJECT
            value = _encoded(self._values[found]) if found else ber.element(ber.NULL if v1 else missing, b"")
            rows.append(ber.element(ber.SEQUENCE, ber.oid(found or name) + value))
        return error, rows

    def _next(self, name: tuple[int, ...]) -> tuple[int, ...] | None:
        place = bisect_right(self._order, name)
        return self._order[place] if place < len(self._order) else None


def _message(version: bytes, community: bytes, request_id: bytes, status: int, index: int, rows: bytes) -> bytes:
    body = ber.element(ber.INTEGER, request_id) + ber.integer(status) + ber.integer(index)
    pdu = ber.element(ber.RESPONSE, body + ber.element(ber.SEQUENCE, rows))
    return ber.element(ber.SEQUENCE, ber.element(ber.INTEGER, version) + ber.element(ber.OCTETS, community) + pdu)


def _encoded(value: CardValue) -> bytes:
    if value is None:
        return ber.element(ber.NULL, b"")
    if isinstance(value, int):
        return ber.integer(value)
    if isinstance(value, bytes):
        return value
    return ber.oid(ber.dotted(value)) if value.startswith(".") else ber.element(ber.OCTETS, value.encode())
