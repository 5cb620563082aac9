"""From a mains cut at the UPS to the retained state at the broker: a hundred flips of a simulated card, each way.

A real agent, a real mosquitto, a card that answers real SNMP. Each flip comes at a random moment between two
polls. By trap the card's trap goes out with the cut (net-snmp's snmptrap), and the agent polls by itself only
each ten minutes. Exit code 0 if the bar (p95 of 2 s, by trap and at a poll a second) is met.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from agent.demo import ups
from bench.measure.packages import need
from bench.measure.verdict import Bar
from stage.process import free_port, program
from tests.e2e.devices import CardThread, section
from tests.e2e.gateway import Gateway

_BAR_SECONDS = 2.0
_LATEST_SECONDS = 30.0
_TRAP = "1.3.6.1.2.1.33.2.1"
_WAYS = {"trap": 600.0, "poll 1 s": 1.0, "poll 2 s": 2.0, "poll 10 s": 10.0}
_USUAL = "trap,poll 1 s,poll 2 s"
_BARRED = ("trap", "poll 1 s")


def main() -> int:
    """Print the table, the verdicts and one line of JSON."""
    arguments = argparse.ArgumentParser(prog="scripts/bench flips", description=__doc__)
    arguments.add_argument("--flips", type=int, default=100, help="of each way")
    arguments.add_argument("--ways", default=_USUAL, help="of " + ", ".join(_WAYS))
    chosen = arguments.parse_args()
    need(["mosquitto", "snmp"])
    found = {way: _flips(way, _WAYS[way], chosen.flips) for way in chosen.ways.split(",")}
    print(f"{'':10}{'flips':>7}{'p50':>8}{'p95':>8}{'longest':>9}   seconds to the retained state")
    for way, took in found.items():
        print(f"{way:10}{len(took):7}{_share(took, 50):8.2f}{_share(took, 95):8.2f}{max(took):9.2f}")
    bars = [Bar(f"{way}, p95", _share(found[way], 95), _BAR_SECONDS, "s") for way in _BARRED if way in found]
    for bar in bars:
        print(bar.words())
    figures = {way: {"p50": _share(took, 50), "p95": _share(took, 95), "max": max(took)} for way, took in found.items()}
    print(
        json.dumps({"bench": "flips", "flips": chosen.flips, "seconds": figures, "met": all(one.met for one in bars)})
    )
    return 0 if all(bar.met for bar in bars) else 1


def _flips(way: str, interval: float, count: int) -> list[float]:
    card = CardThread(ups.identity() | ups.on_mains())
    port = free_port(socket.SOCK_DGRAM)
    tell: Callable[[], None] = (lambda: _send_trap(port)) if way == "trap" else (lambda: None)
    settings = {"interval_seconds": interval, "battery_interval_seconds": min(interval, 2.0), "trap_port": port}
    took = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            with Gateway(Path(directory), section("rack", card, **settings)) as gateway:
                _seconds_until(gateway, "online")
                for number in range(count):
                    time.sleep(random.uniform(1.0, 1.0 + (interval if interval <= 10 else 1.0)))
                    card.update(ups.on_battery(seconds=1, runtime_minutes=20, charge=90))
                    begun = time.monotonic()
                    tell()
                    took.append(_seconds_until(gateway, "on_battery", begun))
                    time.sleep(1.1)  # traps of one second are one poll
                    card.update(ups.on_mains(charge=90))
                    tell()
                    _seconds_until(gateway, "online")
                    _progress(way, number + 1, count)
        finally:
            card.close()
    return took


def _seconds_until(gateway: Gateway, status: str, begun: float | None = None) -> float:
    begun = time.monotonic() if begun is None else begun
    while True:
        power = gateway.ear.states.get("power", {}).get("ups", {}).get("rack", {})
        now = time.monotonic() - begun
        if power.get("status") == status:
            return now
        if now > _LATEST_SECONDS:
            raise SystemExit(f"the state did not become {status} within {_LATEST_SECONDS:.0f} s")
        time.sleep(0.005)


def _send_trap(port: int) -> None:
    command = [program("snmptrap", "snmp"), "-v2c", "-c", "public", f"127.0.0.1:{port}", "", _TRAP]
    subprocess.run(command, check=True, timeout=10, env={"MIBS": ""})


def _share(took: list[float], percent: int) -> float:
    return round(quantiles(took, n=100, method="inclusive")[percent - 1], 3) if len(took) > 1 else took[0]


def _progress(way: str, done: int, count: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == count else "\r"
        print(f"{way}: {done} of {count}", end=end, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
