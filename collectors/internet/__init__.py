"""One internet uplink: continuous probes, the part of the path to blame, bytes, and throughput tests.

Probes run in the background all the time and are summed up at each collection; a throughput test
runs in a child process at the site's own moments, as far as the monthly budget goes. A failed test
gives no value, and no value is ever zero for lack of a measurement.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from collectors.internet.addresses import HOST_NAME, name_server, plain_http
from collectors.internet.budget import Budget
from collectors.internet.engines import Engine
from collectors.internet.history import History
from collectors.internet.prober import Prober
from collectors.internet.route import default_route, interface_bytes
from collectors.internet.throughput import Throughput
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import Reading, reading, state_readings

Name = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """[[collect.internet.targets]]: somebody who should answer."""

    name: Name
    """Label of its series."""
    role: Literal["lan", "access", "isp", "target"]
    """Where on the path: our network, the provider's first hop, the provider, beyond."""
    host: str
    """IPv4 address or name; "gateway" is the default route's."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 443
    """For TCP connect, where ICMP is not allowed."""


class ThroughputConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """[collect.internet.throughput]: how fast the line is. Without this section it is not tested."""

    server: str
    """URL of a far end: http://host/ with /blob and /up (deploy/central/speed)."""
    engine: Engine = "http"
    """speedtest_cli asks Ookla's servers instead: 175 MB of memory and many more bytes."""
    contract_down_bits_per_second: Annotated[int, Meta(ge=0)] = 0
    """What the provider promised; 0 when unknown."""
    contract_up_bits_per_second: Annotated[int, Meta(ge=0)] = 0
    """What the provider promised; 0 when unknown."""
    tests_per_day: Annotated[int, Meta(ge=1, le=48)] = 4
    """Spread over the opening hours, at moments of the site's own."""
    opens_hour: Annotated[int, Meta(ge=0, le=23)] = 9
    """Local time."""
    closes_hour: Annotated[int, Meta(ge=1, le=24)] = 21
    """Local time."""
    monthly_megabytes: Annotated[int, Meta(ge=1)] = 1500
    """What all measuring may cost in a month; it survives a restart."""
    max_megabytes: Annotated[int, Meta(ge=1, le=1000)] = 60
    """What one test may cost in one direction."""
    hold_after_start_seconds: Annotated[float, Meta(ge=0)] = 3600.0
    """After a start the first test waits the site's own part of this."""

    def __post_init__(self) -> None:
        if self.engine == "http" and not plain_http(self.server):
            raise ValueError("server must be http://host[:port], without TLS")
        if self.closes_hour <= self.opens_hour:
            raise ValueError("closes_hour must be later than opens_hour")


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[collect.internet], or [[collect.internet]] for several uplinks."""

    name: Name = "wan"
    """Label of the uplink."""
    interface: str = ""
    """Network interface of the uplink; empty: the default route's."""
    targets: tuple[Target, ...] = (
        Target("gateway", "lan", "gateway", 80),
        Target("cloudflare", "target", "1.1.1.1"),
        Target("google", "target", "8.8.8.8"),
    )
    """Who is asked; the nearer parts tell whom to blame."""
    resolvers: tuple[str, ...] = ()
    """Name servers to time, with #port where it is not 53; empty: the system's."""
    resolve_name: str = "example.com"
    """The name that is asked for."""
    check_url: str = ""
    """A page that answers 204; anything else is a captive portal. Empty: not asked."""
    probe_seconds: Annotated[float, Meta(ge=0.2, le=300)] = 5.0
    """From one round of probes to the next."""
    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    """From one reading to the next; a change of state is read at once."""
    deadline_seconds: Annotated[float, Meta(gt=0, le=120)] = 15.0
    """Give up a reading after this long."""
    throughput: ThroughputConfig | None = None

    def __post_init__(self) -> None:
        names_of = [target.name for target in self.targets]
        if len(set(names_of)) != len(names_of):
            raise ValueError("targets: one name twice")
        if self.check_url and not plain_http(self.check_url):
            raise ValueError("check_url must be http://host[:port]/path, without TLS")
        if not all(name_server(one) for one in self.resolvers):
            raise ValueError("resolvers must be IPv4 addresses, with #port where it is not 53")
        if not HOST_NAME.fullmatch(self.resolve_name):
            raise ValueError("resolve_name must be a name such as example.com")

    @property
    def instance(self) -> str:
        """The uplink's name."""
        return self.name


