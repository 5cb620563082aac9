"""The broker of the country is restarted: when is everybody back, and what does it cost the broker?

Real agents' uplinks (back-off, TLS, certificates and all) in a few processes on mosquitto with the shipped
configuration, real ingest and store. No clock is scaled. Exit code 0 if both bars are met, 1 if not.
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from bisect import bisect_right
from contextlib import ExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.config import UplinkConfig
from bench.measure.central_side import CentralSide
from bench.measure.fleet import FleetPlan
from bench.measure.packages import need
from bench.measure.processes import memory, work
from bench.measure.progress import say
from central.simulate.centre import make_centre
from stage import parts
from stage.process import Part

BACK_BAR_SECONDS, CORE_BAR = 300.0, 0.60
_WINDOW = 10
_STEADY_SECONDS = 30.0
_FIRST_WAIT_SECONDS = UplinkConfig("").connect_spread_seconds / 2
"""At most, after a line that worked."""
_COUNTRY = 10_000
NOTES = """\
"Back" is the uplink's own word after CONNACK. Clients, broker, ingest and store share this machine's cores; the
broker's share is its own processor time. Each agent has a tick of 150 series in five lanes every two minutes, and
sends again what is not acknowledged. The waits are the product's."""


class Result(Struct, frozen=True):
    """Seconds from the broker's return; shares of a core."""

    agents: int
    half: float | None
    most: float | None
    back: float | None
    connections: int
    worst_second: float
    worst_ten: float
    broker_seconds: float
    broker_mib: float
    before_mib: float
    ingest_mib: float
    """With the schemas of all centres in mind."""
    steady_broker: float
    steady_ingest: float

    @property
    def per_connection(self) -> float:
        """Processor seconds of the broker for one agent's return: handshake, session, states, what is sent again."""
        return self.broker_seconds / max(1, self.connections)

    @property
    def met(self) -> tuple[bool, bool]:
        """Back in time, broker at ease."""
        return self.back is not None and self.back <= BACK_BAR_SECONDS, self.worst_ten <= CORE_BAR


