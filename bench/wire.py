"""Bytes a month on the line of a centre: 150 series each 30 s, TLS on, beside three other ways for the same series.

Ours is the product's outbox and uplink through a counting line to the shipped broker (mutual TLS), the real ingest and
a real store. Time is compressed by one factor: ticks, batches, keepalive, hold and resend all divided by it, the
readings' own times not, so that every message has the content and the order it would have; only the waiting is short.
Three phases: steady; with reconnects; with urgent states. What a reconnect or a state costs is what its phase had above
the steady rate. Exit code 0 if both bars are met, 1 if not.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.snapshot import Snapshot
from agent.web import Site, serve
from bench.measure.central_side import CentralSide
from bench.measure.packages import need, version
from bench.measure.readings import INTERVAL, LANES, SERIES, changing, readings
from bench.measure.sender import Sender
from bench.peers.wire import PACKAGES, AgentMode, Collectd, Scrape, Way
from central.simulate.centre import make_centre
from stage.line import Carried

BAR_MB, METERED_BAR_MB = 30.0, 20.0
_MONTH_SECONDS = 30 * 86_400.0
_RECONNECTS, _URGENT = 10 * 30, 100 * 30
_CUTS, _FLIPS = 6, 24
_WHOLE_SECONDS = 600.0
"""A phase holds this many times over whole batches of every profile."""
_PROFILES = (("120 s batches", 120.0, 150.0, False), ("metered, 300 s", 300.0, 330.0, False),
             ("120 s, were it one lane", 120.0, 150.0, True))  # fmt: skip
NOTES = """\
Bytes: payload of TCP and 52 a segment (TCP_INFO, segments of 1,448), UDP 28 a packet. Month of 30 days, 1 MB = 10^6 B.
Ours holds acknowledgements, pings if any, {reconnects} reconnects and {urgent} urgent states a month, schemas with
every connection. {changing:.0f} of {series} series change from tick to tick, in {lanes} lanes as the daemon has them.
Not like for like: scrape and remote write have no TLS and no reconnects here; collectd's packets are not acknowledged
and not sent again; only ours keeps what the line did not take. A scrape needs a way in (a VPN, not counted)."""


class Row(Struct, frozen=True):
    """MB a month, and what they are made of."""

    name: str
    steady: float
    reconnects: float = 0.0
    urgent: float = 0.0
    segments_a_minute: float = 0.0

    @property
    def total(self) -> float:
        """All in."""
        return self.steady + self.reconnects + self.urgent


class Phase(Struct, frozen=True):
    """What each way carried in so many seconds of real time."""

    seconds: float
    carried: dict[str, Carried]


def main() -> int:
    options = _options()
    need(("mosquitto", "victoria-metrics", *PACKAGES))
    with tempfile.TemporaryDirectory(prefix="bench-wire-") as scratch, ExitStack() as stack:
        rows = _Run(Path(scratch), options, stack).measure()
    return _report(rows, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench wire", description="Bytes a month on the line of a centre.")
    parser.add_argument("--factor", type=float, default=20.0, help="of compressed time")
    parser.add_argument("--seconds", type=float, default=120.0, help="length of a phase, in real time; made whole")
    return parser.parse_args()


class _Run:
    """Senders and peers on one clock."""

    def __init__(self, directory: Path, options: argparse.Namespace, stack: ExitStack) -> None:
        self._factor: float = options.factor
        self._seconds = _WHOLE_SECONDS / self._factor * max(1, round(options.seconds * self._factor / _WHOLE_SECONDS))
        self._centre = make_centre(1, 1)
        self._begun = time.time()
        self._virtual = self._begun - self._factor * (3 * self._seconds + 60)
        self._snapshot = Snapshot(clock=self._now)
        self._stopping = threading.Event()
        centres = [f"PK-PB-{number:05}" for number in range(1, len(_PROFILES) + 1)]
        central = stack.enter_context(
            CentralSide(directory / "ours", "victoria-metrics", centres, hold_seconds=45 / self._factor).running()
        )
        self._senders = [
            stack.enter_context(
                Sender(name, directory, central, centre, self._factor, batch, keepalive, one_lane=one_lane).running()
            )
            for centre, (name, batch, keepalive, one_lane) in zip(centres, _PROFILES, strict=True)
        ]
        site = Site(self._centre.id, self._snapshot, lambda: {"ok": True, "problems": []}, simulated=True)
        store = int(central.url.rpartition(":")[2])
        page = serve(site, "127.0.0.1", 0).server_port
        interval = INTERVAL / self._factor
        self._peers: list[Way] = [
            stack.enter_context(Scrape(directory / "scrape", page, interval).running()),
            stack.enter_context(AgentMode(directory / "mode", page, store, interval, self._factor).running()),
            stack.enter_context(Collectd(directory / "collectd", self._centre.id, interval).running()),
        ]
        ticking = threading.Thread(target=self._tick, daemon=True)
        ticking.start()
        stack.callback(ticking.join)
        stack.callback(self._stopping.set)

    def measure(self) -> list[Row]:
        """The phases, and their rows."""
        self._wait(2 * _WHOLE_SECONDS / self._factor, "warming up")
        steady = self._phase("steady", Sender.carried, 0)
        cut = self._phase("reconnects", lambda one: one.line.cut(), _CUTS)
        told = self._phase("urgent states", Sender.flip, _FLIPS)
        ours = [self._row(one.name, steady, cut, told) for one in self._senders]
        return [*ours, *(self._row(one.name, steady, None, None) for one in self._peers)]

    def _row(self, name: str, steady: Phase, cut: Phase | None, told: Phase | None) -> Row:
        rate = steady.carried[name].total / steady.seconds
        month = rate * _MONTH_SECONDS / self._factor
        minutes = steady.seconds * self._factor / 60

        def above(phase: Phase | None, count: int, often: int) -> float:
            if phase is None:
                return 0.0
            return often * max(0.0, phase.carried[name].total - rate * phase.seconds) / count / 1e6

        return Row(
            name, month / 1e6, above(cut, _CUTS, _RECONNECTS), above(told, _FLIPS, _URGENT),
            steady.carried[name].segments / minutes,
        )  # fmt: skip

    def _phase(self, what: str, act: Callable[[Sender], object], count: int) -> Phase:
        """`count` times `act` on each sender, spread over the phase; its last part is left in peace."""
        begun, before = time.monotonic(), self._carried()
        every = 0.9 * self._seconds / max(1, count)
        for number in range(count):
            self._wait(begun + every * number + 0.5 * every - time.monotonic(), what)
            for one in self._senders:
                act(one)
        self._wait(begun + self._seconds - time.monotonic(), what)
        after = self._carried()
        took = time.monotonic() - begun
        return Phase(took, {name: after[name].plus(before[name], -1) for name in after})

    def _carried(self) -> dict[str, Carried]:
        ours = {one.name: one.carried() for one in self._senders}
        return ours | {one.name: one.carried() for one in self._peers}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._virtual + (time.time() - self._begun) * self._factor, UTC)

    def _tick(self) -> None:
        number = 0
        while not self._stopping.wait(max(0.0, self._begun + number * INTERVAL / self._factor - time.time())):
            at = self._virtual + number * INTERVAL
            found = readings(self._centre, at, 3600 + number * INTERVAL)
            for lane, values in found.items():
                self._snapshot.put(lane, values, at_least_seconds=2.5 * INTERVAL)
            for one in self._senders:
                one.take(found, self._snapshot)
            for peer in self._peers:
                peer.take(value for lane in found.values() for value in lane)
            number += 1

    def _wait(self, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            _say(f"{what}, {left:.0f} s left")
            time.sleep(min(left, 2.0))


def _report(rows: list[Row], options: argparse.Namespace) -> int:
    print(f"{'MB a month':<34}{'all in':>9}{'steady':>9}{'reconn.':>9}{'urgent':>9}{'segments/min':>14}{'ours is':>12}")
    first = rows[0]
    for row in rows:
        ratio = "" if row is first else f"{row.total / first.total:>9.2f}x less"
        print(f"{row.name:<34}{row.total:>9.1f}{row.steady:>9.1f}{row.reconnects:>9.1f}{row.urgent:>9.1f}"
              f"{row.segments_a_minute:>14.1f}{ratio}")  # fmt: skip
    verdicts = {"120 s": (rows[0], BAR_MB), "metered": (rows[1], METERED_BAR_MB)}
    for name, (row, bar) in verdicts.items():
        print(f"bar {'met' if row.total <= bar else 'NOT met'}: {name}: {row.total:.1f} of {bar:.0f} MB a month.")
    print(NOTES.format(
        reconnects=_RECONNECTS, urgent=_URGENT, series=SERIES, lanes=len(set(LANES.values())),
        changing=changing(make_centre(1, 1), 1_760_000_000.0),
    ))  # fmt: skip
    met = all(row.total <= bar for row, bar in verdicts.values())
    print(json.dumps({
        "bench": "wire", "met": met, "factor": options.factor, "seconds": options.seconds,
        "rows": [{**msgspec.to_builtins(row), "total": round(row.total, 2)} for row in rows],
        "machine": f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}",
        "versions": {name: version(name) for name in ("mosquitto", *PACKAGES)},
    }))  # fmt: skip
    return 0 if met else 1


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
