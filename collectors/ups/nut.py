"""A UPS behind NUT's upsd (TCP 3493, RFC 9271): for USB and serial units, or a site that runs NUT already.

A driver that is dead and data that are stale are communication lost, never the last values.
Reads need no password; upsd may ask for one, then access is denied.
"""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator

from collectors.ups.decode import UpsState
from collectors.ups.facts import Fact, finish, take, text_of
from telemetry.errors import AccessDenied, BadData, CollectError, NotRecognised, TimedOut, Unreachable

PORT = 3493
_MAX_LINES = 2000
_MAX_LINE_BYTES = 4096
_LOST = {"DRIVER-NOT-CONNECTED": "its driver is not running", "DATA-STALE": "its data are stale"}
FACTS = (
    Fact("battery.charge", "charge_ratio", 0.01),
    Fact("battery.runtime", "runtime_seconds"),
    Fact("battery.voltage", "battery_volts"),
    Fact("battery.current", "battery_amperes"),
    Fact("battery.temperature", "temperature_celsius"),
    Fact("ups.temperature", "temperature_celsius"),
    Fact("input.voltage", "input_volts"),
    Fact("input.frequency", "input_hertz"),
    Fact("output.voltage", "output_volts"),
    Fact("output.frequency", "output_hertz"),
    Fact("output.current", "output_amperes"),
    Fact("ups.load", "load_ratio", 0.01),
    Fact("ups.realpower", "output_watts"),
    Fact("ups.power.nominal", "nominal_voltamperes"),
)
# The first that holds. A calibration or self-test runs on battery by intent: it is no outage.
_STATUS = (
    ("CAL", "test"), ("TEST", "test"), ("OB", "on_battery"), ("BYPASS", "bypass"), ("BOOST", "boost"),
    ("TRIM", "trim"), ("ECO", "eco"), ("OL", "online"), ("OFF", "off"),
)  # fmt: skip


def state_of(values: dict[str, str]) -> UpsState:
    """The UpsState of upsd's variables; pure."""
    tokens = values.get("ups.status", "").upper().split()
    state = UpsState(mib="nut")
    state.status = next((word for token, word in _STATUS if token in tokens), "other" if tokens else None)
    if tokens:
        state.battery_low, state.replace_battery, state.overload = "LB" in tokens, "RB" in tokens, "OVER" in tokens
    take(state, FACTS, values)
    state.vendor = text_of(values, "ups.mfr", "device.mfr")
    state.model = text_of(values, "ups.model", "device.model")
    state.serial = text_of(values, "ups.serial", "device.serial")
    state.firmware = text_of(values, "ups.firmware")
    return finish(state)


class NutUps:
    """One UPS of one upsd; a connection a reading. `name` empty: the first that upsd lists."""

    def __init__(self, host: str, port: int, name: str, timeout_seconds: float) -> None:
        self._address, self._name, self._timeout = (host, port), name, timeout_seconds

    async def read(self) -> UpsState:
        """The state now; raises Unreachable, TimedOut, AccessDenied, NotRecognised, BadData."""
        try:
            async with asyncio.timeout(self._timeout):
                return state_of(await self._variables())
        except TimeoutError as problem:
            raise TimedOut(f"no answer from upsd at {self._address[0]}:{self._address[1]}") from problem
        except (OSError, ValueError) as problem:
            raise Unreachable(f"no upsd at {self._address[0]}:{self._address[1]}") from problem

    async def read_source(self) -> UpsState:
        """The same: upsd answers from memory."""
        return await self.read()

    def close(self) -> None:
        """Nothing stays open."""

    async def _variables(self) -> dict[str, str]:
        reader, writer = await asyncio.open_connection(*self._address, limit=_MAX_LINE_BYTES)
        try:
            name = self._name or await self._first(reader, writer)
            rows = [row async for row in _ask(reader, writer, f"LIST VAR {name}")]
            return {row[2]: row[3] for row in rows if len(row) == 4 and row[0] == "VAR"}
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        found = [row[1] async for row in _ask(reader, writer, "LIST UPS") if len(row) > 1 and row[0] == "UPS"]
        if not found:
            raise NotRecognised("upsd knows no UPS")
        return found[0]


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: str) -> AsyncIterator[list[str]]:
    writer.write(question.encode() + b"\n")
    await writer.drain()
    for _ in range(_MAX_LINES):
        line = (await reader.readline()).decode("utf-8", "replace").strip()
        if not line:
            raise BadData("upsd broke off")
        if line.startswith("ERR "):
            raise _error(line[4:].strip())
        if line.startswith("END LIST"):
            return
        if not line.startswith("BEGIN LIST"):
            yield _words(line)
    raise BadData("upsd lists without end")


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as problem:
        raise BadData("upsd sent a line that cannot be read") from problem


def _error(text: str) -> CollectError:
    if text in _LOST:
        return Unreachable(f"upsd has lost the UPS: {_LOST[text]}")
    if text.startswith(("ACCESS-DENIED", "USERNAME-REQUIRED", "PASSWORD-REQUIRED")):
        return AccessDenied("upsd refuses to tell without a password")
    return NotRecognised(f"upsd says {text[:40]}")
