"""The parent's side of an engine: start the child, hear it, kill it when it takes too long."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from collectors.internet.engines import LIMIT_SECONDS, Progress, Request, Result, empty

_ROOT = Path(__file__).resolve().parents[3]
_MAX_LINE = 64 * 1024
_START_SECONDS = 5.0
# The child gets a bare collectors.internet, so that it does not load the collector with its asyncio: 10 MB less.
_BOOT = """\
import importlib, sys, types
root, engine = sys.argv[1:]
sys.path.insert(0, root)
sys.modules["collectors.internet"] = bare = types.ModuleType("collectors.internet")
bare.__path__ = [root + "/collectors/internet"]
sys.exit(importlib.import_module("collectors.internet.engines." + engine).main())
"""
Tell = Callable[[Progress], None]


def command(engine: str) -> list[str]:
    """The words that start an engine; the Request goes to its stdin."""
    return [sys.executable, "-I", "-c", _BOOT, str(_ROOT), engine]


async def measure(request: Request, tell: Tell | None = None, *, patience_seconds: float | None = None) -> Result:
    """Run the engine in a child process; always a whole result, failures named in `failed`.

    patience_seconds: when the child is killed; None: as its engine needs.
    """
    if patience_seconds is None:
        patience_seconds = _START_SECONDS + LIMIT_SECONDS[request.engine] * len(request.directions)
    child = await asyncio.create_subprocess_exec(
        *command(request.engine), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, start_new_session=True, limit=_MAX_LINE,
    )  # fmt: skip
    so_far, reason = empty(request), "engine_died"
    try:
        async with asyncio.timeout(patience_seconds):
            assert child.stdin is not None
            with contextlib.suppress(ConnectionError):
                child.stdin.write(msgspec.json.encode(request))
                await child.stdin.drain()
            child.stdin.close()
            async for line in _lines(child):
                if isinstance(line, Result):
                    so_far = line
                elif tell is not None:
                    tell(line)
            await child.wait()
    except TimeoutError:
        reason = "timed_out"
    finally:
        _kill(child)
        await child.wait()
    return _whole(request, so_far, reason)


async def _lines(child: asyncio.subprocess.Process) -> AsyncIterator[Progress | Result]:
    assert child.stdout is not None
    with contextlib.suppress(ValueError):  # a line that is too long, or none of ours: it has lost its mind
        async for line in child.stdout:
            yield msgspec.json.decode(line, type=Progress | Result)


def _kill(child: asyncio.subprocess.Process) -> None:
    """With all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _whole(request: Request, result: Result, reason: str) -> Result:
    """What a child did not tell has failed; nobody knows what that has cost: all that it might have."""
    for direction in request.directions:
        if result.measured(direction) is None and direction not in result.failed:
            result.failed[direction] = reason
            result.spent_bytes[direction] = request.max_bytes
    return result
