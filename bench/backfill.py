"""Three days without a line, then 256 kbit/s: is the present current at once, and the past there soon?

The backlog is made by the product's outbox under a clock of the past: a tick of 150 series each 30 s, in a lane a
collector as the daemon has them. Then the product's uplink sends it over mutual TLS through a line of that rate, both
ways, to the shipped broker, the real ingest and a real store, while new ticks come. Nothing is compressed in time.
Exit code 0 if both bars are met, 1 if not.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.clock import Clock as BoottimeClock
from agent.outbox import Outbox
from agent.uplink import Uplink
from bench.measure.central_side import CentralSide, uplink_config
from bench.measure.packages import need
from bench.measure.progress import say
from bench.measure.readings import INTERVAL, SERIES, readings
from central.simulate.centre import Centre, make_centre
from stage.line import Line

LIVE_BAR_SECONDS, BACKLOG_BAR_SECONDS = 120.0, 1800.0
_CURRENT_SECONDS = 150.0
"""A sample of the last batch period and tick: the best that batches of 120 s can do, and what a board shows."""
_LOOK_SECONDS = 5.0
_ONE_EACH = {
    "host/gateway": "centre_host_cpu_usage_ratio",
    "internet/wan": "centre_internet_up",
    "ups/rack": "centre_ups_battery_voltage_volts",
    "seats/map": 'centre_seats{space="lab-1",state="free"}',
    "agent/self": "centre_agent_build_info",
}
NOTES = """\
The line's rate counts TLS records with 52 bytes of header a segment; its delay is loopback's. Live is current when
every lane's newest sample in the store is at most {current:.0f} s old. Ingest holds each batch {hold:.0f} s, then
acknowledges."""


class Clock:
    """Wall and monotonic seconds of the past; moves when told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now


class Progress(Struct, frozen=True):
    """Seconds since the line came back; rows of the backlog not acknowledged; ages of the lanes' newest samples."""

    at: float
    rows: int
    ages: dict[str, float]

    @property
    def oldest(self) -> float:
        """The lane that is furthest behind."""
        return max(self.ages.values())


class Result(Struct, frozen=True):
    """Seconds from the line's return; None: not before the run ended."""

    rows: int
    ticks: int
    live: float | None
    first_live: float | None
    stored: float | None
    acknowledged: float | None
    ran: float
    rows_left: int
    worst_age: float
    bytes_up: int
    bytes_down: int

    @property
    def rows_a_minute(self) -> float:
        """Acknowledged."""
        return 60 * (self.rows - self.rows_left) / (self.acknowledged or self.ran)

    @property
    def backlog_seconds(self) -> float:
        """Measured, else at the rate seen."""
        return self.stored if self.stored is not None else 60 * self.rows / max(self.rows_a_minute, 1e-9)

    @property
    def met(self) -> tuple[bool, bool]:
        """Live, backlog."""
        return self.live is not None and self.live <= LIVE_BAR_SECONDS, self.backlog_seconds <= BACKLOG_BAR_SECONDS


def main() -> int:
    options = _options()
    need(("mosquitto", "prometheus", "victoria-metrics"))
    with tempfile.TemporaryDirectory(prefix="bench-backfill-") as scratch:
        result = Run(Path(scratch), options).measure()
    return _report(result, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench backfill", description="Live and backlog over a slow line.")
    parser.add_argument("--hours", type=float, default=72.0, help="of backlog")
    parser.add_argument("--kbit", type=float, default=256.0, help="kbit/s, each way")
    parser.add_argument("--hold", type=float, default=45.0, metavar="SECONDS", help="of ingest")
    parser.add_argument("--limit", type=float, default=45.0, metavar="MINUTES", help="then stop, and say the rate")
    parser.add_argument("--store", default="victoria-metrics", choices=["victoria-metrics", "prometheus"])
    return parser.parse_args()


class Run:
    """One centre and the central side."""

    def __init__(self, directory: Path, options: argparse.Namespace) -> None:
        self._centre: Centre = make_centre(1, 1)
        self._file = directory / "state/outbox.sqlite"
        self._hours: float = options.hours
        self._limit = 60.0 * options.limit
        self._rate = 1000 * options.kbit / 8
        self._central = CentralSide(directory, options.store, [self._centre.id], hold_seconds=options.hold)
        self._ticking = threading.Event()

    def measure(self) -> Result:
        """Make the backlog, let the line come back, watch."""
        begin = time.time() - 3600 * self._hours
        ticks = self._make_backlog(begin)
        outbox = Outbox(self._file)
        rows = self._rows_left(2**62)
        with self._central.running(), Line(self._central.port, up_rate=self._rate, down_rate=self._rate) as line:
            config = uplink_config(self._central.certificates, self._centre.id, line.port, connect_spread_seconds=0.0)
            uplink = Uplink(self._centre.id, config, outbox, "bench")
            ticker = threading.Thread(target=self._tick, args=(outbox, uplink, begin), daemon=True)
            uplink.start()
            ticker.start()
            try:
                seen, stored = self._watch(rows, ticks)
            finally:
                self._ticking.set()
                carried = line.carried()
                uplink.stop()
                ticker.join()
                outbox.close()
        return _result(rows, ticks, seen, stored, (carried.up, carried.down))

    def _make_backlog(self, begin: float) -> int:
        """Ticks from `begin` to now, each committed as the daemon does; how many."""
        clock = Clock(begin)
        known = BoottimeClock(wall=clock, boottime=clock, synchronised=lambda: True)
        outbox = Outbox(self._file, clock=known, monotonic=clock)
        count = int(3600 * self._hours / INTERVAL)
        for number in range(count):
            clock.now = begin + number * INTERVAL
            for lane, found in readings(self._centre, clock.now, 3600 + number * INTERVAL).items():
                outbox.append(lane, found)
            if number % 60 == 0:
                say(f"making the backlog, {100 * number // count} %")
        outbox.close()
        return count

    def _tick(self, outbox: Outbox, uplink: Uplink, begin: float) -> None:
        """The present goes on."""
        while not self._ticking.is_set():
            now = time.time()
            for lane, found in readings(self._centre, now, 3600 + now - begin).items():
                outbox.append(lane, found)
            uplink.wake()
            self._ticking.wait(INTERVAL - (time.time() - now))

    def _watch(self, rows: int, ticks: int) -> tuple[list[Progress], float | None]:
        """Look until the backlog is stored and acknowledged, or the limit."""
        begun = time.time()
        last = self._last_row()
        seen: list[Progress] = []
        stored: float | None = None
        while True:
            at = time.time() - begun
            seen.append(Progress(at, self._rows_left(last), self._ages(begun - 3600 * self._hours)))
            if stored is None and self._stored(begun) >= ticks * len(_ONE_EACH):
                stored = at
            now = seen[-1]
            say(f"{at:.0f} s: {rows - now.rows} of {rows} rows acknowledged, oldest lane {now.oldest:.0f} s behind")
            if at > self._limit or (now.rows == 0 and stored is not None):
                return seen, stored
            time.sleep(_LOOK_SECONDS)

    def _ages(self, beginning: float) -> dict[str, float]:
        """Seconds by which each lane is behind in the store; since `beginning` if it has nothing of ten minutes."""
        return {lane: time.time() - (self._newest(series) or beginning) for lane, series in _ONE_EACH.items()}

    def _newest(self, series: str) -> float | None:
        """The time of the newest sample of the last ten minutes."""
        answer = self._central.ask(f"{series}[10m]")
        return max((float(at) for one in answer for at, _ in one["values"]), default=None)

    def _stored(self, begun: float) -> int:
        """Ticks of the backlog that the store has, all lanes."""
        ago = max(1, round(time.time() - begun))
        span = round(3600 * self._hours) + 60
        total = 0
        for series in _ONE_EACH.values():
            answer = self._central.ask(f"count_over_time({series}[{span}s] offset {ago}s)")
            total += int(answer[0]["value"][1]) if answer else 0
        return total

    def _last_row(self) -> int:
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True) as db:
            found: int = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'batch'").fetchone()[0]
        db.close()
        return found

    def _rows_left(self, last: int) -> int:
        """Rows of the backlog on the disk."""
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True) as db:
            found: int = db.execute("SELECT count(*) FROM batch WHERE seq <= ?", (last,)).fetchone()[0]
        db.close()
        return found