def build(config: Config, state: Path) -> "Internet":
    """The collector of one uplink; its budget and what tests have taught are kept in `state`."""
    limit = config.throughput.monthly_megabytes * 10**6 if config.throughput else 10**12
    budget = Budget(state / f"internet-{config.name}.json", limit)
    return Internet(config, budget, History(state / f"internet-{config.name}-tests.json"))


class Internet:
    """Probes in the background, sums up on demand."""

    settle_seconds = 3.0

    def __init__(self, config: Config, budget: Budget, history: History) -> None:
        self.changed: asyncio.Event | None = asyncio.Event()
        self._config, self._budget = config, budget
        self._prober = Prober(config, self.changed)
        self._throughput = Throughput(
            config, budget, history, site=f"{socket.gethostname()}/{config.name}", done=self.changed,
            clean=lambda: self._prober.verdict()[1] == "none",
        )  # fmt: skip
        self._fault: tuple[str, datetime] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._prober.run(), name=f"probes/{self._config.name}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in (self._task, self._throughput.task):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._budget.save()

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """The window since the last collection, and the results of a test that has ended."""
        await self._prober_has_spoken()
        at = datetime.now(UTC)
        self._account(at)
        self._throughput.start_if_due(at)
        for one in (*self._verdict(at), *self._probes(at), *self._bytes(at), *self._throughput.readings(at)):
            yield one
        self._budget.save()

    async def _prober_has_spoken(self) -> None:
        """Wait for the first round; a prober that has died tells why."""
        if self._task is not None and not self._prober.first_round.is_set():
            first = asyncio.create_task(self._prober.first_round.wait())
            await asyncio.wait([first, self._task], return_when=asyncio.FIRST_COMPLETED)
            first.cancel()
        if self._task is not None and self._task.done():
            self._task.result()

    def _verdict(self, at: datetime) -> Iterator[Reading | Event]:
        uplink = self._config.name
        up, domain = self._prober.verdict()
        if up is not None:
            yield reading(names.NET_UP, float(up), at, uplink=uplink)
        if domain is not None:
            yield from state_readings(names.NET_FAULT, "domain", domain, at, uplink=uplink)
            yield from self._fault_event(domain, at)

    def _fault_event(self, domain: str, at: datetime) -> Iterator[Event]:
        if self._fault is not None and self._fault[0] != domain:
            yield self._event(self._fault, at)
            self._fault = None
        if domain != "none" and self._fault is None:
            self._fault = (domain, at)
            yield self._event(self._fault, None)

    def _event(self, fault: tuple[str, datetime], end: datetime | None) -> Event:
        domain, since = fault
        uplink = self._config.name
        name = f"internet-{uplink}-{domain}-{int(since.timestamp())}"
        return Event("internet_fault", name, since, end, {"uplink": uplink, "domain": domain})

    def _probes(self, at: datetime) -> Iterator[Reading]:
        uplink = self._config.name
        for target, window in self._prober.windows.items():
            own = {"uplink": uplink, "target": target}
            yield reading(names.NET_PROBE_SENT, window.sent, at, **own)
            yield reading(names.NET_PROBE_LOST, window.lost, at, **own)
            summary = window.take()
            for stat, value in (("p50", summary.p50), ("p95", summary.p95), ("max", summary.max)):
                if value is not None:
                    yield reading(names.NET_PROBE_RTT, value, at, **own, stat=stat)
            if summary.jitter is not None:
                yield reading(names.NET_PROBE_JITTER, summary.jitter, at, **own)
        for resolver, seconds in self._prober.dns.items():
            if seconds is not None:
                yield reading(names.NET_DNS, seconds, at, uplink=uplink, resolver=resolver)

    def _bytes(self, at: datetime) -> Iterator[Reading]:
        uplink = self._config.name
        route = default_route()
        interface = self._config.interface or (route.interface if route else "")
        counts = interface_bytes(interface) if interface else None
        if counts is not None:
            yield reading(names.NET_WAN_BYTES, counts[0], at, uplink=uplink, direction="down")
            yield reading(names.NET_WAN_BYTES, counts[1], at, uplink=uplink, direction="up")

    def _account(self, at: datetime) -> None:
        down, up = self._prober.take_bytes()
        self._budget.spend(at, down=down, up=up, probe=True)
