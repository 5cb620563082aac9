"""One internet uplink: continuous probes, the part of the path to blame, bytes, and throughput tests.

Probes run in the background all the time and are summed up at each collection; a throughput test
runs in a child process at the site's own moments, as far as the monthly budget goes. A failed test
gives no value, and no value is ever zero for lack of a measurement.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

from msgspec import Meta, Struct

from collectors.internet.addresses import HOST_NAME, name_server, plain_http
from collectors.internet.budget import Budget
from collectors.internet.engines import Engine
from collectors.internet.history import History
from collectors.internet.limits import verdicts
from collectors.internet.prober import Prober
from collectors.internet.route import default_route, interface_bytes, system_resolvers
from collectors.internet.targets import Name, Target, automatic
from collectors.internet.throughput import Throughput
from collectors.internet.traffic import Traffic
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import Reading, reading, state_readings


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
    """What one test may cost in one direction; one of full length, weekly where the rest end here, may cost more."""
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
    targets: tuple[Target, ...] = ()
    """Who is asked; empty: gateway, resolvers, our far end, anycast. The provider's first hop is found by itself."""
    resolvers: tuple[str, ...] = ()
    """Name servers to time, with #port where it is not 53; empty: the system's."""
    resolve_name: str = "example.com"
    """The name that is asked for."""
    check_url: str = ""
    """A page that answers 204; anything else is a captive portal. Empty: that of our far end, if there is one."""
    probe_seconds: Annotated[float, Meta(ge=0.2, le=300)] = 5.0
    """From one probe to the next, to gateway and first hop; what lies beyond is asked half as often."""
    metered: bool = False
    """Each byte is paid for: everybody is asked each 30 s, names and page less often."""
    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    """From one reading to the next; a change of state is read at once."""
    deadline_seconds: Annotated[float, Meta(gt=0, le=120)] = 15.0
    """Give up a reading after this long."""
    throughput: ThroughputConfig | None = None

    def __post_init__(self) -> None:
        names_of = [target.name for target in self.targets]
        if len(set(names_of)) != len(names_of):
            raise ValueError("targets: one name twice")
        if any(target.name == "access" and target.role != "access" for target in self.targets):
            raise ValueError("targets: access is the provider's first hop")
        if self.check_url and not plain_http(self.check_url):
            raise ValueError("check_url must be http://host[:port]/path, without TLS")
        if not all(name_server(one) for one in self.resolvers):
            raise ValueError("resolvers must be addresses, with #port where it is not 53")
        if not HOST_NAME.fullmatch(self.resolve_name):
            raise ValueError("resolve_name must be a name such as example.com")

    @property
    def instance(self) -> str:
        """The uplink's name."""
        return self.name

    def far_end(self) -> str:
        """URL of our own server, or empty."""
        ours = self.throughput is not None and self.throughput.engine == "http"
        return self.throughput.server if ours and self.throughput else ""

    def name_servers(self) -> tuple[str, ...]:
        """Whom to ask for names."""
        return self.resolvers or system_resolvers()

    def page(self) -> str:
        """URL that answers 204, or empty."""
        return self.check_url or (f"{self.far_end().rstrip('/')}/generate_204" if self.far_end() else "")

    def asked(self, servers: Sequence[str]) -> tuple[Target, ...]:
        """The targets, as they are now, with these name servers; the provider's first hop may come later."""
        route = default_route(interface=self.interface)
        return self.targets or automatic(servers, self.far_end(), route.gateway if route else "")


def build(config: Config, state: Path) -> "Internet":
    """The collector of one uplink; its budget and what tests have taught are kept in `state`."""
    limit = config.throughput.monthly_megabytes * 10**6 if config.throughput else 10**12
    budget = Budget(state / f"internet-{config.name}.json", limit)
    return Internet(config, budget, History(state / f"internet-{config.name}-tests.json"))