def _result(rows: int, ticks: int, seen: list[Progress], stored: float | None, carried: tuple[int, int]) -> Result:
    live = [one for one in seen if one.oldest <= _CURRENT_SECONDS]
    some = [one for one in seen if min(one.ages.values()) <= _CURRENT_SECONDS]
    last = seen[-1]
    after = [one for one in seen if live and one.at > LIVE_BAR_SECONDS]
    return Result(
        rows=rows,
        ticks=ticks,
        live=live[0].at if live else None,
        first_live=some[0].at if some else None,
        stored=stored,
        acknowledged=next((one.at for one in seen if one.rows == 0), None),
        ran=last.at,
        rows_left=last.rows,
        worst_age=max((one.oldest for one in after), default=last.oldest),
        bytes_up=carried[0],
        bytes_down=carried[1],
    )


def _report(one: Result, options: argparse.Namespace) -> int:
    live, backlog = one.met
    print(f"{options.hours:.0f} h: {one.ticks} ticks of {SERIES} series in {len(_ONE_EACH)} lanes, {one.rows} rows; "
          f"{options.kbit:.0f} kbit/s each way, {options.store}")  # fmt: skip
    for name, seconds in (
        ("first lane current", one.first_live), ("every lane current", one.live), ("backlog in the store", one.stored),
        ("backlog acknowledged", one.acknowledged),
    ):  # fmt: skip
        print(f"{name:<24}{_seconds(seconds)}")
    print(f"{'rows a minute':<24}{one.rows_a_minute:.0f}")
    print(f"{'oldest lane after 2 min':<24}{one.worst_age:.0f} s behind at worst")
    print(f"{'line':<24}{one.bytes_up:,} B up, {one.bytes_down:,} B down, "
          f"{8 * one.bytes_up / one.ran / 1000:.1f} kbit/s up on average")  # fmt: skip
    print(f"bar {'met' if live else 'NOT met'}: live current {_seconds(one.live)} of {LIVE_BAR_SECONDS:.0f} s.")
    measured = "" if one.stored is not None else " (at the rate seen; not waited for)"
    print(f"bar {'met' if backlog else 'NOT met'}: backlog {one.backlog_seconds:.0f} of {BACKLOG_BAR_SECONDS:.0f} s"
          f"{measured}.")  # fmt: skip
    if options.hours < 72:
        whole = one.backlog_seconds * 72 / options.hours
        print(f"72 h at this rate: {whole:.0f} s, {whole / BACKLOG_BAR_SECONDS:.1f} times the bar.")
    print(NOTES.format(current=_CURRENT_SECONDS, hold=options.hold))
    print(json.dumps({
        "bench": "backfill", "met": live and backlog, "hours": options.hours, "kbit": options.kbit,
        "hold_seconds": options.hold, "store": options.store, "rows_a_minute": round(one.rows_a_minute, 1),
        "backlog_seconds": round(one.backlog_seconds), **msgspec.to_builtins(one),
        "machine": f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}",
    }))  # fmt: skip
    return 0 if live and backlog else 1


def _seconds(value: float | None) -> str:
    return "not in this run" if value is None else f"{value:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
