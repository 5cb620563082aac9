"""iperf3 (Debian's): a reference for the lab. Its servers take one client at a time, so it is not for a fleet."""

import shutil
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from collectors.internet.engines import Direction, Measured, Request
from collectors.internet.engines.harness import Spent, answer
from telemetry.errors import BadData, TimedOut, Unreachable

_PORT = 5201
_FLOWS, _RAMP_SECONDS = 4, 1
_SECONDS = {"quick": 4, "sustained": 8}
_MORE_SECONDS = 6
_PAUSES = (1.0, 2.0, 0.0)
_MEMORY_BYTES = 512 * 2**20
_SEGMENT, _FRAME = 1448, 1514


def main() -> int:
    """Child entry."""
    return answer(measure, memory_bytes=_MEMORY_BYTES)


def measure(request: Request, direction: Direction, spent: Spent) -> Measured:
    """One direction against iperf3://host[:port]; raises CollectError when iperf3 has nothing to tell."""
    url, seconds = urlsplit(request.server), _SECONDS[request.test_class]
    program = shutil.which("iperf3")
    if program is None or not url.hostname:
        raise Unreachable("iperf3 is not installed, or no server is named", reason="no_iperf3")
    words = [
        program,
        "-J",
        "-c",
        url.hostname,
        "-p",
        str(url.port or _PORT),
        "-P",
        str(_FLOWS),
        "-O",
        str(_RAMP_SECONDS),
    ]
    words += ["-t", str(seconds), "--connect-timeout", "4000", *(["-R"] if direction == "down" else [])]
    found = understood(_printed(words, seconds), direction, seconds)
    spent[direction] = found.wire_bytes
    return found


def _printed(words: list[str], seconds: float) -> bytes:
    """Its output; a server that is still clearing up the last test is asked again."""
    try:
        for pause in _PAUSES:
            done = subprocess.run(
                words, capture_output=True, timeout=seconds + _MORE_SECONDS, check=False, stdin=subprocess.DEVNULL
            )
            if b"server is busy" not in done.stdout:
                break
            time.sleep(pause)
    except subprocess.TimeoutExpired as problem:
        raise TimedOut("iperf3 did not end") from problem
    return done.stdout


def understood(printed: bytes, direction: Direction, seconds: float) -> Measured:
    """What `iperf3 -J` printed; raises Unreachable for its error, BadData for nonsense."""
    try:
        answer: dict[str, Any] = msgspec.json.decode(printed, type=dict[str, Any])
        if "error" in answer:
            raise Unreachable(str(answer["error"]), reason="iperf3_error")
        received, sent = answer["end"]["sum_received"], answer["end"]["sum_sent"]
        rate, again = float(received["bits_per_second"]) / 8, sent.get("retransmits")
        ratio = None if again is None or direction == "down" else round(again * _SEGMENT / sent["bytes"], 5)
        all_bytes = float(sent["bytes"]) * (seconds + _RAMP_SECONDS) / seconds
        wire_bytes = int(all_bytes / _SEGMENT * _FRAME)
    except (
        msgspec.DecodeError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as problem:
        raise BadData("iperf3 printed no result", reason="no_result") from problem
    if rate <= 0:
        raise BadData("iperf3 moved nothing", reason="no_result")
    return Measured(
        line_bytes_per_second=round(rate),
        own_bytes_per_second=round(rate),
        converged=False,
        stop="time",
        seconds=seconds,
        wire_bytes=wire_bytes,
        retransmit_ratio=ratio,
    )


if __name__ == "__main__":
    sys.exit(main())
