"""One thing that reads foreign input, fuzzed for a while: only the errors it promises may come out, and soon.

An input is made from the seed, the target's name and a number; whoever has these three has the input. (An outbox and
a signature hold random numbers of their own: there only the octets tell.)
"""

import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.fuzz.mutate import mutated

LIMIT_SECONDS = 5.0


class Target(Struct, frozen=True):
    """`take` reads one input; `foreseen` is what it may raise.

    `good`: what is bent; the first it understands, others may be errors that a device tells.
    """

    name: str
    good: Sequence[bytes]
    take: Callable[[bytes], object]
    foreseen: tuple[type[Exception], ...] = ()
    most_bytes: int = 64 * 1024


class Finding(Struct, frozen=True):
    """An input that did harm, where it came from, and what happened."""

    target: str
    seed: int
    number: int
    input: bytes
    what: str


class Round(Struct):
    """So far of one target. `slowest`: seconds of one input; `mebibytes`: most resident, beyond the start of a turn."""

    executions: int = 0
    seconds: float = 0.0
    refused: int = 0
    slowest: float = 0.0
    mebibytes: float = 0.0
    finding: Finding | None = None


class TooSlow(BaseException):
    """No reader of ours catches it."""


def check_good(target: Target) -> Finding | None:
    """The first good input must be understood: else nothing but the first line of the reader is fuzzed."""
    for number, body in enumerate(target.good):
        tried = Round()
        problem = _harm(target, body, tried)
        if problem or (number == 0 and tried.refused):
            return Finding(target.name, 0, number, body, problem or "a good input is refused")
    return None


def fuzz(target: Target, seed: int, round_: Round, seconds: float) -> None:
    """Go on with a target for so long, or until it is harmed."""
    begun, before = time.monotonic(), _resident_again()
    while round_.finding is None and (now := time.monotonic()) - begun < seconds:
        number = round_.executions
        body = mutated(target.good, random.Random(f"{seed}/{target.name}/{number}"))[: target.most_bytes]
        if what := _harm(target, body, round_):
            round_.finding = Finding(target.name, seed, number, body, what)
        round_.executions += 1
        round_.slowest = max(round_.slowest, time.monotonic() - now)
    round_.seconds += time.monotonic() - begun
    round_.mebibytes = max(round_.mebibytes, _peak() - before)


def _resident_again() -> float:
    """Begin the kernel's count of the peak anew (proc(5), clear_refs); MiB resident now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    return int(Path("/proc/self/status").read_text().partition("\nVmHWM:")[2].split(None, 1)[0]) / 1024


def _harm(target: Target, body: bytes, round_: Round | None = None) -> str:
    """What an input does that nobody foresaw; empty: nothing."""
    try:
        with _limit(LIMIT_SECONDS):
            target.take(body)
    except target.foreseen:
        if round_ is not None:
            round_.refused += 1
    except TooSlow:
        return f"more than {LIMIT_SECONDS:.0f} s"
    except Exception:
        return traceback.format_exc()
    return ""


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
