"""What a UPS poll costs: our agent beside Debian's snmp_exporter on the same card, and a day of polls in one go.

First windows in which the agent with one UPS, the same agent without, and the exporter run at once at one
interval; the card is a recorded walk, one port each, so that packets are counted apart. Then the collector
alone, a day's number of polls without the waits: plain, with each fourth packet lost, and with SNMPv3.
Exit code 0 if the bars of the day are met, 1 if not; dearer or not than the exporter is a goal.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from msgspec import Struct

from agent.demo.card import CardValue
from bench.measure import day
from bench.measure.counting import Cards, CountingCard, Traffic
from bench.measure.far_side import FarSide
from bench.measure.packages import need, version
from bench.measure.rounds import Window, window
from bench.measure.scraper import Scraper
from bench.measure.verdict import Bar, line
from bench.peers import exporters, recorded
from bench.peers.agent import Gateway, debian_runs_it, python
from bench.peers.contender import ROOT, Contender
from bench.peers.installed import install
from collectors.snmp import Access, Session
from collectors.ups.detect import detect
from collectors.ups.learned import Memory
from collectors.ups.poll import Card
from stage.parts import broker
from tests.devices.recordings import recording

_PACKAGES = ("mosquitto", "prometheus-snmp-exporter", "snmpd")
_LEARNING_POLLS = 4
_SHORT = 0.1
"""Seconds for an answer from the card that loses packets: 2 s would make a day of it."""
_LOST, _V3 = "each fourth packet lost", "v3 SHA256/AES128"
_AGENT, _BARE, _UPS, _EXPORTER = "agent, one UPS", "agent, no UPS", "the UPS, by difference", "snmp_exporter"
_NOT_ALIKE = """\
Not like for like, read before quoting a ratio:
- snmp_exporter asks only when scraped, keeps nothing and tells nobody: a Prometheus beside it is not counted. Our
  agent decodes (states, plausibility, units, alarms), commits each reading to SQLite, publishes it by MQTT and serves
  /metrics. The difference of our two agents holds all of that for the series of the UPS; reading the host is in both.
- Both read the same numbers of the card. The exporter's module is written by hand as one GET, its cheapest: a module
  as its generator writes them walks tables. Ours asks for texts and absent objects as well, once an hour.
- The exporter's memory is a whole program's, the difference is what the UPS adds to a program that is there anyway.
- Processor time is that of whole processes; the row of the agent without UPS is by the polls of the other.
- In the day nothing waits: caches are warm, so a poll is cheaper than at its interval. pysnmp's own clock is moved on
  by 10 s a poll, so that it forgets when it would; asyncio's is not."""


class Turn(Struct, frozen=True):
    """One window: what each cost, what each card saw."""

    agent: Window
    bare: Window
    exporter: Window
    agent_traffic: Traffic
    exporter_traffic: Traffic


class Cost(Struct, frozen=True):
    """Medians over the turns: MiB of RSS, processor ms a poll with least and most, packets and bytes a poll."""

    rss: float
    ms: float
    ms_low: float
    ms_high: float
    packets: float = 0.0
    octets: float = 0.0


