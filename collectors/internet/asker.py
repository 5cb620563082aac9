"""How one target is asked: ICMP echo, a TCP connect where ICMP is not allowed, or the hop that a datagram dies at."""

import asyncio
import contextlib
import socket
import time

from collectors.echo import Echo
from collectors.internet.hops import hop
from collectors.internet.route import default_route
from collectors.internet.targets import COSTS, COSTS_OF_IPV6, GATEWAY, Cost, Method, Target
from collectors.probes import connect
from collectors.via import family_of, with_a_way

_ADDRESS_SECONDS = 600.0


class Address:
    """The address behind a name, looked up at most each 10 minutes; the last one stands while names fail.

    Of several one to which the uplink has a way, of IPv4 first: what else is asked by default is.
    """

    def __init__(self, host: str, interface: str) -> None:
        self._host, self._interface = host, interface
        self._known: str | None = None
        self._until = 0.0

    @property
    def of_ipv6(self) -> bool:
        """Whether the address that is known is one of IPv6."""
        return ":" in (self._known or "")

    async def now(self) -> str | None:
        """The address to ask; None while it is not known."""
        if self._host == GATEWAY:
            route = default_route(interface=self._interface)
            self._known = route.gateway if route else None
            return self._known
        if self._host.replace(".", "").isdigit() or ":" in self._host:
            self._known = self._host
            return self._host
        if time.monotonic() >= self._until:
            self._known = await self._look_up() or self._known
            self._until = time.monotonic() + (_ADDRESS_SECONDS if self._known else 0.0)
        return self._known

    async def _look_up(self) -> str | None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                found = await loop.getaddrinfo(self._host, None, type=socket.SOCK_DGRAM)
                addresses = sorted((str(one[4][0]) for one in found), key=family_of)
                return with_a_way(addresses, self._interface)[0]
        return None


def _cost(method: Method, address: Address) -> Cost:
    return (COSTS_OF_IPV6 if address.of_ipv6 else COSTS)[method]


class Asker:
    """Asks a target again and again; `method` says how."""

    def __init__(self, target: Target, interface: str, *, icmp: bool) -> None:
        self.method: Method = "icmp" if icmp else "tcp"
        self._target, self._interface = target, interface
        self._address = Address(target.host, interface)
        self._echo: Echo | None = None

    async def ask(self) -> float | None:
        """A round trip in seconds, or None."""
        host = await self._address.now()
        if host is None:
            return None
        if self.method == "tcp":
            return await connect(host, self._target.port, self._interface)
        if self._echo is None or self._echo.host != host:
            self.close()
            self._echo = Echo(host, self._interface)
        return await self._echo.ask()

    @property
    def cost(self) -> Cost:
        """Of one question, to the address that is known."""
        return _cost(self.method, self._address)

    @property
    def late(self) -> int:
        """Answers that came after 2 s, as far as the method sees them."""
        return self._echo.late if self._echo else 0

    def close(self) -> None:
        """Release the socket."""
        if self._echo is not None:
            self._echo.close()


class HopAsker:
    """Asks whoever is `ttl` hops away on the way to a far target, as `find_access` found it."""

    method: Method = "hop"
    late = 0

    def __init__(self, toward: Address, ttl: int, address: str, interface: str) -> None:
        self._toward, self._ttl, self._interface = toward, ttl, interface
        self._address = address
        self.moved = False

    async def ask(self) -> float | None:
        """A round trip in seconds, or None; `moved` says that another router answered."""
        host = await self._toward.now()
        found = await hop(host, self._ttl, self._interface) if host else None
        if found is None:
            return None
        self.moved = found.address != self._address
        return found.rtt

    @property
    def cost(self) -> Cost:
        """Of one question."""
        return _cost(self.method, self._toward)

    def close(self) -> None:
        """It keeps nothing open."""
