"""speedtest: one throughput test, with its rate on the terminal while it runs and a verdict in words."""

import asyncio
import importlib
import json
import shutil
import sys
from argparse import ArgumentTypeError, Namespace
from typing import Any

from agent.commands.words import coloured

EXIT_NOT_MEASURED = 6
_GOOD, _POOR = 0.8, 0.5
_BITS_PER_MEGABIT = 1e6
_BAR_CELLS = 24
_MAX_BYTES, _MAX_BYTES_IN_FULL = 60_000_000, 2_000_000_000
_REASONS = {
    "unreachable": "the server cannot be reached",
    "timed_out": "the server does not answer",
    "no_such_name": "no such name",
    "bad_url": "the server must be http://host[:port]/, without TLS",
    "server_busy": "the server is busy; try again later",
    "no_data": "nothing came",
    "stalled": "the flow stood still",
    "reset": "the connection broke",
    "closed": "the server ended the connection",
}


def contract(text: str) -> tuple[float, float]:
    """DOWN[/UP] in Mbit/s -> bytes/s each; 0 for what is not said."""
    try:
        rates = [float(word) * _BITS_PER_MEGABIT / 8 for word in text.split("/")]
    except ValueError:
        rates = []
    if not 1 <= len(rates) <= 2 or not all(0 <= rate < float("inf") for rate in rates):
        raise ArgumentTypeError(f"{text!r} is not DOWN or DOWN/UP in Mbit/s, such as 20/5")
    return rates[0], rates[1] if len(rates) > 1 else 0.0


def speedtest(arguments: Namespace) -> int:
    """Words, or one JSON object; exit 6 if a direction was not measured."""
    engines: Any = importlib.import_module("collectors.internet.engines")
    child: Any = importlib.import_module("collectors.internet.engines.child")
    promised = dict(zip(("down", "up"), arguments.contract, strict=True))
    request = engines.Request(
        engine=arguments.engine, server=arguments.server, interface=arguments.interface,
        directions=("down", "up") if arguments.direction == "both" else (arguments.direction,),
        test_class="sustained" if arguments.full else getattr(arguments, "class"),
        max_bytes=arguments.max_bytes or (_MAX_BYTES_IN_FULL if arguments.full else _MAX_BYTES),
        min_seconds=engines.INSTALLATION_SECONDS if arguments.full else 0.0,
        contract_down=promised["down"], contract_up=promised["up"], progress=sys.stderr.isatty(),
    )  # fmt: skip
    length = f", {request.min_seconds:.0f} s or longer each way" if arguments.full else ""
    print(f"Measuring against {arguments.server}{length} ...", file=sys.stderr)
    live = Live(promised)
    result = asyncio.run(child.measure(request, live.show))
    live.clear()
    if arguments.json:
        print(json.dumps(result.plain()))
    else:
        for direction in request.directions:
            _say(direction, result.measured(direction), result.failed.get(direction, ""), promised[direction])
    return EXIT_NOT_MEASURED if result.failed else 0


def _say(direction: str, found: Any, failed: str, promised: float) -> None:
    name = f"{direction:<5}"
    if found is None:
        print(coloured("bad", f"{name}not measured: {_REASONS.get(failed, failed)}"))
        return
    level, text = verdict(found.line_bytes_per_second, promised, at_least=found.stop == "cap")
    print(f"{name}{text}" if not level else coloured(level, f"{name}{text}"))
    for line in details(found):
        print(f"  {line}")


def verdict(rate: float, promised: float, *, at_least: bool = False) -> tuple[str, str]:
    """A rate in bytes/s against the promise, in words; the level is empty when there is no promise."""
    speed = f"{'at least ' if at_least else ''}{_megabits(rate)} Mbit/s"
    if not promised:
        return "", speed
    ratio = rate / promised
    level, word = ("good", "good") if ratio >= _GOOD else ("bad", "bad") if ratio < _POOR else ("warning", "poor")
    if at_least and level != "good":
        level, word = "unknown", "the byte limit came too early to tell"
    return level, f"{speed}, {ratio:.0%} of the contract: {word}".replace("%", " %")


def details(found: Any) -> list[str]:
    """What else a person should know of one direction."""
    lines = []
    if found.rtt_idle_seconds is not None:
        loaded = "" if found.rtt_loaded_seconds is None else f", {found.rtt_loaded_seconds * 1e3:.0f} ms under load"
        lines.append(f"round trip {found.rtt_idle_seconds * 1e3:.0f} ms{loaded}")
    lines.append(f"{found.seconds:.1f} s, {found.wire_bytes / 1e6:.1f} MB")
    if found.own_bytes_per_second < 0.9 * found.line_bytes_per_second:
        lines.append(f"others used the line too: our part was {_megabits(found.own_bytes_per_second)} Mbit/s")
    if found.variable:
        lines.append("the rate changed while it was measured")
    if found.cpu_limited:
        lines.append("this machine was the limit: the line may be faster")
    return lines


def _megabits(rate: float) -> str:
    return f"{rate * 8 / _BITS_PER_MEGABIT:.3g}" if rate < 12.5e6 else f"{rate * 8 / _BITS_PER_MEGABIT:.0f}"


class Live:
    """The rate on one line of a terminal, as a bar up to the contract, or to the fastest moment so far."""

    def __init__(self, promised: dict[str, float]) -> None:
        self._full = dict(promised)
        self._shown = False

    def show(self, progress: Any) -> None:
        """One moment."""
        full = self._full[progress.direction] = max(self._full[progress.direction], progress.bytes_per_second)
        cells = round(_BAR_CELLS * progress.bytes_per_second / full) if full else 0
        bar = "█" * cells + "░" * (_BAR_CELLS - cells)
        text = (
            f"{progress.direction:<5}{bar} {_megabits(progress.bytes_per_second):>5} Mbit/s {progress.seconds:4.1f} s"
        )
        print(f"\r{text[: shutil.get_terminal_size().columns - 1]}\033[K", end="", file=sys.stderr, flush=True)
        self._shown = True

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
