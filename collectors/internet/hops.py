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

from msgspec import Struct

from collectors.echo import TIMEOUT_SECONDS
from collectors.via import leave_by

MOST_HOPS = 5
_IP_RECVERR = 11
_ICMP_ORIGIN = 2
_TIME_EXCEEDED = 11
_TRACEROUTE_PORT = 33434
_PAYLOAD = bytes(16)
_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err: errno, origin, type, code, pad, info, data; the offender's sockaddr follows."""
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class Hop(Struct, frozen=True):
    """Who answered at `ttl` hops, an IPv4 address, after so many seconds."""

    address: str
    ttl: int
    rtt: float


async def hop(toward: str, ttl: int, interface: str = "") -> Hop | None:
    """Who is `ttl` hops away on the way to an IPv4 address; None when nobody says within 2 s."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[Hop | None] = loop.create_future()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            leave_by(sock, interface)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            sock.connect((toward, _TRACEROUTE_PORT + ttl))
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
    now = time.monotonic()
    with contextlib.suppress(OSError):
        _, extra, _, _ = sock.recvmsg(256, 512, socket.MSG_ERRQUEUE)
        for level, kind, data in extra:
            if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR) and len(data) >= _ERROR.size + 8 and not heard.done():
                _, origin, icmp_type, *_ = _ERROR.unpack_from(data)
                address = socket.inet_ntoa(data[_ERROR.size + 4 : _ERROR.size + 8])
                exceeded = origin == _ICMP_ORIGIN and icmp_type == _TIME_EXCEEDED
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
    """Whether an IPv4 address cannot be of the centre's own network: public, or shared by the provider."""
    ip = ipaddress.ip_address(address)
    return ip.is_global or ip in _SHARED
