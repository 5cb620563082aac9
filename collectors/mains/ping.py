"""Mains from a device that hangs on it alone and answers on the network: a printer, a till, an access point.

It answers: mains is there. It is silent, again and again, while a reference on the UPS answers: mains
is gone. Both silent: the network may be the fault, and nothing is known.
"""

import asyncio
import socket
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from collectors.echo import echo, icmp_allowed
from collectors.mains.verdict import Verdict
from collectors.probes import connect
from telemetry.errors import Unreachable

Host = Annotated[str, Meta(max_length=253)]


class Ping(Struct, frozen=True, forbid_unknown_fields=True):
    """[collect.mains.ping]: a device on the mains alone that answers on the network."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    """Address or name of the device. It must not hang on the UPS."""
    reference: Host = ""
    """Address or name of a device on the UPS that answers always, in the same network: the switch, the router."""
    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,15}\Z")] = ""
    """Or our own network interface: its carrier shows that the switch has power."""
    method: Literal["icmp", "tcp"] = "icmp"
    """How to ask; where the kernel forbids ICMP, by TCP connect. A refusal is an answer."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 80
    """For TCP connect, to the device."""
    reference_port: Annotated[int, Meta(ge=1, le=65535)] = 80
    """For TCP connect, to the reference."""
    misses: Annotated[int, Meta(ge=1, le=100)] = 6
    """So many readings in a row without an answer are an outage; a device that starts anew is silent for a minute."""

    def __post_init__(self) -> None:
        if not self.reference and not self.interface:
            raise ValueError("a reference or an interface is needed: else a cut cable would be an outage")


class Pinged:
    """Asks the device at each look, and the reference with it."""

    changed: asyncio.Event | None = None

    def __init__(self, config: Ping, sys: Path = Path("/sys")) -> None:
        self._config = config
        self._carrier = sys / "class/net" / config.interface / "carrier"
        self._misses: list[datetime] = []

    def start(self) -> None:
        """Nothing runs between looks."""

    def stop(self) -> None:
        """Nothing to end."""

    async def look(self, at: datetime) -> Verdict:
        """Raises Unreachable while neither the device nor a reference answers, or its name has no address."""
        config = self._config
        address = await _address(config.host)  # a name server that is gone says nothing about the mains
        answered, referred = await asyncio.gather(self._answers(address, config.port), self._refers())
        if answered or not referred or address is None:
            self._misses = []
        if answered:
            return Verdict(mains=True, since=at)
        if address is None:
            raise Unreachable("the device's name has no address: nothing is known of the mains")
        if not referred:
            raise Unreachable("neither the device nor its reference answers: nothing is known of the mains")
        self._misses = [*self._misses, at][: config.misses]
        return Verdict(mains=False if len(self._misses) == config.misses else None, since=self._misses[0])

    async def _refers(self) -> bool:
        if self._config.interface and _has_carrier(self._carrier):
            return True
        if not self._config.reference:
            return False
        return await self._answers(await _address(self._config.reference), self._config.reference_port)

    async def _answers(self, address: str | None, port: int) -> bool:
        """Whether it answers one of two questions."""
        if address is None:
            return False
        by_icmp = self._config.method == "icmp" and icmp_allowed()
        for _ in range(2):
            if await (echo(address) if by_icmp else connect(address, port)) is not None:
                return True
        return False


def _has_carrier(file: Path) -> bool:
    """An interface that is down cannot be read."""
    try:
        return file.read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


async def _address(host: str) -> str | None:
    """The IPv4 address of a host; None while it has none."""
    try:
        async with asyncio.timeout(2):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except (OSError, TimeoutError):
        return None
    return str(found[0][4][0])