class Fleet:
    """The processes of agents."""

    def __init__(self, directory: Path, central: CentralSide, agents: int, processes: int) -> None:
        self._parts: list[Part] = []
        self._logs: list[Path] = []
        share = -(-agents // processes)
        for first in range(1, agents + 1, share):
            own = directory / f"fleet-{first}"
            own.mkdir()
            count = min(share, agents + 1 - first)
            plan = FleetPlan(first, count, str(own), str(central.certificates), central.port)
            (own / "plan.json").write_bytes(msgspec.json.encode(plan))
            self._parts.append(parts.python("fleet", own, ["bench.measure.fleet", str(own / "plan.json")]))
            self._logs.append(own / "connected.log")

    def start(self, stack: ExitStack) -> None:
        """All of them; stopped with the stack."""
        for part in self._parts:
            stack.enter_context(part)

    def connected(self) -> int:
        """Now."""
        return sum(rows[-1][1] for rows in self._rows() if rows)

    def timeline(self, begin: float, end: float) -> list[tuple[float, int]]:
        """How many are connected, each half second from `begin`."""
        rows = self._rows()
        found = []
        at = begin
        while at <= end:
            found.append((at - begin, sum(_at(one, at) for one in rows)))
            at += 0.5
        return found

    def _rows(self) -> list[list[tuple[float, int]]]:
        return [_parsed(log) for log in self._logs]


def _parsed(log: Path) -> list[tuple[float, int]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [(float(at), int(count)) for at, count in (line.split() for line in lines if line.count(" ") == 1)]


def _at(rows: list[tuple[float, int]], at: float) -> int:
    place = bisect_right(rows, (at, sys.maxsize))
    return rows[place - 1][1] if place else 0


def main() -> int:
    options = _options()
    need(("mosquitto", "victoria-metrics"))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="bench-storm-") as scratch, ExitStack() as stack:
        result = _storm(Path(scratch), options, stack)
    return _report(result, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench storm", description="A country's agents after a broker restart.")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--away", type=float, default=2.0, metavar="SECONDS", help="the broker is away so long")
    parser.add_argument("--limit", type=float, default=420.0, metavar="SECONDS", help="wait at most, after its return")
    return parser.parse_args()


def _storm(directory: Path, options: argparse.Namespace, stack: ExitStack) -> Result:
    centres = [make_centre(number, 1).id for number in range(1, options.agents + 1)]
    central = CentralSide(directory, "victoria-metrics", centres)
    stack.enter_context(central.running())
    fleet = Fleet(directory, central, options.agents, options.processes)
    fleet.start(stack)
    _wait_for_all(fleet, options, "connecting, spread over two minutes")
    steady = _steady([central.broker, *central.ingests])
    before = memory(central.broker.pid).resident
    central.broker.stop()
    time.sleep(options.away)
    central.broker.start()
    begin = time.monotonic()
    shares = _watch(fleet, central.broker, begin, options)
    end = time.monotonic()
    line = fleet.timeline(begin, end)
    return Result(
        agents=options.agents,
        half=_first(line, options.agents * 0.5),
        most=_first(line, options.agents * 0.9),
        back=_first(line, options.agents),
        connections=options.agents,
        worst_second=max(shares),
        worst_ten=max(sum(shares[at : at + _WINDOW]) / _WINDOW for at in range(max(1, len(shares) - _WINDOW + 1))),
        broker_seconds=sum(shares),
        broker_mib=memory(central.broker.pid).resident,
        before_mib=before,
        ingest_mib=memory(central.ingests[0].pid).resident,
        steady_broker=steady[0],
        steady_ingest=steady[1],
    )


def _wait_for_all(fleet: Fleet, options: argparse.Namespace, what: str) -> None:
    deadline = time.monotonic() + 600
    while (there := fleet.connected()) < options.agents:
        say(f"{what}: {there} of {options.agents}")
        if time.monotonic() > deadline:
            raise SystemExit(f"only {there} of {options.agents} ever connected")
        time.sleep(2.0)


def _steady(measured: list[Part]) -> list[float]:
    """Shares of a core over half a minute in which nothing happens."""
    before = [work(part.pid).seconds for part in measured]
    begun = time.monotonic()
    time.sleep(_STEADY_SECONDS)
    took = time.monotonic() - begun
    return [(work(part.pid).seconds - one) / took for part, one in zip(measured, before, strict=True)]


def _watch(fleet: Fleet, broker: Part, begin: float, options: argparse.Namespace) -> list[float]:
    """The broker's share of a core in each second until all are back, and for ten seconds more."""
    shares = []
    last, until = work(broker.pid).seconds, begin + options.limit
    back = False
    mark = begin
    shares.append(last)  # since its start, which was a moment ago
    while time.monotonic() < until:
        mark += 1.0
        time.sleep(max(0.0, mark - time.monotonic()))
        now = work(broker.pid).seconds
        shares.append(now - last)
        last = now
        there = fleet.connected() if time.monotonic() - begin > 1 else 0
        say(f"{there} of {options.agents} are back after {time.monotonic() - begin:.0f} s")
        if there >= options.agents and not back:
            back, until = True, min(until, time.monotonic() + 10.0)
    return shares


def _first(line: list[tuple[float, int]], count: float) -> float | None:
    """When so many are connected and, for all, stay: the first moment after the last one below."""
    below = [at for at, there in line if there < count]
    if not below:
        return line[0][0] if line else None
    return None if below[-1] == line[-1][0] else below[-1] + 0.5


def _report(one: Result, options: argparse.Namespace) -> int:
    in_time, at_ease = one.met
    for name, text in (
        ("half are back", _seconds(one.half)),
        ("nine of ten are back", _seconds(one.most)),
        ("all are back", _seconds(one.back)),
        ("broker, worst second", f"{100 * one.worst_second:.0f} % of a core"),
        ("broker, worst 10 s", f"{100 * one.worst_ten:.0f} % of a core"),
        ("broker, an agent's return", f"{1000 * one.per_connection:.1f} ms"),
        ("broker, before", f"{100 * one.steady_broker:.1f} % of a core"),
        ("ingest, before", f"{100 * one.steady_ingest:.1f} % of a core"),
        ("broker, memory", f"{one.broker_mib:.0f} MiB, {one.before_mib:.0f} before"),
        ("ingest, memory", f"{one.ingest_mib:.0f} MiB"),
    ):
        print(f"{name:<28}{text}")
    print(f"bar {'met' if in_time else 'NOT met'}: all of {one.agents} back after {_seconds(one.back)} of "
          f"{BACK_BAR_SECONDS:.0f} s.")  # fmt: skip
    print(f"bar {'met' if at_ease else 'NOT met'}: broker {100 * one.worst_ten:.0f} of {100 * CORE_BAR:.0f} % of a "
          f"core in its worst 10 s.")  # fmt: skip
    need_seconds = _COUNTRY * one.per_connection
    share, wait = 100 * need_seconds / _FIRST_WAIT_SECONDS, need_seconds / CORE_BAR
    print(f"{_COUNTRY:,} agents, computed: {need_seconds:.0f} s of one core. Over {_FIRST_WAIT_SECONDS:.0f} s, as they "
          f"come, it is {share:.0f} %; for {100 * CORE_BAR:.0f} % it takes {wait:.0f} s.")  # fmt: skip
    print(NOTES)
    print(json.dumps({
        "bench": "storm", "met": in_time and at_ease, "away_seconds": options.away,
        "per_connection_ms": round(1000 * one.per_connection, 2), **msgspec.to_builtins(one),
        "machine": f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}",
    }))  # fmt: skip
    return 0 if in_time and at_ease else 1


def _seconds(value: float | None) -> str:
    return "not in this run" if value is None else f"{value:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
