"""How near the throughput test comes to the line, and what it costs, beside speedtest-cli, iperf3 and ten seconds.

On lines of known rate, delay and loss (bench/bed: three network namespaces; needs root), engines one
after the other, run by run. A cell in which iperf3 itself reads less than 0.95 is void: then this
machine, not the engine, is the limit. Exit code 0 if every bar is met, 1 if one is missed, 3 if none
is missed but a cell is void.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from bench.bed import bars, far_end
from bench.bed.bars import Run, Verdict
from bench.bed.cells import CELLS, Cell
from bench.bed.drills import bad_servers, drills
from bench.bed.engines import run
from bench.bed.line import PAYLOAD_SHARE, SERVER, Line
from bench.measure.packages import need
from bench.measure.progress import say

_PACKAGES = ("iproute2", "ethtool", "gcc", "nginx-light", "iperf3")
_FIT = 0.95
_DRILLS = "drills"
_BUCKET_FILLS_SECONDS = 2.0
_OTHERS_SECONDS = 2.0


def main() -> int:
    options = _options()
    if os.geteuid() != 0:
        raise SystemExit("bench internet makes network namespaces: run it as root")
    need(_PACKAGES)
    rows: dict[str, list[Run]] = {}
    verdicts: dict[str, list[Verdict]] = {}
    print(f"{_machine()}; far end sends by {options.far_end}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-internet-") as scratch, ExitStack() as stack:
        line = _line(Path(scratch), options.far_end, stack)
        for cell in _selected(options):
            rows[cell.name] = _runs(cell, line, max(1, round(options.runs * cell.runs_factor)))
            verdicts[cell.name] = _judge(cell, rows[cell.name])
            _print_cell(cell.name, rows[cell.name], verdicts[cell.name])
        if options.all or not options.cells or _DRILLS in options.cells:
            line.take(CELLS[2].shape)
            verdicts[_DRILLS] = drills(line)
            _print_cell(_DRILLS, [], verdicts[_DRILLS])
    return _report(rows, verdicts, options)


def _options() -> argparse.Namespace:
    names = [cell.name for cell in CELLS]
    parser = argparse.ArgumentParser(
        "scripts/bench internet", description=__doc__, epilog=f"Cells: {' '.join(names)} {_DRILLS}"
    )
    parser.add_argument("cells", nargs="*", metavar="CELL", help="these only; without: a short selection")
    parser.add_argument("--all", action="store_true", help="every cell, about 35 minutes")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each engine in a cell (5)")
    parser.add_argument("--far-end", choices=["bbr", "cubic"], default="bbr", help="congestion control there")
    options = parser.parse_args()
    unknown = set(options.cells) - {*names, _DRILLS}
    if unknown:
        parser.error(f"no such cell: {' '.join(sorted(unknown))}; one of {' '.join(names)} {_DRILLS}")
    return options


def _selected(options: argparse.Namespace) -> list[Cell]:
    if options.cells:
        return [cell for cell in CELLS if cell.name in options.cells]
    return [cell for cell in CELLS if options.all or cell.short]


def _line(directory: Path, congestion: str, stack: ExitStack) -> Line:
    line = stack.enter_context(Line(directory, congestion))
    far = directory / "far"
    for part in (
        far_end.sink(far), far_end.nginx(far, line), far_end.iperf3(far, line), bad_servers(directory / "bad", line)
    ):  # fmt: skip
        stack.enter_context(part)
    return line


def _runs(cell: Cell, line: Line, count: int) -> list[Run]:
    """The engines one after the other, so that what else this machine does hits all alike."""
    line.take(cell.shape)
    found = []
    for number in range(count):
        for name in cell.engines:
            say(f"{cell.name}: run {number + 1} of {count}, {name}")
            if cell.fresh:
                line.take(cell.shape)
                time.sleep(_BUCKET_FILLS_SECONDS)
            with _others(cell, line) if name != "iperf3" else ExitStack():
                outcome = run(name, line, cell.directions)
            mean = line.mean_mbps(cell.shape)
            rates = {"down": mean, "up": mean if cell.shape.steps_mbps else cell.shape.up_mbps}
            truth = {way: rates[way] * 125_000 * PAYLOAD_SHARE for way in cell.directions}
            found.append(Run(outcome, truth))
    say("")
    return found


@contextmanager
def _others(cell: Cell, line: Line) -> Iterator[None]:
    """Other people's traffic, while the block lasts."""
    if not cell.others:
        yield
        return
    (way,) = cell.directions
    words = [sys.executable, "-m", "bench.bed.others", way, str(cell.others), SERVER]
    process = subprocess.Popen([*line.at_client(), *words], cwd=far_end.ROOT)
    try:
        time.sleep(_OTHERS_SECONDS)
        yield
    finally:
        process.kill()
        process.wait()


