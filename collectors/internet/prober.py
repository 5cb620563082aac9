"""The background rounds of probes of one uplink, and what they say together."""

import asyncio
import contextlib
import random
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from collectors.internet.fault import Domain, Role, fault_domain, is_up
from collectors.internet.route import default_route, system_resolvers
from collectors.internet.window import RECENT_ROUNDS, Window
from collectors.probes import PROBE_FRAME_BYTES, Web, connect, echo, generate_204, icmp_allowed, resolve

if TYPE_CHECKING:
    from collectors.internet import Config, Target

_FIRST_ROUNDS_SECONDS = 0.7
_SLOW_ROUNDS = 12
"""DNS and the 204 page are asked each round while in trouble, else each this many rounds."""


class Prober:
    """Runs rounds until cancelled; sets `changed` when the verdict turns."""

    def __init__(self, config: "Config", changed: asyncio.Event) -> None:
        self._config, self._changed = config, changed
        self.windows = {target.name: Window() for target in config.targets}
        self.dns: dict[str, float | None] = {}
        self.rounds = 0
        self.first_round = asyncio.Event()
        self._web: Web | None = None
        self._frames = 0
        self._answered = 0
        self._icmp = icmp_allowed()
        self._last: tuple[bool | None, Domain | None] = (None, None)

    async def run(self) -> None:
        """Round after round, evenly spaced with a little jitter."""
        while True:
            await self._round()
            verdict = self.verdict()
            if verdict != self._last:
                self._last = verdict
                self._changed.set()
            fast = self.rounds < RECENT_ROUNDS and self._config.probe_seconds > _FIRST_ROUNDS_SECONDS
            wait = _FIRST_ROUNDS_SECONDS if fast else self._config.probe_seconds
            await asyncio.sleep(wait * random.uniform(0.95, 1.05))

    def verdict(self) -> tuple[bool | None, Domain | None]:
        """Up, and the part to blame; None where nobody can say."""
        answers: dict[Role, list[bool]] = {}
        for target in self._config.targets:
            answered = self.windows[target.name].answers()
            if answered is not None:
                answers.setdefault(target.role, []).append(answered)
        dns = any(seconds is not None for seconds in self.dns.values()) if self.dns else None
        return is_up(answers, self._web), fault_domain(answers, dns, self._web)

    def take_bytes(self) -> tuple[int, int]:
        """Bytes down and up that probing has cost on the line since the last call."""
        down, up = self._answered * PROBE_FRAME_BYTES, self._frames * PROBE_FRAME_BYTES
        self._answered = self._frames = 0
        return down, up

    async def _round(self) -> None:
        await asyncio.gather(*(self._probe(target) for target in self._config.targets))
        if self.rounds % _SLOW_ROUNDS == 0 or self.verdict()[1] != "none":
            await self._ask_dns()
            await self._ask_web()
        self.rounds += 1
        self.first_round.set()

    async def _probe(self, target: "Target") -> None:
        host = await _host(target.host)
        rtt = None
        if host is not None:
            rtt = await (echo(host) if self._icmp else connect(host, target.port))
        if target.role != "lan":
            self._frames += 1
            self._answered += rtt is not None
        self.windows[target.name].add(rtt)

    async def _ask_dns(self) -> None:
        resolvers = self._config.resolvers or system_resolvers()
        taken = await asyncio.gather(*(resolve(one, self._config.resolve_name) for one in resolvers))
        self.dns = {f"resolver-{number}": seconds for number, seconds in enumerate(taken, 1)}

    async def _ask_web(self) -> None:
        if self._config.check_url:
            url = urlsplit(self._config.check_url)
            self._web, _ = await generate_204(url.hostname or "", url.port or 80, url.path or "/")


async def _host(host: str) -> str | None:
    """The IPv4 address to ask; None while it is not known."""
    if host == "gateway":
        route = default_route()
        return route.gateway if route else None
    if host.replace(".", "").isdigit():
        return host
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
            return str(found[0][4][0])
    return None
