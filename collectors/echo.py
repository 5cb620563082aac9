"""ICMP echo without privilege: one datagram socket a target, kept open, with a fresh id after losses.

The kernel owns the id (net.ipv4.ping_group_range says who may, see deploy/gateway). A firewall or NAT
that has lost the id's mapping swallows every answer to it (prometheus/blackbox_exporter issue 360), so
a socket that has heard nothing for 3 probes is replaced. 16 bytes of payload: 60 bytes on Ethernet, 78 of IPv6.
"""

import asyncio
import secrets
import socket
import struct
import time

from collectors.via import family_of, in_figures, leave_by

TIMEOUT_SECONDS = 2.0
RENEW_AFTER_LOSSES = 3
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_REQUEST, _REPLY = {socket.AF_INET: 8, socket.AF_INET6: 128}, {socket.AF_INET: 0, socket.AF_INET6: 129}
"""Types of RFC 792 and RFC 4443."""
_HEADER = struct.Struct("!BBHHH")
_PAYLOAD = struct.Struct("!8sQ")
_MAX_REPLY = 2048


def icmp_allowed() -> bool:
    """Whether this process may open an ICMP datagram socket; one word of the kernel's for IPv4 and IPv6."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


async def echo(host: str) -> float | None:
    """One question to an address: the round trip in seconds, or None."""
    once = Echo(host)
    try:
        return await once.ask()
    finally:
        once.close()


class Echo:
    """Asks one address. `late` counts answers that came after 2 s: lost, but not by the line's silence."""

    def __init__(self, host: str, interface: str = "") -> None:
        self.host = host
        self.late = 0
        self.renewals = 0
        self._interface = interface
        self._family = family_of(host)
        self._sock: socket.socket | None = None
        self._mark = b""
        self._number = 0
        self._losses = 0
        self._waiting: dict[int, tuple[float, asyncio.Future[float | None]]] = {}

    async def ask(self) -> float | None:
        """The round trip in seconds; None when nothing came within 2 s or the kernel knows that nothing can."""
        try:
            sock = self._open()
            rtt = await self._exchange(sock)
        except OSError:
            rtt = None
        self._losses = 0 if rtt is not None else self._losses + 1
        if self._losses >= RENEW_AFTER_LOSSES:
            self.close()
        return rtt

    def close(self) -> None:
        """Give the id back; the next question takes another."""
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._sock.close()
            self._sock, self._losses = None, 0
            self.renewals += 1

    def _open(self) -> socket.socket:
        if self._sock is None:
            sock = socket.socket(self._family, socket.SOCK_DGRAM, _PROTOCOL[self._family])
            try:
                sock.setblocking(False)
                leave_by(sock, self._interface)
                sock.connect(in_figures(self.host, 0))
            except OSError:
                sock.close()
                raise
            self._sock, self._mark = sock, secrets.token_bytes(8)
            asyncio.get_running_loop().add_reader(sock, self._heard, sock)
        return self._sock

    async def _exchange(self, sock: socket.socket) -> float | None:
        loop = asyncio.get_running_loop()
        self._number += 1
        number = self._number
        answer: asyncio.Future[float | None] = loop.create_future()
        packet = _HEADER.pack(_REQUEST[self._family], 0, 0, 0, number & 0xFFFF) + _PAYLOAD.pack(self._mark, number)
        self._waiting[number] = time.monotonic(), answer
        timer = loop.call_later(TIMEOUT_SECONDS, _settle, answer, None)
        try:
            sock.send(packet)  # the kernel sets id and checksum
            return await answer
        finally:
            timer.cancel()
            del self._waiting[number]

    def _heard(self, sock: socket.socket) -> None:
        now = time.monotonic()
        try:
            reply = sock.recv(_MAX_REPLY)
        except BlockingIOError:
            return
        except OSError:  # a router says that there is no way
            for _, answer in self._waiting.values():
                _settle(answer, None)
            return
        if reply[:1] != bytes((_REPLY[self._family],)) or len(reply) != _HEADER.size + _PAYLOAD.size:
            return
        mark, number = _PAYLOAD.unpack_from(reply, _HEADER.size)
        if mark != self._mark:
            return
        if number in self._waiting:
            sent, answer = self._waiting[number]
            _settle(answer, now - sent)
        elif number <= self._number:
            self.late += 1
            self._losses = 0  # the id works


def _settle(answer: "asyncio.Future[float | None]", rtt: float | None) -> None:
    if not answer.done():
        answer.set_result(rtt)