def _judge(cell: Cell, runs: list[Run]) -> list[Verdict]:
    verdicts = [bar(runs) for bar in cell.bars]
    truth = [ratio for one in bars.of_engine(runs, "iperf3") for ratio in one.ratios().values()]
    if "iperf3" in cell.engines and (not truth or statistics.median(truth) < _FIT):
        return [msgspec.structs.replace(one, met=None, aim=None) for one in verdicts]
    return verdicts


def _print_cell(name: str, runs: list[Run], verdicts: list[Verdict]) -> None:
    print(f"\n{name}")
    if runs:
        print("  engine         way   n   ratio min  median     max   MB both ways   wall s   RSS MB   CPU s")
    for engine in dict.fromkeys(one.outcome.engine for one in runs):
        own = bars.of_engine(runs, engine)
        cost = [one.outcome.cost for one in own]
        rest = (
            f"{statistics.median((one.down + one.up) / 1e6 for one in cost):14.2f}"
            f"{statistics.median(one.wall for one in cost):9.2f}{max(one.rss for one in cost):9.1f}"
            f"{statistics.median(one.cpu for one in cost):8.2f}"
        )
        for way in ("down", "up"):
            ratios = sorted(one.ratios()[way] for one in own if way in one.ratios())
            if ratios:
                spread = f"{ratios[0]:9.3f}{statistics.median(ratios):8.3f}{ratios[-1]:8.3f}"
                print(f"  {engine:<15}{way:<5}{len(ratios):2}{spread:>28}{rest}")
                rest = ""
        for failed in [one.outcome.failed for one in own if one.outcome.failed]:
            print(f"  {engine:<15}failed: {failed}")
    print("\n".join(bars.lines(verdicts)), flush=True)


def _report(rows: dict[str, list[Run]], verdicts: dict[str, list[Verdict]], options: argparse.Namespace) -> int:
    every = [one for found in rows.values() for one in found]
    if every:
        verdicts["all cells"] = [bars.memory(every)]
        print("\nall cells\n" + "\n".join(bars.lines(verdicts["all cells"])))
    words = [one.met for found in verdicts.values() for one in found]
    print(
        json.dumps(
            {
                "bench": "internet",
                "met": all(words),
                "missed": words.count(False),
                "void": words.count(None),
                "runs": options.runs,
                "far_end": options.far_end,
                "machine": _machine(),
                "cells": {name: _plain(found) for name, found in rows.items()},
                "verdicts": msgspec.to_builtins(verdicts),
            }
        )
    )
    return 1 if False in words else 3 if None in words else 0


def _plain(runs: list[Run]) -> list[dict[str, object]]:
    return [
        {
            "engine": one.outcome.engine,
            "ratios": {way: round(ratio, 4) for way, ratio in one.ratios().items()},
            "failed": one.outcome.failed,
            "cost": {key: round(value, 3) for key, value in msgspec.to_builtins(one.outcome.cost).items()},
            "stops": {way: found.stop for way, found in one.outcome.found.items()},
        }
        for one in runs
    ]


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.release()}, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
