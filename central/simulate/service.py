"""`simulate`: N centres, past first if asked, then tick by tick, with faults and progress."""

import csv
import random
import sys
import time
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from central.simulate.centre import FAULTS, Centre, Fault, active, make_centre, tick
from central.simulate.sender import Sender
from telemetry import catalogue as names
from telemetry.errors import ConfigError
from telemetry.reading import Series
from telemetry.wire import (
    Batch,
    Schema,
    encode_batch,
    encode_schema,
    make_schema,
    samples_topic,
    scaled,
    schema_topic,
    state_topic,
    unscaled,
)

_HISTORY_TICKS = 10
_MAX_BODY = 15_000


class _Faults(Struct, forbid_unknown_fields=True):
    fault: tuple[Fault, ...] = ()


def read_faults(file: Path) -> tuple[Fault, ...]:
    """[[fault]] tables; raises ConfigError."""
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _Faults).fault
    except (OSError, ValueError, RecursionError) as problem:
        if not isinstance(problem, msgspec.ValidationError):
            raise ConfigError(file, "$", str(problem)) from problem
        what, _, where = str(problem).partition(" - at `")
        raise ConfigError(file, where.rstrip("`") or "$", what) from problem
    for number, fault in enumerate(found):
        if fault.kind not in FAULTS:
            raise ConfigError(file, f"$.fault[{number}].kind", repr(fault.kind), ", ".join(FAULTS))
    return found


class Simulation:
    """The fleet and its clock."""

    def __init__(self, arguments: Namespace, host: str, port: int) -> None:
        self._interval: float = arguments.interval
        self._history: float = arguments.history
        self._seconds: float = arguments.seconds
        self._faults = read_faults(Path(arguments.faults)) if arguments.faults else ()
        self._centres = [make_centre(number, arguments.seed) for number in range(1, arguments.centres + 1)]
        self._epoch = random.getrandbits(32)
        self._seqs = dict.fromkeys((centre.id for centre in self._centres), 0)
        self._schemas: dict[str, Schema] = {}
        self._offline: set[str] = set()
        self._told: dict[str, frozenset[str]] = {}
        self._sender = Sender(host, port)
        self._sent = 0

    def run(self) -> None:
        """Until Ctrl-C, or `--for` seconds."""
        begun = time.time()
        try:
            self._send_history(begun)
            while not self._seconds or time.time() - begun < self._seconds:
                started = time.time()
                self._send_round(started, begun)
                self._progress(f"{len(self._centres)} centres, live")
                time.sleep(max(0.0, self._interval - (time.time() - started)))
        finally:
            self._sender.close()
            self._progress("done", last=True)

    def _send_history(self, now: float) -> None:
        ticks = int(self._history // self._interval)
        for first in range(ticks, 0, -_HISTORY_TICKS):
            times = [now - self._interval * back for back in range(first, max(0, first - _HISTORY_TICKS), -1)]
            for centre in self._centres:
                self._send(centre, [(at, self._values(centre, at, now, frozenset())) for at in times])
            self._progress(f"{len(self._centres)} centres, past {100 * (ticks - first) // ticks} %")

    def _send_round(self, at: float, begun: float) -> None:
        for centre in self._centres:
            faults = active(self._faults, centre, at - begun)
            self._tell_online(centre, at, offline="offline" in faults)
            if "offline" in faults:
                continue
            values = self._values(centre, at, begun, faults)
            self._send(centre, [(at, values)])
            self._tell_state(centre, at, values, faults)

    def _values(self, centre: Centre, at: float, begun: float, faults: frozenset[str]) -> dict[Series, float]:
        return tick(centre, at, faults, since_start=at - begun + self._history)

    def _send(self, centre: Centre, ticks: list[tuple[float, dict[Series, float]]]) -> None:
        schema = self._schema(centre, ticks)
        self._seqs[centre.id] += 1
        columns = [
            [None if one not in values else scaled(values[one], one.metric.scale) for _, values in ticks]
            for one in schema.series
        ]
        times = tuple(int(at * 1000) for at, _ in ticks)
        body = encode_batch(schema, Batch(self._epoch, self._seqs[centre.id], times, tuple(columns)))
        if len(body) > _MAX_BODY and len(ticks) > 1:
            half = len(ticks) // 2
            self._send(centre, ticks[:half])
            self._send(centre, ticks[half:])
            return
        self._sender.send(samples_topic(centre.id), body)
        self._sent += 1

    def _schema(self, centre: Centre, ticks: list[tuple[float, dict[Series, float]]]) -> Schema:
        known = self._schemas.get(centre.id)
        wanted = dict.fromkeys(known.series if known else ())
        for _, values in ticks:
            wanted.update(dict.fromkeys(values))
        if known is not None and len(wanted) == len(known.series):
            return known
        schema = self._schemas[centre.id] = make_schema(tuple(wanted))
        self._sender.send(schema_topic(centre.id, schema.sid), encode_schema(schema), retain=True)
        return schema

    def _tell_online(self, centre: Centre, at: float, *, offline: bool) -> None:
        if offline == (centre.id in self._offline) and centre.id in self._told:
            return
        (self._offline.add if offline else self._offline.discard)(centre.id)
        self._told.setdefault(centre.id, frozenset())
        state: dict[str, Any] = {"v": 1, "ts": int(at * 1000), "online": not offline}
        if offline:
            state["cause"] = "lost"
        self._state(centre, "online", state)

    def _tell_state(self, centre: Centre, at: float, values: dict[Series, float], faults: frozenset[str]) -> None:
        if self._told.get(centre.id) == faults and self._seqs[centre.id] > 1:
            return
        self._told[centre.id] = faults
        for name, state in _states(int(at * 1000), values):
            self._state(centre, name, state)

    def _state(self, centre: Centre, name: str, state: dict[str, Any]) -> None:
        self._sender.send(state_topic(centre.id, name), msgspec.json.encode(state), retain=True)

    def _progress(self, what: str, *, last: bool = False) -> None:
        line = f"{what}: {self._sent} batches sent, {self._sender.acknowledged} acknowledged"
        if self._sender.rejected:
            line += f", {self._sender.rejected} rejected"
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="\n" if last else "", file=sys.stderr, flush=True)
        elif last:
            print(line, file=sys.stderr)