def main() -> int:
    options = _options()
    need(_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="bench-ups-") as scratch, ExitStack() as stack:
        directory = Path(scratch)
        installed = install(ROOT, directory / "installed")
        cards = stack.enter_context(Cards())
        values = recording(options.card)
        status, oids = asyncio.run(_asked(values))
        turns = _side_by_side(directory, installed, cards, values, status, oids, options)
        days = _days(directory, installed, cards, values, status, options)
    return _report(_costs(turns), days, oids, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench ups", description="What a poll of a UPS costs.")
    parser.add_argument("--card", default="eaton-9px-partial", help="a recording of snmpsim-data")
    parser.add_argument("--rounds", type=int, default=5, help="windows, one after the other")
    parser.add_argument("--seconds", type=float, default=120.0, help="length of a window (120: one batch)")
    parser.add_argument("--warm-up", type=float, default=45.0, metavar="SECONDS", help="before the first")
    parser.add_argument("--polls", type=int, default=8640, help="of the day")
    parser.add_argument("--warm-up-polls", type=int, default=300, help="before memory is taken")
    return parser.parse_args()


async def _asked(values: dict[str, CardValue]) -> tuple[str, list[str]]:
    """The status object, and the numbers that our collector GETs at each poll once it knows the card."""
    probing = CountingCard(values, "1.3.6.1.2.1.1.2.0")
    async with Session(Access(host="127.0.0.1", port=await probing.serve())) as session:
        found, card = await detect(session, Memory()), Card(session)
        for _ in range(_LEARNING_POLLS):
            await card.read()
        probing.asked.clear()
        await card.read()
    probing.close()
    known = recorded.numbers(values)
    return found.mib.probe, [oid for oid in dict.fromkeys(probing.asked) if oid in known]


def _side_by_side(
    directory: Path, installed: Path, cards: Cards, values: dict[str, CardValue], status: str, oids: Sequence[str],
    options: argparse.Namespace,
) -> list[Turn]:  # fmt: skip
    with ExitStack() as stack:
        part, port = broker(directory / "broker")
        stack.enter_context(part)
        stack.callback(FarSide(port).close)
        ours, theirs = CountingCard(values, status), CountingCard(values, status)
        gateway = Gateway(directory / "agents", installed, {"broker": port, "card": cards.serve(ours)})
        debian = debian_runs_it()
        contenders = [
            gateway.agent(_AGENT, "SIM-BENCH-1", debian=debian),
            gateway.agent(_BARE, "SIM-BENCH-2", debian=debian, ups=False),
            exporters.snmp(directory / "snmp", cards.serve(theirs), oids),
        ]
        for one in contenders:
            stack.enter_context(one.part)
        scraper = Scraper(one.target for one in contenders)
        scraper.start()
        stack.callback(scraper.stop)
        _say(f"warming up, {options.warm_up:.0f} s")
        time.sleep(options.warm_up)
        turns = [_turn(contenders, ours, theirs, number, options) for number in range(1, options.rounds + 1)]
    _check(contenders)
    return turns


def _turn(
    contenders: Sequence[Contender], ours: CountingCard, theirs: CountingCard, number: int, options: argparse.Namespace
) -> Turn:
    before = ours.traffic, theirs.traffic
    say = partial(_tell_left, number, options.rounds)
    agent, bare, exporter = window([one.part.pid for one in contenders], options.seconds, say)
    return Turn(agent, bare, exporter, ours.traffic.since(before[0]), theirs.traffic.since(before[1]))


def _check(contenders: Sequence[Contender]) -> None:
    """A program that did not do its job is not compared."""
    failed = [
        f"{one.name}: {one.target.bad} bad scrapes, last {one.target.problem}"
        for one in contenders
        if one.target.good < 3 * one.target.bad + 1
    ]
    if failed:
        raise SystemExit("These did not answer as they should, nothing is compared:\n" + "\n".join(failed))


def _days(
    directory: Path, installed: Path, cards: Cards, values: dict[str, CardValue], status: str,
    options: argparse.Namespace,
) -> dict[str, day.Day]:  # fmt: skip
    """The three days, all at once: what each holds does not depend on the others."""
    _say(f"three days of {options.polls} polls")
    plain, lossy = CountingCard(values, status), CountingCard(values, status)
    lossy.lose_every = 4
    with ExitStack() as stack:
        agent, port = recorded.snmpd(directory / "snmpd", options.card)
        stack.enter_context(agent)
        settings: dict[str, dict[str, Any]] = {
            "v2c": {"port": cards.serve(plain)},
            _LOST: {"port": cards.serve(lossy), "timeout_seconds": _SHORT},
            _V3: {"port": port, **_v3(directory)},
        }
        runs = {}
        for number, (name, own) in enumerate(settings.items()):
            ups = {"name": "rack", "host": "127.0.0.1", **own}
            polls = options.warm_up_polls, options.polls
            run = day.Run(python(debian=debian_runs_it()), installed, directory / f"day-{number}", ups, polls)
            stack.callback(run.kill)
            runs[name] = run
        found = {name: run.result() for name, run in runs.items()}
    counted = {"v2c": plain.traffic.packets, _LOST: lossy.traffic.packets}
    return {
        name: day.Day(one, counted[name] / one[-1].polls if name in counted else None) for name, one in found.items()
    }


def _v3(directory: Path) -> dict[str, Any]:
    files = {}
    for name, key in (("auth", recorded.AUTH_KEY), ("priv", recorded.PRIV_KEY)):
        file = directory / f"{name}.key"
        file.write_text(key + "\n")
        files[f"{name}_key_file"] = str(file)
    return {"snmp": "3", "user": recorded.USER, "auth": "SHA256", "priv": "AES128", **files}


def _costs(turns: Sequence[Turn]) -> dict[str, Cost]:
    ours, theirs = [one.agent_traffic for one in turns], [one.exporter_traffic for one in turns]
    agent, bare, exporter = ([getattr(one, name) for one in turns] for name in ("agent", "bare", "exporter"))
    rss = {name: median(one.memory.resident for one in found) for name, found in
           ((_AGENT, agent), (_BARE, bare), (_EXPORTER, exporter))}  # fmt: skip
    differences = [one.processor_seconds - other.processor_seconds for one, other in zip(agent, bare, strict=True)]
    return {
        _AGENT: _cost(rss[_AGENT], [one.processor_seconds for one in agent], ours),
        _BARE: msgspec.structs.replace(
            _cost(rss[_BARE], [one.processor_seconds for one in bare], ours), packets=0.0, octets=0.0
        ),
        _UPS: _cost(rss[_AGENT] - rss[_BARE], differences, ours),
        _EXPORTER: _cost(rss[_EXPORTER], [one.processor_seconds for one in exporter], theirs),
    }


def _cost(rss: float, seconds: Sequence[float], traffic: Sequence[Traffic]) -> Cost:
    ms = [1000 * took / one.polls for took, one in zip(seconds, traffic, strict=True)]
    packets = median(one.packets / one.polls for one in traffic)
    return Cost(rss, median(ms), min(ms), max(ms), packets, median(one.octets / one.polls for one in traffic))


def _report(costs: dict[str, Cost], days: dict[str, day.Day], oids: Sequence[str], options: argparse.Namespace) -> int:
    interpreter = "Debian's Python" if debian_runs_it() else ".venv's Python"
    print(f"{options.card}, {len(oids)} numbers; {options.rounds} windows of {options.seconds:.0f} s at 10 s;")
    print(f"agent on {interpreter}; {_machine()}")
    print("\n".join(_table(costs)))
    ratios = _ratios(costs)
    for name, found in ratios.items():
        print(f"{name}: " + ", ".join(f"{value:.2f}x {what}" for what, value in found.items()) + f" of {_EXPORTER}")
    goals = [Bar(f"{_UPS}, {what} of {_EXPORTER}", ratios[_UPS][what], 1, "x", "goal") for what in ("CPU", "RSS")]
    print("\n".join(one.words() for one in goals))
    print(f"\nA day: {options.polls} polls of the collector alone, memory (MiB) from poll {options.warm_up_polls} on")
    print("\n".join(day.table(days)))
    bars = [bar for name, one in days.items() for bar in one.bars(name)]
    print("\n".join(one.words() for one in bars))
    print(_NOT_ALIKE)
    met = all(one.met for one in bars)
    print(
        json.dumps(
            {
                "bench": "ups",
                "met": met,
                "bar": {one.what: [round(one.seen, 3), one.limit] for one in bars},
                "goal": {one.what: [round(one.seen, 3), one.limit] for one in goals},
                "units": "rss: MiB; ms: processor ms a poll; octets: UDP payload a poll; seconds: processor",
                "card": options.card,
                "numbers": len(oids),
                "rounds": options.rounds,
                "seconds": options.seconds,
                "python": interpreter,
                "machine": _machine(),
                "rows": msgspec.to_builtins(costs),
                "ratios": ratios,
                "days": {name: msgspec.to_builtins(one) for name, one in days.items()},
                "versions": {name: version(name) for name in _PACKAGES},
            }
        )
    )
    return 0 if met else 1


def _table(costs: dict[str, Cost]) -> list[str]:
    widths = (30, 8, 10, 16, 10, 9)
    rows = [line(("", "RSS", "ms/poll", "(min-max)", "packets", "bytes"), widths)]
    for name, one in costs.items():
        spread = f"({one.ms_low:.2f}-{one.ms_high:.2f})"
        cells = (name, f"{one.rss:.1f}", f"{one.ms:.2f}", spread, f"{one.packets:.2f}", f"{one.octets:.0f}")
        rows.append(line(cells, widths))
    return rows


def _ratios(costs: dict[str, Cost]) -> dict[str, dict[str, float]]:
    """Ours divided by theirs."""
    peer = costs[_EXPORTER]
    found = {}
    for name in (_AGENT, _UPS):
        one = costs[name]
        pairs = {"CPU": (one.ms, peer.ms), "RSS": (one.rss, peer.rss), "packets": (one.packets, peer.packets),
                 "bytes": (one.octets, peer.octets)}  # fmt: skip
        found[name] = {what: round(ours / theirs, 2) for what, (ours, theirs) in pairs.items()}
    return found


def _machine() -> str:
    return f"{platform.release()}, {os.cpu_count()} CPUs, load {os.getloadavg()[1]:.1f}"


def _tell_left(number: int, rounds: int, left: float) -> None:
    _say(f"round {number} of {rounds}, {left:.0f} s left")


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)
    elif what and not what.endswith("left"):
        print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
