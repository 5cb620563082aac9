"""What the stores cost: disk a sample, memory a series, processor time a sample; the input of docs/sizing.md.

Prometheus and VictoriaMetrics get the same write requests, made by ingest's own code: first one day of a few centres
(disk, after the store has written everything and merged), then a few ticks of many (memory and time of new series).
No bar: figures.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.measure.packages import need, version
from bench.measure.processes import memory, work
from bench.measure.progress import say
from bench.measure.readings import INTERVAL, SERIES, readings
from central.config import Store as StoreConfig
from central.ingest import protobuf
from central.ingest.admit import series_labels
from central.ingest.store import Store
from central.simulate.centre import make_centre
from stage import parts
from stage.process import Part
from telemetry.wire import epoch_ms, scaled, unscaled

_TICKS_A_POST = 4
_FEW_TICKS = 4


class Row(Struct, frozen=True):
    """Bytes a sample on disk, KiB of memory a series, microseconds a sample: of a known series, and with the index."""

    store: str
    disk: float
    memory: float
    known: float
    new: float


def main() -> int:
    options = _options()
    need(("prometheus", "victoria-metrics"))
    rows = [_measure(name, options) for name in ("prometheus", "victoria-metrics")]
    print(f"{'':<20}{'B/sample on disk':>18}{'KiB/series':>12}{'us/sample':>11}{'us/sample, new series':>23}")
    for row in rows:
        print(f"{row.store:<20}{row.disk:>18.2f}{row.memory:>12.2f}{row.known:>11.1f}{row.new:>23.1f}")
    print(f"Disk: {options.days:g} days of {options.centres} centres, all but what Prometheus still keeps in its head "
          f"and log. Memory: {options.many} centres of {SERIES} series, {_FEW_TICKS} ticks.")  # fmt: skip
    print(json.dumps({
        "bench": "store", "rows": [msgspec.to_builtins(row) for row in rows], "days": options.days,
        "centres": options.centres, "many": options.many,
        "machine": f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}",
        "versions": {name: version(name) for name in ("prometheus", "victoria-metrics")},
    }))  # fmt: skip
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench store", description="Disk, memory and time of the stores.")
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--centres", type=int, default=10, help="for the disk")
    parser.add_argument("--many", type=int, default=1000, help="centres, for the memory")
    return parser.parse_args()


def _measure(name: str, options: argparse.Namespace) -> Row:
    disk, known = _disk(name, options)
    kib, new = _memory(name, options)
    return Row(name, disk, kib, known, new)


def _disk(name: str, options: argparse.Namespace) -> tuple[float, float]:
    """Bytes a sample, microseconds a sample."""
    ticks = int(86_400 * options.days / INTERVAL)
    begin = time.time() - ticks * INTERVAL - 3 * 3600
    with tempfile.TemporaryDirectory(prefix="bench-store-") as scratch:
        part, url = _part(name, Path(scratch))
        with part:
            seconds = samples = 0.0
            for first in range(0, ticks, _TICKS_A_POST):
                moments = [begin + number * INTERVAL for number in range(first, min(ticks, first + _TICKS_A_POST))]
                for centre in range(1, options.centres + 1):
                    seconds += _post(url, part.pid, _request(centre, moments))
                    samples += len(moments) * SERIES
                say(f"{name}: {100 * first // ticks} % of {options.days:g} days")
            return _settled(name, url, Path(scratch) / "data", samples), 1e6 * seconds / samples


def _memory(name: str, options: argparse.Namespace) -> tuple[float, float]:
    """KiB of resident memory a series, microseconds a sample."""
    now = time.time() - _FEW_TICKS * INTERVAL
    with tempfile.TemporaryDirectory(prefix="bench-store-") as scratch:
        part, url = _part(name, Path(scratch))
        with part:
            empty = memory(part.pid).resident
            seconds = 0.0
            for centre in range(1, options.many + 1):
                seconds += _post(url, part.pid, _request(centre, [now + k * INTERVAL for k in range(_FEW_TICKS)]))
            grown = memory(part.pid).resident - empty
            series = options.many * SERIES
            return 1024 * grown / series, 1e6 * seconds / (series * _FEW_TICKS)


def _part(name: str, directory: Path) -> tuple[Part, str]:
    return (parts.prometheus if name == "prometheus" else parts.victoria_metrics)(directory)


def _request(number: int, moments: list[float]) -> bytes:
    """The write request that ingest would make of these ticks of one centre."""
    centre = make_centre(number, 1)
    rows: dict[bytes, tuple[list[float], list[int]]] = {}
    for at in moments:
        for lane in readings(centre, at, at - 1_700_000_000).values():
            for one in lane:
                labels = series_labels(one.metric.name, one.series.label_map(), centre.id)
                values, times = rows.setdefault(labels, ([], []))
                values.append(unscaled(scaled(one.value, one.metric.scale), one.metric.scale))
                times.append(epoch_ms(one.at))
    return protobuf.compressed(list(_series(rows)))


def _series(rows: dict[bytes, tuple[list[float], list[int]]]) -> Iterator[bytes]:
    for labels, (values, times) in rows.items():
        yield protobuf.series(labels, values, protobuf.stamps(times))


def _post(url: str, pid: int, body: bytes) -> float:
    """Processor seconds of the store."""
    before = work(pid).seconds
    verdict = Store(StoreConfig(url=url)).write(body)
    if verdict != "stored":
        raise SystemExit(f"the store says {verdict}")
    return work(pid).seconds - before


def _settled(name: str, url: str, data: Path, samples: float) -> float:
    """Bytes a sample once everything is written and merged; Prometheus: of its finished blocks."""
    if name == "prometheus":
        return _blocks(data)
    for path in ("/internal/force_flush", "/internal/force_merge"):
        urllib.request.urlopen(url + path, timeout=300).close()
    size = -1
    while size != (now := _size(data)):
        size = now
        time.sleep(5.0)
    return size / samples


def _blocks(data: Path) -> float:
    """Wait until the head has been cut; chunks and index of the blocks over the samples in them."""
    deadline = time.monotonic() + 240
    size = -1
    while time.monotonic() < deadline and (size != (now := _size(data)) or not list(data.glob("*/meta.json"))):
        size = now
        say("prometheus: waiting for its blocks")
        time.sleep(20.0)
    found = [json.loads(file.read_text())["stats"]["numSamples"] for file in data.glob("*/meta.json")]
    blocks = sum(_size(file.parent) for file in data.glob("*/meta.json"))
    return blocks / sum(found) if found else float("nan")


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


if __name__ == "__main__":
    sys.exit(main())
