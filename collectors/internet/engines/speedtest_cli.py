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
_MEMORY_BYTES = 400 * 2**20
_THREAD_STACK_BYTES = 2**20  # its 16 threads would ask for 8 MB each


def main() -> int:
    """Child entry."""
    return answer(measure, memory_bytes=_MEMORY_BYTES)


def measure(request: Request, direction: Direction, spent: Spent) -> Measured:
    """One direction; raises CollectError where speedtest-cli has no result to be believed."""
    spent[direction] = request.max_bytes  # until it tells
    found = believed(_printed(direction), direction)
    spent[direction] = found.wire_bytes
    return found


def _printed(direction: Direction) -> dict[str, object]:
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
    try:
        return msgspec.json.decode(done.stdout, type=dict[str, object])
    except msgspec.DecodeError as problem:
        raise BadData("speedtest-cli printed no JSON", reason="no_result") from problem


def _failure(said: bytes) -> Unreachable:
    if b"HTTP Error 403" in said:
        return Unreachable("speedtest.net refuses", reason="http_403")
    if b"MemoryError" in said or b"can't start new thread" in said:
        return Unreachable("speedtest-cli wants more memory than it may have", reason="out_of_memory")
    return Unreachable("speedtest-cli failed", reason="no_result")


def believed(answer: dict[str, object], direction: Direction) -> Measured:
    """What speedtest-cli's JSON says of a direction; raises BadData where it means a failure."""
    bits, ping = answer.get(f"{direction}load"), answer.get("ping")
    count = answer.get("bytes_received" if direction == "down" else "bytes_sent")
    if not isinstance(bits, float | int) or bits <= 0:
        raise BadData("speedtest-cli's word for a failure is the rate 0", reason="no_result")
    if not isinstance(ping, float | int) or ping >= _FAILED_PING_MS:
        raise BadData("speedtest-cli's word for a failure is a ping of half an hour", reason="no_result")
    rate = bits / 8
    return Measured(
        line_bytes_per_second=round(rate),
        own_bytes_per_second=round(rate),
        converged=False,
        stop="time",
        seconds=10.0,
        wire_bytes=int(count) if isinstance(count, int | float) else int(rate * 10),
        rtt_idle_seconds=ping / 1000,
    )


if __name__ == "__main__":
    sys.exit(main())
