"""speedtest-cli (sivel, 2.1.3) against Ookla's HTTP servers: an opt-in second opinion.

It holds up to 240 MB and swallows errors into a rate of 0 with exit 0: a zero is a failure here.
It tells the public address and system of this machine to Ookla; the operator decides.
"""

import os
import resource
import subprocess
import sys

import msgspec

from collectors.internet.engines import Direction, Measured, Request
from collectors.internet.engines.harness import Spent, answer
from telemetry.errors import BadData, TimedOut, Unreachable

_SECONDS = 60
_FAILED_PING_MS = 1e6
_MOST_BITS = 1e12
_MEMORY_BYTES = 400 * 2**20
_THREAD_STACK_BYTES = 2**20  # its 16 threads would ask for 8 MB each


def main() -> int:
    """Child entry."""
    return answer(measure, memory_bytes=_MEMORY_BYTES)


def measure(request: Request, direction: Direction, spent: Spent) -> Measured:
    """One direction; raises CollectError where speedtest-cli has no result to be believed."""
    spent[direction] = request.max_bytes  # until it tells
    found = printed(_run(direction), direction)
    spent[direction] = found.wire_bytes
    return found


def _run(direction: Direction) -> bytes:
    other = "upload" if direction == "down" else "download"
    words = [sys.executable, "-I", "-m", "speedtest", "--json", "--secure", "--no-pre-allocate", "--timeout", "10"]
    resource.setrlimit(resource.RLIMIT_STACK, (_THREAD_STACK_BYTES, resource.getrlimit(resource.RLIMIT_STACK)[1]))
    try:
        done = subprocess.run(
            [*words, f"--no-{other}"], capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "MALLOC_ARENA_MAX": "2"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as problem:
        raise TimedOut("speedtest-cli did not end") from problem
    if done.returncode != 0:
        raise _failure(done.stderr)
    return done.stdout


def _failure(said: bytes) -> Unreachable:
    if b"HTTP Error 403" in said:
        return Unreachable("speedtest.net refuses", reason="http_403")
    if b"MemoryError" in said or b"can't start new thread" in said:
        return Unreachable("speedtest-cli wants more memory than it may have", reason="out_of_memory")
    return Unreachable("speedtest-cli failed", reason="no_result")


def printed(output: bytes, direction: Direction) -> Measured:
    """What speedtest-cli printed of a direction; raises BadData where it is no result."""
    try:
        answer = msgspec.json.decode(output, type=dict[str, object])
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise BadData("speedtest-cli printed no JSON", reason="no_result") from problem
    return believed(answer, direction)


def believed(answer: dict[str, object], direction: Direction) -> Measured:
    """What speedtest-cli's JSON says of a direction; raises BadData where it means a failure."""
    bits = _number(answer.get(f"{direction}load"), _MOST_BITS)
    ping = _number(answer.get("ping"), _FAILED_PING_MS)
    if not bits:
        raise BadData("speedtest-cli's word for a failure is the rate 0", reason="no_result")
    if ping is None:
        raise BadData("speedtest-cli's word for a failure is a ping of half an hour", reason="no_result")
    rate = bits / 8
    count = _number(answer.get("bytes_received" if direction == "down" else "bytes_sent"), _MOST_BITS)
    return Measured(
        line_bytes_per_second=round(rate),
        own_bytes_per_second=round(rate),
        converged=False,
        stop="time",
        seconds=10.0,
        wire_bytes=int(rate * 10 if count is None else count),
        rtt_idle_seconds=ping / 1000,
    )


def _number(found: object, beyond: float) -> float | None:
    """A number from 0 up to what no line has."""
    if isinstance(found, bool) or not isinstance(found, float | int) or not 0 <= found < beyond:
        return None
    return float(found)


if __name__ == "__main__":
    sys.exit(main())