class Internet:
    """Probes in the background, sums up on demand."""

    settle_seconds = 8.0

    def __init__(self, config: Config, budget: Budget, history: History) -> None:
        self.changed: asyncio.Event | None = asyncio.Event()
        self._config, self._budget = config, budget
        self._traffic = Traffic(config.interface, self._loading)
        self._prober = Prober(config, self.changed, self._loading)
        self._throughput = Throughput(
            config, budget, history, site=f"{socket.gethostname()}/{config.name}", done=self.changed,
            clean=lambda: self._prober.verdict()[1] == "none", traffic=self._traffic,
        )  # fmt: skip
        self._fault: tuple[str, datetime, dict[str, str]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._sampling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._prober.run(), name=f"probes/{self._config.name}")
        self._sampling = asyncio.create_task(self._traffic.run(), name=f"traffic/{self._config.name}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in (self._task, self._sampling, self._throughput.task):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._budget.save()

    @property
    def notes(self) -> dict[str, Any]:
        """For /status.json: what the verdict rests on, how each target is asked, the last test."""
        up, domain = self._prober.verdict()
        return {
            "up": up,
            "fault": domain,
            "evidence": self._prober.evidence(),
            "targets": self._prober.notes(),
            "test": self._throughput.agenda.notes(),
        }

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """The window since the last collection, and the results of a test that has ended."""
        await self._prober_has_spoken()
        at = datetime.now(UTC)
        self._account(at)
        self._throughput.start_if_due(at)
        for one in (*self._verdict(at), *self._probes(at), *self._bytes(at), *self._tests(at)):
            yield one
        self._budget.save(ahead=self._prober.bytes_per_second() * self._config.interval_seconds)

    def _loading(self) -> bool:
        return self._throughput.agenda.loading()

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
            self._fault = (domain, at, self._prober.evidence())
            yield self._event(self._fault, None)

    def _event(self, fault: tuple[str, datetime, dict[str, str]], end: datetime | None) -> Event:
        domain, since, evidence = fault
        uplink = self._config.name
        name = f"internet-{uplink}-{domain}-{int(since.timestamp())}"
        return Event("internet_fault", name, since, end, {"uplink": uplink, "domain": domain, **evidence})

    def _probes(self, at: datetime) -> Iterator[Reading]:
        uplink = self._config.name
        for target, probed in self._prober.probed.items():
            own, window = {"uplink": uplink, "target": target}, probed.window
            yield reading(names.NET_PROBE_SENT, window.sent, at, **own)
            yield reading(names.NET_PROBE_LOST, window.lost, at, **own)
            summary = window.take()
            for stat, value in (("p50", summary.p50), ("p95", summary.p95), ("max", summary.max)):
                if value is not None:
                    yield reading(names.NET_PROBE_RTT, value, at, **own, stat=stat)
            if summary.jitter is not None:
                yield reading(names.NET_PROBE_JITTER, summary.jitter, at, **own)
        for resolver, seconds in self._prober.names.seconds.items():
            if seconds is not None:
                yield reading(names.NET_DNS, seconds, at, uplink=uplink, resolver=resolver)

    def _bytes(self, at: datetime) -> Iterator[Reading]:
        uplink = self._config.name
        interface = self._traffic.carrier()
        counts = interface_bytes(interface) if interface else None
        peak = self._traffic.peaks.take()
        for way, count, best in zip(
            ("down", "up"), counts or (), (peak.down, peak.up) if peak else (None, None), strict=False
        ):
            yield reading(names.NET_WAN_BYTES, count, at, uplink=uplink, direction=way)
            if best is not None:
                yield reading(names.NET_WAN_PEAK, best, at, uplink=uplink, direction=way)

    def _tests(self, at: datetime) -> Iterator[Reading]:
        """What tests gave, and beside each rate of the line whether it keeps the limits."""
        for one in self._throughput.readings(at):
            yield one
            if one.metric is names.NET_THROUGHPUT and one.series.labels[2] == "line":
                yield from self._limits(one)

    def _limits(self, rate: Reading) -> Iterator[Reading]:
        uplink, way, _ = rate.series.labels
        agenda = self._throughput.agenda
        found = verdicts(way, rate.value, agenda.contract(way), at_least=way in agenda.capped)
        for limit, met in found:
            yield reading(names.NET_TEST_MET, float(met), rate.at, uplink=uplink, direction=way, limit=limit)

    def _account(self, at: datetime) -> None:
        down, up = self._prober.take_bytes()
        self._budget.spend(at, down=down, up=up, probe=True)
        self._throughput.agenda.probe_bytes_per_second = self._prober.bytes_per_second()
