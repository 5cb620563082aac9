"""The long oracle: random faults from a seed, then peace; is every tick that was on a disk in the store, once?

Gateways by the dozen (the product's outbox and uplink), a line, broker (shipped configuration, mutual TLS), ingest
and a store, all real; both stores at once, and beside them the control that deletes at PUBACK and must lose.
A witness reads each gateway's file through a connection of its own: what it has seen there must be found by its
value, which is never used twice. Exit code 0 if every bar is met, 1 if not.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.measure.packages import need, version
from bench.oracle.country import FAKETIME, Size
from bench.oracle.faults import Fault, faults
from bench.oracle.run import Course, Result, Say, run

_PACKAGES = ("mosquitto", "prometheus", "victoria-metrics", "libfaketime")
KILLS_BAR, ROWS_BAR = 500, 10_000
NOTES = """\
A tick counts as captured when the oracle's own reader has found it in the outbox's file. Ticks in memory while a disk
was full are no captured ticks. Wrong clocks are libfaketime's, monotonic time stays true; "disk full" is RLIMIT_FSIZE
0. A power cut of the machine is not in here: SIGKILL keeps what the kernel has. Hold {hold} s instead of 45."""


class Bar(Struct, frozen=True):
    """One bar and whether it is met."""

    name: str
    met: bool
    seen: str


def main() -> int:
    options = _options()
    need(_PACKAGES)
    directory = Path(options.keep or tempfile.mkdtemp(prefix="bench-chaos-"))
    courses = _courses(options)
    screen = Screen(len(courses))
    with ThreadPoolExecutor(len(courses)) as pool:
        started = [
            pool.submit(_told, directory / f"run-{place}", course, faults(), screen.line(place, course.name))
            for place, course in enumerate(courses)
        ]
        results = [future.result() for future in started]
    screen.end()
    if not options.keep:
        shutil.rmtree(directory)
    return _report(results, options)


def _told(directory: Path, course: Course, known: list[Fault], say: Say) -> Result:
    """A run that breaks says so at once, not when the others have ended."""
    try:
        return run(directory, course, known, say)
    except Exception as problem:
        print(f"\n{course.name} broke: {problem!r}", file=sys.stderr, flush=True)
        raise


def _courses(options: argparse.Namespace) -> list[Course]:
    size = Size(centres=options.centres, hold_seconds=options.hold)
    kills, rows = -(-options.kills // 2), -(-options.rows // 2)
    ours = [
        Course(store, kills, rows, options.seed, size, peace_seconds=options.peace)
        for store in ("prometheus", "victoria-metrics")
    ]
    return [*ours, Course("prometheus", max(5, kills // 10), 0, options.seed, size, control=True, peace_seconds=30.0)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench chaos", description="Is any reading lost, or shown twice?")
    parser.add_argument("--kills", type=int, default=KILLS_BAR, metavar="N", help="SIGKILLs, both stores together")
    parser.add_argument("--rows", type=int, default=ROWS_BAR, metavar="N", help="at least, both stores together")
    parser.add_argument("--centres", type=int, default=15, metavar="N", help="in each of two processes")
    parser.add_argument("--hold", type=float, default=15.0, metavar="SECONDS", help="of ingest")
    parser.add_argument("--peace", type=float, default=900.0, metavar="SECONDS", help="at most, after the last fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", default="", metavar="DIR", help="leave files and logs here; must not exist")
    return parser.parse_args()


class Screen:
    """One line a run, on a terminal; else a line a run and half minute."""

    def __init__(self, lines: int) -> None:
        self._words = [""] * lines
        self._next = [0.0] * lines
        self._lock = threading.Lock()

    def line(self, place: int, name: str) -> Say:
        """What a run says about itself."""

        def say(what: str) -> None:
            with self._lock:
                self._words[place] = f"{name}: {what}"
                if sys.stderr.isatty():
                    print(f"\r{' | '.join(self._words)[:150]}\033[K", end="", file=sys.stderr, flush=True)
                elif time.monotonic() > self._next[place]:
                    self._next[place] = time.monotonic() + 30
                    print(self._words[place], file=sys.stderr, flush=True)

        return say

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)


def bars(results: Sequence[Result], kills: int, rows: int) -> list[Bar]:
    """Of our runs; the control must lose."""
    ours = [one for one in results if not one.course.control]
    control = [one for one in results if one.course.control]
    lost = sum(len(one.outcome.lost) for one in ours)
    late = sum(one.late for one in ours)
    uncounted = sum(len(one.outcome.uncounted) for one in ours)
    extra = sum(one.outcome.twice + one.outcome.shown for one in ours)
    wrong = sum(one.outcome.wrong for one in ours)
    seen_rows = sum(one.outcome.rows for one in ours)
    seen_kills = sum(one.kills for one in ours)
    crashes = [crash for one in results for crash in one.crashes]
    fallen = sorted({problem for one in results for problem in one.fallen.values()})
    fell = sum(len(one.outcome.lost) for one in control)
    return [
        Bar(f"at least {rows} rows under {kills} kills", seen_rows >= rows and seen_kills >= kills,
            f"{seen_rows} rows, {seen_kills} kills"),
        Bar("0 ticks lost", lost == 0, f"{lost} lost, {late} of them still on their way"),
        Bar("0 ticks lost uncounted from damaged files", uncounted == 0, f"{uncounted} lost without a count"),
        Bar("0 ticks stored or shown twice", extra == 0, f"{extra} twice"),
        Bar("0 values made up", wrong == 0, f"{wrong} made up"),
        Bar("0 agents fall over their own file", not fallen, "; ".join(fallen) or "0 fell"),
        Bar("0 programs end by themselves", not crashes, ", ".join(crashes) or "none"),
        Bar("the control that deletes at PUBACK loses", fell > 0, f"{fell} lost"),
    ]  # fmt: skip


_COLUMNS = (
    "run", "kills", "rows", "ticks", "once", "lost", "uncounted", "set aside", "refused", "redated", "twice", "shown",
)  # fmt: skip


def table(results: Sequence[Result]) -> list[str]:
    """A line a run."""
    lines: list[tuple[str, ...]] = [_COLUMNS]
    for one in results:
        found = one.outcome
        numbers = (
            one.kills, found.rows, found.committed, found.once, len(found.lost), len(found.uncounted), found.set_aside,
            found.refused, found.redated, found.twice, found.shown,
        )  # fmt: skip
        lines.append((one.course.name, *map(str, numbers)))
    return [f"{row[0]:<22}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in lines]


def _report(results: Sequence[Result], options: argparse.Namespace) -> int:
    happened: Counter[str] = Counter()
    for one in results:
        if not one.course.control:
            happened.update(one.faults)
    found = bars(results, options.kills, options.rows)
    print("\n".join(table(results)))
    print("faults: " + ", ".join(f"{name} {count}" for name, count in happened.most_common()))
    if not FAKETIME.exists():
        print("libfaketime is not there: no clock was wrong.")
    for bar in found:
        print(f"bar {'met' if bar.met else 'NOT met'}: {bar.name}: {bar.seen}.")
    for one in results:
        print(f"{one.course.name}: {one.stormy_seconds:.0f} s of faults, then "
              f"{one.peaceful_seconds:.0f} s of peace, {one.quarantined} messages in quarantine")  # fmt: skip
    print(NOTES.format(hold=options.hold))
    met = all(bar.met for bar in found)
    runs = [{**msgspec.to_builtins(one), "outcome": _short(one)} for one in results]
    print(json.dumps({
        "bench": "chaos", "met": met, "seed": options.seed, "hold_seconds": options.hold,
        "machine": f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}",
        "bars": [msgspec.to_builtins(bar) for bar in found], "runs": runs,
        "versions": {name: version(name) for name in _PACKAGES},
    }))  # fmt: skip
    return 0 if met else 1


def _short(one: Result) -> dict[str, int]:
    whole = msgspec.to_builtins(one.outcome)
    return {key: len(value) if isinstance(value, list | tuple) else value for key, value in whole.items()}


if __name__ == "__main__":
    sys.exit(main())
