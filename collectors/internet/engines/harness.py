"""The child's side that all engines share: limits on itself, one direction after the other, lines of JSON."""

import contextlib
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from collectors.internet.engines import LIMIT_SECONDS, Direction, Measured, Progress, Request, empty
from telemetry.errors import CollectError

Spent = dict[str, int]
Engine = Callable[[Request, Direction, Spent], Measured]
_NICE = 5


def answer(measure: Engine, *, memory_bytes: int) -> int:
    """Run an engine for the Request on stdin; `measure` notes in Spent what a direction has cost, even as it raises."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    _confine(memory_bytes, LIMIT_SECONDS[request.engine] * len(request.directions))
    result = empty(request)
    for direction in request.directions:
        try:
            found = measure(request, direction, result.spent_bytes)
            result = msgspec.structs.replace(result, **{direction: found})
        except CollectError as problem:
            result.failed[direction] = problem.reason
        except OSError as problem:
            result.failed[direction] = f"os_error_{problem.errno}"
        except MemoryError:
            result.failed[direction] = "out_of_memory"
        _print(msgspec.json.encode(result))
    return 0


def tell(direction: Direction, seconds: float, bytes_per_second: float) -> None:
    """One line of progress."""
    _print(msgspec.json.encode(Progress(direction, round(seconds, 2), round(bytes_per_second))))


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _confine(memory_bytes: int, seconds: float) -> None:
    """A test that goes wrong takes itself down, not the gateway; children inherit all but the alarm."""
    signal.alarm(math.ceil(seconds) + 2)  # its default action ends the process, whatever it hangs in
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.nice(_NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
