"""speedtest-cli (sivel, 2.1.3) against Ookla's HTTP servers: an opt-in second opinion.

It holds up to 175 MB and swallows errors into a rate of 0 with exit 0: a zero is a failure here.
It tells the public address and system of this machine to Ookla; the operator decides.
"""

import subprocess
import sys

import msgspec

from collectors.internet.engines import Measured, Request, empty

_SECONDS = 75
_FAILED_PING_MS = 1e6


def main() -> int:
    """Child entry: Request on stdin, one JSON object on stdout."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    result = empty(request)
    words = [sys.executable, "-m", "speedtest", "--json", "--secure", "--no-pre-allocate", "--timeout", "10"]
    words += [f"--no-{name}load" for name in ("down", "up") if name not in request.directions]
    try:
        done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL)
        answer = msgspec.json.decode(done.stdout, type=dict[str, object]) if done.returncode == 0 else {}
    except subprocess.TimeoutExpired:
        answer = {}
    except msgspec.DecodeError:
        answer = {}
    for direction in request.directions:
        measured = believed(answer, direction)
        result.spent_bytes[direction] = request.max_bytes if measured is None else measured.wire_bytes
        if measured is None:
            result.failed[direction] = "no_result"
        else:
            result = msgspec.structs.replace(result, **{direction: measured})
    sys.stdout.write(msgspec.json.encode(result.plain()).decode())
    return 0


def believed(answer: dict[str, object], direction: str) -> Measured | None:
    """What speedtest-cli's JSON says of a direction, or None where it means a failure."""
    bits, ping = answer.get(f"{direction}load"), answer.get("ping")
    count = answer.get("bytes_received" if direction == "down" else "bytes_sent")
    if not isinstance(bits, float | int) or bits <= 0 or not isinstance(ping, float | int) or ping >= _FAILED_PING_MS:
        return None
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