def _states(ts: int, values: dict[Series, float]) -> Iterator[tuple[str, dict[str, Any]]]:
    found = {
        (one.metric, one.labels): unscaled(scaled(v, one.metric.scale), one.metric.scale) for one, v in values.items()
    }
    card: dict[str, Any] = {"up": found[names.UPS_UP, ("rack",)] == 1}
    status = next((key[1][1] for key, value in found.items() if key[0] is names.UPS_STATUS and value), None)
    if status:
        card |= {
            "status": status,
            "charge_ratio": found[names.UPS_CHARGE, ("rack",)],
            "runtime_seconds": found[names.UPS_RUNTIME, ("rack",)],
        }
    mains = {"printer": {"up": found[names.MAINS_UP, ("printer",)] == 1}}
    yield "power", {"v": 1, "ts": ts, "ups": {"rack": card}, "mains": mains}
    fault = next((key[1][1] for key, value in found.items() if key[0] is names.NET_FAULT and value), None)
    line = {"up": found[names.NET_UP, ("wan",)] == 1, "fault": fault}
    yield "internet", {"v": 1, "ts": ts, "uplinks": {"wan": line}}


def write_registry(file: Path, count: int, seed: int) -> None:
    """The CSV of the simulated centres, for `centres import`; the technicians are made up."""
    from central.registry import COLUMNS

    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for number in range(1, count + 1):
            one = make_centre(number, seed)
            technician = f"Technician {number}|en|sms:+92300{number:07}"
            writer.writerow(
                [
                    one.id,
                    one.name,
                    one.province,
                    one.district,
                    one.isp,
                    one.feeder,
                    *one.plan_mbps,
                    "09:00-21:00",
                    technician,
                ]
            )
