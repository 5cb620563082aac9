"""The hops on the way, without privilege: a UDP datagram that may live for n hops, and who says that it died.

The kernel hands the ICMP "time exceeded" of our own datagram to its socket's error queue (IP_RECVERR,
ip(7)), so neither a raw socket nor ping_group_range is needed. Many routers that ignore echo say this.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
import time
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from collectors.echo import TIMEOUT_SECONDS
from collectors.via import family_of, in_figures, leave_by

MOST_HOPS = 5
_TRACEROUTE_PORT = 33434
_PAYLOAD = bytes(16)
_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err: errno, origin, type, code, pad, info, data; the offender's sockaddr follows."""


class _Words(NamedTuple):
    """What a family calls the same things: socket options, the error's origin and type, where its address lies."""

    level: int
    hops: int
    receive_errors: int
    origin: int
    time_exceeded: int
    address: slice


_WORDS = {
    socket.AF_INET: _Words(socket.IPPROTO_IP, socket.IP_TTL, 11, 2, 11, slice(4, 8)),
    socket.AF_INET6: _Words(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 25, 3, 3, slice(8, 24)),
}
"""ip(7), ipv6(7), RFC 792, RFC 4443."""
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class Hop(Struct, frozen=True):
    """Who answered at `ttl` hops, an address, after so many seconds."""

    address: str
    ttl: int
    rtt: float


async def hop(toward: str, ttl: int, interface: str = "") -> Hop | None:
    """Who is `ttl` hops away on the way to an address; None when nobody says within 2 s."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[Hop | None] = loop.create_future()
    words = _WORDS[family_of(toward)]
    with socket.socket(family_of(toward), socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            leave_by(sock, interface)
            sock.setsockopt(words.level, words.hops, ttl)
            sock.setsockopt(words.level, words.receive_errors, 1)
            sock.connect(in_figures(toward, _TRACEROUTE_PORT + ttl))
            sent = time.monotonic()
            sock.send(_PAYLOAD)
        except OSError:
            return None
        loop.add_reader(sock, _listen, sock, ttl, sent, heard)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await heard
        except TimeoutError:
            return None
        finally:
            loop.remove_reader(sock)


def _listen(sock: socket.socket, ttl: int, sent: float, heard: "asyncio.Future[Hop | None]") -> None:
    now, words = time.monotonic(), _WORDS[sock.family]
    with contextlib.suppress(OSError):
        _, extra, _, _ = sock.recvmsg(256, 512, socket.MSG_ERRQUEUE)
        for level, kind, data in extra:
            offender = data[_ERROR.size :]
            known = (level, kind) == (words.level, words.receive_errors) and len(offender) >= words.address.stop
            if known and not heard.done():
                _, origin, icmp_type, *_ = _ERROR.unpack_from(data)
                exceeded = (origin, icmp_type) == (words.origin, words.time_exceeded)
                address = socket.inet_ntop(sock.family, offender[words.address]) if exceeded else ""
                heard.set_result(Hop(address, ttl, now - sent) if exceeded else None)
        return
    with contextlib.suppress(OSError):
        sock.recv(256)  # somebody far away really answered


async def find_access(toward: str, interface: str = "") -> Hop | None:
    """The provider's first hop on the way to an address: see `first_of_provider`."""
    found = []
    for ttl in range(1, MOST_HOPS + 1):
        one = await hop(toward, ttl, interface) or await hop(toward, ttl, interface)
        if one is not None:
            found.append(one)
    return first_of_provider(found)


def first_of_provider(hops: Iterable[Hop]) -> Hop | None:
    """The first hop beyond the gateway that is not in a private network, or else the first beyond the gateway.

    100.64.0.0/10 is the provider's (RFC 6598). None where only the gateway answers.
    """
    beyond = [one for one in hops if one.ttl > 1]
    outside = [one for one in beyond if provider_owns(one.address)]
    return next(iter(outside or beyond), None)


def provider_owns(address: str) -> bool:
    """Whether an address cannot be of the centre's own network: public, or shared by the provider."""
    ip = ipaddress.ip_address(address)
    return ip.is_global or ip in _SHARED
