"""A command at the client's end of the line, and what it has cost: time, processor, memory, bytes on the wire."""

import os
import subprocess
import threading
import time
from pathlib import Path

from msgspec import Struct

from bench.bed.line import Line

_LOOK_SECONDS = 0.02


class Cost(Struct, frozen=True):
    """wall, cpu in seconds; rss: most of any of its processes, MB; down, up: bytes at the client's interface."""

    wall: float
    cpu: float
    rss: float
    down: int
    up: int


class Watched(Struct, frozen=True):
    """What it printed, and its cost."""

    output: bytes
    errors: bytes
    code: int
    cost: Cost


def watched(
    line: Line, command: list[str], *, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> Watched:
    """Run it to its end."""
    before, begun = line.client_bytes(), time.monotonic()
    process = subprocess.Popen(
        [*line.at_client(), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    ended, peak = threading.Event(), [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, ended, peak))
    watcher.start()
    children = os.times()
    output, errors = process.communicate(stdin)
    after = os.times()
    wall = time.monotonic() - begun
    ended.set()
    watcher.join()
    cpu = after.children_user + after.children_system - children.children_user - children.children_system
    down, up = (now - then for now, then in zip(line.client_bytes(), before, strict=True))
    return Watched(output, errors, process.returncode, Cost(wall, cpu, peak[0], down, up))


def _watch(pid: int, ended: threading.Event, peak: list[float]) -> None:
    """VmHWM, as the kernel keeps it a process image: getrusage would also count the one before exec."""
    while not ended.wait(_LOOK_SECONDS):
        peak[0] = max([peak[0], *(_high_water(one) for one in _tree(pid))])


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            found += [int(word) for word in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        except OSError:  # it has ended
            continue
    return found


def _high_water(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    words = text.partition("VmHWM:")[2].split(None, 1)
    return int(words[0]) / 1024 if words else 0.0
