"""Throughput engines: each a file here that runs in a child process, JSON in, JSON out.

An engine offers `main()`: it reads a Request from stdin and prints one object on stdout, whatever
happens. The parent kills it when it takes too long. A failed direction is null with its reason in
`failed`, never a zero rate.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

Direction = Literal["down", "up"]
Engine = Literal["http", "speedtest_cli"]
TestClass = Literal["quick", "sustained"]
KILL_AFTER_SECONDS = {"http": 40.0, "speedtest_cli": 90.0}
_MAX_OUTPUT = 64 * 1024
_ROOT = Path(__file__).resolve().parents[3]


class Request(Struct, frozen=True):
    """What to measure. server: URL of a far end (deploy/central/nginx); max_bytes a direction."""

    server: str
    engine: Engine = "http"
    interface: str = ""
    directions: tuple[Direction, ...] = ("down", "up")
    test_class: TestClass = "quick"
    max_bytes: int = 60_000_000


class Measured(Struct, frozen=True):
    """One direction. Rates in bytes/s of payload; wire_bytes what the line carried; round trips in seconds.

    converged: the rate held still. stop: converged, sufficient, cap or time. signal: what was counted
    (interface, delivered, app). None: not known.
    """

    line_bytes_per_second: float
    own_bytes_per_second: float
    converged: bool
    stop: str
    seconds: float
    wire_bytes: int
    rtt_idle_seconds: float | None = None
    rtt_loaded_seconds: float | None = None
    retransmit_ratio: float | None = None
    cpu_limited: bool = False
    variable: bool = False
    signal: str = "app"


class Result(Struct):
    """The speedtest JSON of interfaces.md."""

    engine: str
    server: str
    interface: str
    class_: str
    down: Measured | None = None
    up: Measured | None = None
    failed: dict[str, str] = {}
    spent_bytes: dict[str, int] = {}
    """What each direction has cost on the line, also where it failed."""

    def plain(self) -> dict[str, Any]:
        """As it is printed."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {("class" if key == "class_" else key): value for key, value in fields.items()}


def empty(request: Request) -> Result:
    """A Result with nothing measured yet."""
    return Result(request.engine, request.server, request.interface, request.test_class)


async def measure(request: Request) -> dict[str, Any]:
    """Run the engine in a child process; always a whole result, failures named in `failed`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"collectors.internet.engines.{request.engine}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(_ROOT)}, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(KILL_AFTER_SECONDS[request.engine]):
            output, _ = await child.communicate(msgspec.json.encode(request))
    except TimeoutError:
        return _all_failed(request, "timed_out", spent=request.max_bytes)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        found = json.loads(output[:_MAX_OUTPUT])
    except ValueError:
        return _all_failed(request, "engine_died", spent=request.max_bytes)
    return found if isinstance(found, dict) else _all_failed(request, "engine_died", spent=request.max_bytes)


def _all_failed(request: Request, reason: str, *, spent: int) -> dict[str, Any]:
    """Nobody knows what it has cost: all that it might have."""
    result = empty(request)
    result.spent_bytes = dict.fromkeys(request.directions, spent)
    result.failed = dict.fromkeys(request.directions, reason)
    return result.plain()
