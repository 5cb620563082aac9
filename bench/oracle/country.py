"""A whole country on loopback: gateways in several processes, a line, broker, ingests, store; over mutual TLS."""

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from bench.measure.central_side import CentralSide
from bench.oracle.gateways import LANES
from bench.oracle.ledger import Ledger, Tick
from bench.oracle.witness import Witness
from bench.oracle.words import Plan
from stage import parts
from stage.line import Line
from stage.process import Part, wait_for
from telemetry.errors import Rejected
from telemetry.wire import parse_batch

FAKETIME = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "faketime/libfaketime.so.1"
METRIC = "centre_ups_battery_runtime_seconds"
_RANGE = "35h"


class Size(Struct, frozen=True):
    """Processes of gateways, centres in each, and the rhythm of a centre."""

    processes: int = 2
    centres: int = 15
    tick_seconds: float = 0.5
    batch_seconds: float = 1.8
    hold_seconds: float = 15.0


class Quarantined(Struct, frozen=True):
    """Messages; the values in those that can be read, by centre; the centres of those that cannot."""

    messages: int
    values: frozenset[tuple[str, int]]
    unreadable: frozenset[str]


class Gateways:
    """One process of gateways; the clock that it believes is chosen at each start."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan = plan
        self.directory = Path(plan.directory)
        self._file = self.directory / "plan.json"
        self._name = f"gateways-{number}"
        self._runs = 0
        self.directory.mkdir(parents=True)
        self._file.write_bytes(msgspec.json.encode(plan))
        self.part = self._part("")

    def start(self, clock: str = "") -> None:
        """Under a clock as faketime(1) spells it; the true one by default."""
        self.part = self._part(clock)
        self.part.start()

    def wait_until_up(self) -> None:
        """Until its gateways have begun."""
        ready = self.directory / "ready"
        wait_for(lambda: ready.exists() and ready.read_text() == str(self.part.pid), 60, f"{self._name} is not up")

    def quiet(self) -> None:
        """No more ticks; what is there is still sent."""
        self.wait_until_up()
        os.kill(self.part.pid, signal.SIGUSR1)

    def outboxes(self) -> list[Path]:
        """The files of its centres."""
        return sorted(self.directory.glob("*/outbox.sqlite"))

    def _part(self, clock: str) -> Part:
        """A run of its own number: no value of an earlier run is used again."""
        self._runs += 1
        words = ["bench.oracle.gateways", str(self._file), str(self._runs)]
        fake = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return parts.python(self._name, self.directory, words, environment=fake if clock else None)


class Country:
    """Start, kill, ask. `control`: the gateways believe the broker. `kills` counts every SIGKILL."""

    def __init__(self, directory: Path, store: str, size: Size, *, control: bool = False, ingests: int = 1) -> None:
        self.directory, self.size, self.kills = directory, size, 0
        centres = [f"PK-PB-{number:05}" for number in range(1, size.processes * size.centres + 1)]
        self.central = CentralSide(directory, store, centres, hold_seconds=size.hold_seconds, ingests=ingests)
        self.line = Line(self.central.port)
        self.ledger = Ledger(directory / "ledger")
        self.gateways = [
            Gateways(self._plan(centres[first :: size.processes], first, control=control), first)
            for first in range(size.processes)
        ]

    def _plan(self, centres: list[str], number: int, *, control: bool) -> Plan:
        return Plan(
            centres=tuple(centres),
            directory=str(self.directory / f"gateways-{number}"),
            ledger=str(self.ledger.path),
            broker_port=self.line.port,
            certificates=str(self.central.certificates),
            control=control,
            tick_seconds=self.size.tick_seconds,
            batch_seconds=self.size.batch_seconds,
            resend_seconds=self.size.hold_seconds + 8,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Everything started; everything stopped at the end."""
        self.ledger.start()
        try:
            with self.line, self.central.running():
                try:
                    for one in self.gateways:
                        one.start()
                    yield self
                finally:
                    for one in self.gateways:
                        one.part.stop(3)
        finally:
            self.ledger.stop()

    def kill(self, *killed: Part) -> None:
        """SIGKILL, counted."""
        for part in killed:
            part.kill()
            self.kills += 1

    def raise_the_dead(self) -> list[str]:
        """Start again what ended by itself, as systemd would; who that was, and its exit code."""
        central = [part for part in self.central.parts if _has_ended(part)]
        gateways = [one for one in self.gateways if _has_ended(one.part)]
        found = [
            f"{part.name} {part.process and part.process.returncode}"
            for part in (*central, *(one.part for one in gateways))
        ]
        for part in central:
            part.start()
        for one in gateways:
            one.start()
        return found

    def expire(self, gateways: Gateways, *, days: float) -> None:
        """New certificates for the centres of a process: negative days, and they have expired."""
        for centre in gateways.plan.centres:
            self.central.authority.client(centre, days=days)

    def stored(self) -> dict[tuple[str, str], list[tuple[int, int]]]:
        """(epoch ms, value) of every sample that the store holds, by centre and lane."""
        found: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for lane in LANES:
            for one in self.central.ask(f'{METRIC}{{ups="{lane}"}}[{_RANGE}]'):
                samples = [(round(float(at) * 1000), int(float(value))) for at, value in one["values"]]
                found[one["metric"]["centre"], lane] = samples
        return found

    def counts(self) -> dict[tuple[str, str], int]:
        """count_over_time of the same: what a board would show."""
        found = self.central.ask(f"count_over_time({METRIC}[{_RANGE}])")
        return {(one["metric"]["centre"], one["metric"]["ups"]): int(one["value"][1]) for one in found}

    def quarantine(self) -> Quarantined:
        """What ingest refused, counted and set aside."""
        values: set[tuple[str, int]] = set()
        unreadable: set[str] = set()
        files = [file for file in self.directory.glob("ingest-*/quarantine/*") if file.is_file()]
        for file in files:
            topic, _, body = file.read_bytes().partition(b"\n")
            centre = topic.decode().split("/")[1]
            try:
                columns = parse_batch(body).c
            except Rejected:
                unreadable.add(centre)
                continue
            for column in columns:
                deltas = column if isinstance(column, list) else [column]
                values |= {(centre, value) for value in accumulate(one for one in deltas if one is not None)}
        return Quarantined(len(files), frozenset(values), frozenset(unreadable))

    def waiting(self) -> int:
        """Rows in all outboxes that nobody has acknowledged."""
        return sum(_rows(file) for one in self.gateways for file in one.outboxes())

    def still_there(self) -> set[Tick]:
        """What a fresh look at the outboxes finds: late, not lost."""
        found: set[Tick] = set()
        for one in self.gateways:
            for file in one.outboxes():
                witness = Witness(file.parent.name, file)
                found |= {(seen.centre, seen.lane, seen.value) for seen in witness.look()}
                witness.close()
        return found


def _has_ended(part: Part) -> bool:
    return part.process is not None and part.process.poll() is not None


def _rows(file: Path) -> int:
    """None can be sent from a file that nobody can read."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as db:
            found: int = db.execute("SELECT count(*) FROM batch").fetchone()[0]
    except (sqlite3.Error, ValueError):  # ValueError: SQLite's own words about the damage are not UTF-8
        return 0
    return found
