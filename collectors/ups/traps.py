"""SNMP traps only make the agent poll now: who sends one is asked at once, what it says is not believed.

One UDP port for all cards (162 needs a right; 1162 and a redirect do not). Only datagrams from
configured addresses that look like a v1 or v2c trap count. They wake at most once a second an address:
the first at once, the others together when that second is over, so that noise before a cut hides nothing.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)
_SEQUENCE, _TRAP_V1, _TRAP_V2, _INFORM = 0x30, 0xA4, 0xA7, 0xA6
_QUIET_SECONDS = 1.0
_LONGEST_HEAD = 64


def looks_like_a_trap(datagram: bytes) -> bool:
    """Whether the head is an SNMP message that carries a trap (RFC 1157, RFC 3416) or an encrypted v3 one."""
    if len(datagram) < 16 or datagram[0] != _SEQUENCE:
        return False
    head = datagram[:_LONGEST_HEAD]
    version_at = 2 + (datagram[1] & 0x7F if datagram[1] & 0x80 else 0)
    version = head[version_at : version_at + 3]
    if version == b"\x02\x01\x03":
        return True
    community_at = version_at + 3
    if version not in (b"\x02\x01\x00", b"\x02\x01\x01") or head[community_at : community_at + 1] != b"\x04":
        return False
    pdu_at = community_at + 2 + datagram[community_at + 1]
    return pdu_at < len(datagram) and datagram[pdu_at] in (_TRAP_V1, _TRAP_V2, _INFORM)


class Listener(asyncio.DatagramProtocol):
    """One port; cards register who to wake for their address."""

    def __init__(self) -> None:
        self._wakes: list[tuple[str, Callable[[], None]]] = []
        self._quiet: dict[str, asyncio.TimerHandle] = {}
        self._waiting: set[str] = set()
        self.transport: asyncio.BaseTransport | None = None

    def register(self, address: str, wake: Callable[[], None]) -> None:
        """Call `wake` for a trap from `address`; several cards may share one."""
        self._wakes.append((address, wake))

    def forget(self, wake: Callable[[], None]) -> bool:
        """Wake this one no more; True when nobody is left."""
        self._wakes = [(address, one) for address, one in self._wakes if one != wake]
        return not self._wakes

    def close(self) -> None:
        """Close the port; nobody is woken any more."""
        for timer in self._quiet.values():
            timer.cancel()
        if self.transport is not None:
            self.transport.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """asyncio's: one datagram."""
        address = str(addr[0])
        if not any(address == known for known, _ in self._wakes) or not looks_like_a_trap(data):
            return
        if address in self._quiet:
            self._waiting.add(address)
        else:
            self._wake(address)

    def _wake(self, address: str) -> None:
        self._quiet[address] = asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._quiet_ends, address)
        for known, wake in self._wakes:
            if known == address:
                wake()

    def _quiet_ends(self, address: str) -> None:
        del self._quiet[address]
        if address in self._waiting:
            self._waiting.remove(address)
            self._wake(address)


_listeners: dict[tuple[asyncio.AbstractEventLoop, int], Listener] = {}


async def listen(port: int, host: str, wake: Callable[[], None]) -> None:
    """Wake for traps from `host` on the shared port; a port that cannot be had is said and done without."""
    loop = asyncio.get_running_loop()
    listener = _listeners.get((loop, port))
    if listener is None:
        listener = _listeners[loop, port] = Listener()
        try:
            own = listener
            own.transport, _ = await loop.create_datagram_endpoint(lambda: own, local_addr=("0.0.0.0", port))
        except OSError as problem:
            log.error("traps cannot be received, polling goes on port=%d cause=%r", port, problem.strerror)
    try:
        found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except OSError:
        return
    for one in found:
        listener.register(str(one[4][0]), wake)


def unlisten(port: int, wake: Callable[[], None]) -> None:
    """Undo `listen`; the last one closes the port."""
    key = (asyncio.get_running_loop(), port)
    listener = _listeners.get(key)
    if listener is not None and listener.forget(wake):
        del _listeners[key]
        listener.close()
