"""What our agent costs a gateway, beside collectd and the trio of Prometheus exporters doing the same job.

All run at once, against one simulated UPS card, one broker and one scraper, each 10 s. Exit code 0 if the
bar is met, 1 if not. Figures and their limits: bench/measure/verdict.py; how they are read: bench/measure/processes.py.
"""

import argparse
import json
import os
import platform
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from bench.measure import verdict
from bench.measure.far_side import FarSide, Traffic
from bench.measure.packages import need, version
from bench.measure.rounds import Figures, Window, figures, together, window
from bench.measure.scraper import Scraper
from bench.peers import collectd, exporters
from bench.peers.agent import Gateway, debian_runs_it
from bench.peers.contender import ROOT, Contender
from bench.peers.installed import install
from stage.parts import broker
from stage.process import Part, free_port, tail

_PACKAGES = ("mosquitto", *collectd.PACKAGES, *exporters.PACKAGES)
_STAGGER_SECONDS = 0.37
_OURS, _DEBIAN, _LINE = "agent, .venv's Python", "agent, Debian's Python", "agent, .venv's, with line"


def main() -> int:
    options = _options()
    need(_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="bench-footprint-") as scratch, ExitStack() as stack:
        ports = _surroundings(Path(scratch), stack)
        far_side = FarSide(ports["broker"])
        stack.callback(far_side.close)
        contenders = _contenders(Path(scratch), ports)
        for one in contenders:
            _say(f"starting {one.name}")
            stack.enter_context(one.part)
            time.sleep(_STAGGER_SECONDS)
        scraper = Scraper(one.target for one in contenders)
        scraper.start()
        stack.callback(scraper.stop)
        _wait(options.warm_up)
        traffic = {one.name: far_side.traffic(one.topic) for one in contenders if one.topic}
        begun = time.monotonic()
        windows = _rounds(contenders, options.rounds, options.seconds)
        took = time.monotonic() - begun
        messages = {
            name: _per_interval(before, far_side.traffic(_topic(contenders, name)), took)
            for name, before in traffic.items()
        }
    _say("")
    _check(contenders)
    return _report(_rows(windows), messages, contenders, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench footprint", description="RSS and CPU of the agent and its peers.")
    parser.add_argument("--rounds", type=int, default=4, help="windows, one after the other (4: two batch periods)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=20.0, metavar="SECONDS", help="before the first")
    return parser.parse_args()


def _surroundings(directory: Path, stack: ExitStack) -> dict[str, int]:
    """Broker and devices; their ports."""
    part, port = broker(directory / "broker")
    stack.enter_context(part)
    card, names = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    command = [sys.executable, "-m", "bench.peers.devices", str(card), str(names)]
    own = {"PYTHONPATH": str(ROOT)}
    devices = Part("devices", command, directory / "devices", lambda: True, environment=own)
    stack.enter_context(devices)
    time.sleep(1.0)  # UDP: nothing tells that it is there
    return {"broker": port, "card": card, "names": names}


def _contenders(directory: Path, ports: dict[str, int]) -> list[Contender]:
    gateway = Gateway(directory / "agents", install(ROOT, directory / "installed"), ports)
    debian = [gateway.agent(_DEBIAN, "SIM-BENCH-3", debian=True)] if debian_runs_it() else []
    return [
        gateway.agent(_OURS, "SIM-BENCH-1"),
        *debian,
        gateway.agent(_LINE, "SIM-BENCH-2", line=True),
        collectd.collectd(directory / "collectd", ports),
        exporters.node(directory / "node", trimmed=False),
        exporters.node(directory / "node-trimmed", trimmed=True),
        exporters.snmp(directory / "snmp", ports["card"]),
        exporters.blackbox(directory / "blackbox"),
    ]


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _say(f"warming up, {left:.0f} s left")
        time.sleep(min(left, 2.0))


def _rounds(contenders: list[Contender], rounds: int, seconds: float) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {one.name: [] for one in contenders}
    pids = [one.part.pid for one in contenders]
    for number in range(1, rounds + 1):
        try:
            measured = window(pids, seconds, partial(_tell_left, number, rounds))
        except OSError as problem:  # /proc no longer knows one of them
            raise SystemExit(_ended(contenders)) from problem
        for one, result in zip(contenders, measured, strict=True):
            found[one.name].append(result)
    return found


def _ended(contenders: list[Contender]) -> str:
    dead = [one for one in contenders if one.part.process is not None and one.part.process.poll() is not None]
    return (
        "\n".join(f"{one.name} ended by itself:\n{tail(one.part.log)}" for one in dead)
        or "a process has no /proc entry"
    )


def _tell_left(number: int, rounds: int, left: float) -> None:
    _say(f"round {number} of {rounds}, {left:.0f} s left")


def _topic(contenders: list[Contender], name: str) -> str:
    return next(one.topic for one in contenders if one.name == name)


def _per_interval(before: Traffic, after: Traffic, seconds: float) -> str:
    share = 10.0 / seconds
    return f"{(after.messages - before.messages) * share:.1f}, {(after.payload - before.payload) * share:.0f} B"


def _check(contenders: list[Contender]) -> None:
    """A program that did not do its job is not compared."""
    failed = [
        f"{one.name}: {one.target.bad} bad scrapes, last {one.target.problem}"
        for one in contenders
        if one.target.good < 3 * one.target.bad + 1
    ]
    if failed:
        raise SystemExit("These did not answer as they should, nothing is compared:\n" + "\n".join(failed))


def _rows(windows: dict[str, list[Window]]) -> dict[str, Figures]:
    rest = [windows["snmp_exporter"], windows["blackbox_exporter"]]
    all_windows = windows | {
        verdict.DEFAULT: together([windows["node_exporter, default"], *rest]),
        verdict.TRIMMED: together([windows["node_exporter, trimmed"], *rest]),
    }
    return {name: figures(found) for name, found in all_windows.items()}


def _report(
    rows: dict[str, Figures], messages: dict[str, str], contenders: list[Contender], options: argparse.Namespace
) -> int:
    print(f"{options.rounds} windows of {options.seconds:.0f} s; {_machine()}")
    print("\n".join(verdict.table(rows, messages)))
    ours = [name for name in (_OURS, _DEBIAN, _LINE) if name in rows]
    for name in ours:
        print("\n".join(verdict.words(name, rows[name])))
    for name in ours:
        print(f"{name}: {verdict.ratio_words(rows, name)}")
    print(verdict.NOT_ALIKE)
    met = verdict.meets(rows[_OURS])
    print(
        json.dumps(
            {
                "bench": "footprint",
                "met": met,
                "bar": {"rss": verdict.RSS_BAR, "cpu": verdict.CPU_BAR},
                "goal": {"rss": verdict.RSS_GOAL, "cpu": verdict.CPU_GOAL},
                "units": "rss, pss, anon: MiB; cpu: processor seconds an hour; wakeups: a second",
                "rounds": options.rounds,
                "seconds": options.seconds,
                "machine": _machine(),
                "rows": {name: _rounded(one) for name, one in rows.items()},
                "ratios": {name: verdict.ratios(rows, name) for name in ours},
                "samples_per_scrape": {one.name: one.target.samples for one in contenders},
                "mqtt_per_10_seconds": messages,
                "versions": {name: version(name) for name in _PACKAGES},
            }
        )
    )
    return 0 if met else 1


def _rounded(one: Figures) -> dict[str, float]:
    return {key: round(value, 3) for key, value in msgspec.to_builtins(one).items()}


def _machine() -> str:
    python, kernel = platform.python_version(), platform.release()
    return f"Python {python}, {kernel}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}"


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)
    elif what and not what.endswith("left"):
        print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
