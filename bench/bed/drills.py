"""Six far ends that fail: each must be a reason within 15 s, and never a number."""

import sys
from pathlib import Path

from bench.bed.bars import Verdict
from bench.bed.engines import ours
from bench.bed.line import NOBODY, SERVER, Line
from collectors.internet.engines import Direction, Request
from stage.process import Part

_SECONDS = 15.0
_PORTS = {"reset": 8001, "refuse": 8002, "stall": 8003}


def bad_servers(directory: Path, line: Line) -> Part:
    """One program, a port for each way to fail."""
    words = [f"{kind}={port}" for kind, port in _PORTS.items()]
    command: list[str | Path] = [*line.at_server(), sys.executable, Path(__file__).with_name("bad_servers.py"), *words]
    return Part("bad_servers", command, directory, (directory / "ready").exists)


def drills(line: Line) -> list[Verdict]:
    """Run them all, each direction for itself."""
    resolver = line.directory / "resolv.conf"
    resolver.write_text(f"nameserver {NOBODY}\nnameserver {NOBODY}\n")
    no_names = ("unshare", "-m", "sh", "-c", f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh")
    return [
        _drill("server dead", f"http://{SERVER}:9", "unreachable", line),
        _drill("reset in the middle", f"http://{SERVER}:{_PORTS['reset']}", "reset", line),
        _drill("403", f"http://{SERVER}:{_PORTS['refuse']}", "http_403", line),
        _drill("black hole", f"http://{NOBODY}", "timed_out", line),
        _drill("names dead", "http://speed.example.org", "no_such_name", line, around=no_names),
        _drill("body stalls", f"http://{SERVER}:{_PORTS['stall']}", "stalled", line),
    ]


def _drill(name: str, server: str, reason: str, line: Line, *, around: tuple[str, ...] = ()) -> Verdict:
    directions: tuple[Direction, ...] = ("down", "up")
    figures, met = [], True
    for way in directions:
        outcome = ours(line, Request(server, directions=(way,)), around=around)
        said = outcome.failed.get(way, "a number!")
        figures.append(f"{way} {said} in {outcome.cost.wall:.1f} s")
        met &= not outcome.rates and said == reason and outcome.cost.wall <= _SECONDS
    return Verdict(f"{name} is {reason} within {_SECONDS:g} s", ", ".join(figures), met)
