"""The engines that are compared, each run once on a line: our own two classes, speedtest-cli, iperf3, ten seconds."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from bench.bed.far_end import MINI, ROOT, URL
from bench.bed.line import SERVER, Line
from bench.bed.watched import Cost, watched
from collectors.internet.engines import Direction, Measured, Request, Result
from collectors.internet.engines.child import command

Name = Literal["quick", "sustained", "speedtest-cli", "iperf3", "fixed"]
OURS: tuple[Name, ...] = ("quick", "sustained")


class Outcome(Struct, frozen=True):
    """rates: bytes/s of payload by direction, as far as there are any. found: our own engine's words."""

    engine: Name
    rates: dict[Direction, float]
    cost: Cost
    found: dict[Direction, Measured] = {}
    failed: dict[str, str] = {}


Engine = Callable[[Line, tuple[Direction, ...]], Outcome]


def run(name: Name, line: Line, directions: tuple[Direction, ...]) -> Outcome:
    """Once; directions one after the other."""
    return _ENGINES[name](line, directions)


def ours(line: Line, request: Request, *, around: tuple[str, ...] = ()) -> Outcome:
    """The http engine for this request; `around`: words before its command."""
    done = watched(line, [*around, *command("http")], stdin=msgspec.json.encode(request))
    result = msgspec.json.decode(done.output.splitlines()[-1], type=Result)
    found = {way: one for way in request.directions if (one := result.measured(way)) is not None}
    rates = {way: one.line_bytes_per_second for way, one in found.items()}
    name: Name = "sustained" if request.test_class == "sustained" else "quick"
    return Outcome(name, rates, done.cost, found, result.failed)


def _quick(line: Line, directions: tuple[Direction, ...]) -> Outcome:
    return ours(line, Request(URL, directions=directions))


def _sustained(line: Line, directions: tuple[Direction, ...]) -> Outcome:
    return ours(line, Request(URL, directions=directions, test_class="sustained"))


def _speedtest_cli(line: Line, directions: tuple[Direction, ...]) -> Outcome:
    words = [sys.executable, "-I", "-m", "speedtest", "--json", "--no-pre-allocate", "--timeout", "10", "--mini", MINI]
    words += [f"--no-{way}load" for way in ("down", "up") if way not in directions]
    done = watched(line, words, environment={"http_proxy": URL})
    if done.code != 0:
        return Outcome("speedtest-cli", {}, done.cost, failed=dict.fromkeys(directions, done.errors.decode()[-200:]))
    answer = json.loads(done.output)
    return Outcome("speedtest-cli", {way: answer[f"{way}load"] / 8 for way in directions}, done.cost)


def _iperf3(line: Line, directions: tuple[Direction, ...]) -> Outcome:
    request = Request(f"iperf3://{SERVER}", engine="iperf3", directions=directions)
    done = watched(line, command("iperf3"), stdin=msgspec.json.encode(request))
    result = msgspec.json.decode(done.output.splitlines()[-1], type=Result)
    rates = {way: one.line_bytes_per_second for way in directions if (one := result.measured(way)) is not None}
    return Outcome("iperf3", rates, done.cost, failed=result.failed)


def _fixed(line: Line, directions: tuple[Direction, ...]) -> Outcome:
    rates: dict[Direction, float] = {}
    costs = []
    for way in directions:
        words = [sys.executable, str(Path(__file__).with_name("fixed.py")), way, URL]
        done = watched(line, words, environment={"PYTHONPATH": str(ROOT)})
        costs.append(done.cost)
        if done.code == 0:
            rates[way] = float(done.output)
    return Outcome("fixed", rates, _together(costs))


def _together(costs: list[Cost]) -> Cost:
    return Cost(
        wall=sum(one.wall for one in costs), cpu=sum(one.cpu for one in costs), rss=max(one.rss for one in costs),
        down=sum(one.down for one in costs), up=sum(one.up for one in costs),
    )  # fmt: skip


_ENGINES: dict[Name, Engine] = {
    "quick": _quick,
    "sustained": _sustained,
    "speedtest-cli": _speedtest_cli,
    "iperf3": _iperf3,
    "fixed": _fixed,
}
