"""docs/sizing.md: what 100, 1,000 and 10,000 centres need, computed from the figures that the benches print.

python -m scripts.sizing            writes it
python -m scripts.sizing --check    exits 1 if the committed one differs
"""

import math
import sys

from msgspec import Struct

from scripts.generated import write_or_check
from stage.parts import ROOT

FILE = ROOT / "docs/sizing.md"
CENTRES = (100, 1_000, 10_000)
SERIES, TICK_SECONDS, BATCH_SECONDS, LANES = 150, 30.0, 120.0, 5
BUSY = 0.5
"""A process is planned for half of a core, and a machine for half of its memory."""
_DAY, _MONTH = 86_400.0, 30 * 86_400.0


class Figure(Struct, frozen=True):
    """A measured number, its unit, and the command that prints it."""

    value: float
    unit: str
    command: str


BROKER_RETURN = Figure(2.05, "ms of a core for one agent's return", "scripts/bench storm")
BROKER_STEADY = Figure(0.25, "% of a core, 1,000 agents", "scripts/bench storm")
BROKER_CONNECTION = Figure(41.3, "KiB a TLS connection", "scripts/bench storm, 1,000 agents less 100")
INGEST_STEADY = Figure(1.44, "% of a core, 1,000 agents, one tick a batch", "scripts/bench storm")
INGEST_CENTRE = Figure(27.5, "KiB a centre: the labels of 150 series", "scripts/bench storm, 1,000 agents less 100")
INGEST_RATE = Figure(2_342_492, "samples a second and core, without MQTT", "scripts/bench ingest")
LINE = Figure(27.6, "MB a month and centre", "scripts/bench wire")
VM_DISK = Figure(0.31, "B a sample", "scripts/bench store")
VM_MEMORY = Figure(0.81, "KiB a series", "scripts/bench store")
VM_TIME = Figure(0.8, "us a sample", "scripts/bench store")
PROMETHEUS_DISK = Figure(2.39, "B a sample", "scripts/bench store")
PROMETHEUS_MEMORY = Figure(1.45, "KiB a series", "scripts/bench store")
PROMETHEUS_TIME = Figure(2.1, "us a sample", "scripts/bench store")
INGEST_BASE_MIB = 50
"""Without a centre."""
BACKLOG_FACTOR = 4.0
"""Queries, merges and a country that comes back: what a store needs above taking new samples."""


def page() -> str:
    """The whole file."""
    figures = [(name, one) for name, one in globals().items() if isinstance(one, Figure)]
    parts = [HEAD, _table(), TAIL, "| figure | seen | command |\n|---|---|---|\n"]
    parts += [f"| {_spelt(name)} | {one.value:,} {one.unit} | `{one.command}` |\n" for name, one in figures]
    return "".join(parts)


def _table() -> str:
    columns = [_column(centres) for centres in CENTRES]
    head = (
        "| | " + " | ".join(f"{centres:,} centres" for centres in CENTRES) + " |\n|---|" + "---|" * len(CENTRES) + "\n"
    )
    return head + "".join(f"| {name} | " + " | ".join(one[name] for one in columns) + " |\n" for name in columns[0])


def _column(centres: int) -> dict[str, str]:
    series = centres * SERIES
    rate = series / TICK_SECONDS
    thousand = centres / 1_000
    storm = centres * BROKER_RETURN.value / 1_000
    ingest = thousand * INGEST_STEADY.value / 100 + rate / INGEST_RATE.value
    return {
        "series": f"{series:,}",
        "samples a second": f"{rate:,.0f}",
        "messages a second": f"{centres / BATCH_SECONDS:,.1f}",
        "line into the capital, average": f"{8 * centres * LINE.value / _MONTH:.2f} Mbit/s",
        "broker: processor, a quiet day": f"{thousand * BROKER_STEADY.value:.1f} % of a core",
        "broker: memory": f"{10 + centres * BROKER_CONNECTION.value / 1024:.0f} MiB",
        "broker: a country's return, core seconds": f"{storm:.1f} s",
        "broker: shortest spread of the return for 60 % of a core": f"{storm / 0.6:.0f} s",
        "ingest: processes": f"{max(1, math.ceil(ingest / BUSY))} ({100 * ingest:.0f} % of a core in all)",
        "ingest: memory of each": f"{INGEST_BASE_MIB + centres * INGEST_CENTRE.value / 1024:.0f} MiB",
        "VictoriaMetrics: processor": _core(rate, VM_TIME),
        "VictoriaMetrics: memory": _memory(series, VM_MEMORY),
        "VictoriaMetrics: disk": _disk(rate, VM_DISK),
        "Prometheus: processor": _core(rate, PROMETHEUS_TIME),
        "Prometheus: memory": _memory(series, PROMETHEUS_MEMORY),
        "Prometheus: disk": _disk(rate, PROMETHEUS_DISK),
    }


def _core(rate: float, time: Figure) -> str:
    cores = rate * time.value / 1e6
    return f"{100 * cores:.1f} % of a core; plan {max(1, math.ceil(BACKLOG_FACTOR * cores / BUSY))}"


def _memory(series: int, memory: Figure) -> str:
    gib = series * memory.value / 2**20
    used = f"{gib:.1f} GiB" if gib >= 1 else f"{1024 * gib:.0f} MiB"
    return f"{used}; plan {max(1, math.ceil(gib / BUSY))} GiB"


def _disk(rate: float, disk: Figure) -> str:
    day = rate * _DAY * disk.value / 1e9
    return f"{day:.2f} GB a day, {365 * day:,.0f} a year"


def _spelt(name: str) -> str:
    return name.replace("_", " ").lower()


HEAD = f"""# Sizing

Computed by `python -m scripts.sizing` from measured figures (below); nothing of it was measured at these sizes but the
1,000 connections of the storm. {SERIES} series a centre each {TICK_SECONDS:.0f} s, batches of {BATCH_SECONDS:.0f} s in
{LANES} lanes. "plan" keeps half of a core and half of the memory free, and gives a store {BACKLOG_FACTOR:.0f} times the
processor that new samples take.

"""
TAIL = """
What follows from it:

- **100 centres**: one machine of 2 cores and 4 GB, everything of deploy/central/compose.yaml on it.
- **1,000 centres**: one machine of 4 cores and 8 GB.
- **10,000 centres**: broker and ingest on one machine, the store on another; a second broker and a cluster of stores
  are a matter of not depending on one machine, not of load (docs/scale-out.md). mosquitto is one thread: it must be
  sized for the return of the country, not for the day. `LimitNOFILE=65536`.
- Prometheus keeps two hours in memory before it writes a block. Its figure is of the first minutes: plan three times
  that.
- A second ingest from the first pilot on: not for load, but because either may then be restarted at any time.

The figures it is computed from:

"""


def main() -> int:
    """Write, or check."""
    return write_or_check(FILE, page(), "scripts.sizing")


if __name__ == "__main__":
    sys.exit(main())
