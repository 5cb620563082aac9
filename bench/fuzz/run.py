"""`scripts/nightly`: everything that reads foreign input, fuzzed for an hour; then the long benches, if asked.

The targets take turns, so that a short run reaches all of them. Exit code 1 if one is harmed; its input is printed.
"""

import argparse
import logging
import platform
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.fuzz import devices, files, wire
from bench.fuzz.target import Finding, Round, Target, check_good, fuzz
from bench.measure.progress import say

_TURN_SECONDS = 10.0
_MEMORY_BYTES = 512 * 2**20
"""What reading may take beside what is there at the start: beyond it comes MemoryError, which nobody foresaw."""


def main() -> int:
    options = _options()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory, ExitStack() as cleanup:
        targets = [one for one in all_targets(Path(directory), cleanup) if options.only in one.name]
        if options.replay:
            return _replay(targets, *options.replay)
        with _bounded_memory():
            found = _run(targets, options.seed, options.seconds)
    worst = _report(found, options)
    return max([worst, *(_bench(name) for name in options.then)])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/nightly", description="Fuzz of all that reads foreign input.")
    parser.add_argument("--seconds", type=float, default=3600.0, metavar="N", help="for all targets together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="of the inputs")
    parser.add_argument("--only", default="", metavar="TEXT", help="targets whose name has this in it")
    parser.add_argument("--then", action="append", default=[], metavar="NAME", help="a bench to run after it, as chaos")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "HEX"), help="one input, with its traceback")
    return parser.parse_args()


def all_targets(directory: Path, cleanup: ExitStack) -> list[Target]:
    """Everything; `directory` is empty and theirs, `cleanup` closes what they have opened."""
    return [one for room in (wire, devices, files) for one in room.targets(directory, cleanup)]


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Not for the benches that follow: they would inherit it."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _MEMORY_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _run(targets: Sequence[Target], seed: int, seconds: float) -> dict[str, Round]:
    rounds = {target.name: Round(finding=check_good(target)) for target in targets}
    turns = max(1, round(seconds / (_TURN_SECONDS * len(targets))))
    for turn in range(turns):
        for target in targets:
            one = rounds[target.name]
            fuzz(target, seed, one, seconds / turns / len(targets))
            say(f"turn {turn + 1} of {turns}: {target.name}: {one.executions:,}{' HARMED' if one.finding else ''}")
    say("")
    return rounds


def _report(found: dict[str, Round], options: argparse.Namespace) -> int:
    print(f"{'target':<26}{'executions':>12}{'a second':>10}{'refused':>12}{'slowest, ms':>13}{'MiB':>7}")
    for name, one in found.items():
        rate = one.executions / one.seconds if one.seconds else 0.0
        print(
            f"{name:<26}{one.executions:>12,}{rate:>10,.0f}{one.refused:>12,}{1000 * one.slowest:>13.1f}"
            f"{one.mebibytes:>7.1f}{'  HARMED' if one.finding else ''}"
        )
    findings = [one.finding for one in found.values() if one.finding is not None]
    for finding in findings:
        print(told(finding))
    total = sum(one.executions for one in found.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{total:,} executions of {len(found)} targets in {options.seconds:.0f} s, {len(findings)} harmed;"
        f" seed {options.seed}, peak {peak:.0f} MiB, Python {platform.python_version()}"
    )
    return 1 if findings else 0


def told(one: Finding) -> str:
    """All that is needed to see it again."""
    return (
        f"\n{one.target}: seed {one.seed}, input {one.number}\n{one.what.strip()}\n"
        f"scripts/nightly --replay '{one.target}' {one.input.hex()}\n"
    )


def _replay(targets: Sequence[Target], name: str, octets: str) -> int:
    (target,) = (one for one in targets if one.name == name)
    try:
        print(f"taken: {target.take(bytes.fromhex(octets))!r}")
    except target.foreseen as refusal:
        print(f"refused: {refusal!r}")
    return 0


def _bench(name: str) -> int:
    return subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
