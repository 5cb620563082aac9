"""A UPS behind NUT's upsd (TCP 3493, RFC 9271): for USB and serial units, or a site that runs NUT already.

A driver that is dead and data that are stale are communication lost, never the last values. A charge
that a driver only guesses is absent. Reads need no password; upsd may ask for one, then access is denied.

Sources: RFC 9271; NUT's docs/new-drivers.txt (the words of ups.status), docs/nut-names.txt, the manual
pages of nutdrv_qx and usbhid-ups.
"""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator

from collectors.ups.facts import Fact, believed, finish, take, text_of
from collectors.ups.plausible import Rejection
from collectors.ups.state import UpsState
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
    ("CAL", "test"), ("TEST", "test"), ("OFF", "off"), ("OB", "on_battery"), ("BYPASS", "bypass"), ("BOOST", "boost"),
    ("TRIM", "trim"), ("ECO", "eco"), ("OL", "online"),
)  # fmt: skip
_ALARMS = (
    ("replace battery", "battery_bad"), ("no battery", "no_batteries"), ("charger", "charger_failed"),
    ("temperature", "temperature_bad"), ("overheat", "temperature_bad"), ("fan", "fan_failure"),
    ("overload", "output_overload"), ("shutdown imminent", "shutdown_imminent"), ("shutting down", "shutdown_imminent"),
    ("awaiting power", "awaiting_power"), ("selftest failed", "diagnostic_test_failed"),
)  # fmt: skip
"""What the free text of ups.alarm speaks of -> the alarm's name; the text itself goes nowhere."""
_GUESSING = ("nutdrv_qx", "blazer_usb", "blazer_ser")
_GUESSED = (("charge_ratio", "battery.charge"), ("runtime_seconds", "battery.runtime"))


def state_of(values: dict[str, str]) -> UpsState:
    """The UpsState of upsd's variables; pure."""
    tokens = set(values.get("ups.status", "").upper().split())
    state = UpsState(mib="nut")
    state.communicating = False if "WAIT" in tokens else None  # a driver that has told upsd nothing yet
    if tokens:
        state.battery_low, state.replace_battery, state.overload = "LB" in tokens, "RB" in tokens, "OVER" in tokens
    take(state, FACTS, values)
    if _guesses(values):
        _drop_guesses(state, values)
    state.status = _status(tokens, state)
    state.alarms = _alarms(tokens, values.get("ups.alarm", ""))
    state.vendor = text_of(values, "ups.mfr", "device.mfr")
    state.model = text_of(values, "ups.model", "device.model")
    state.serial = text_of(values, "ups.serial", "device.serial")
    state.firmware = text_of(values, "ups.firmware")
    return finish(state)


def _status(tokens: set[str], state: UpsState) -> str | None:
    if "OFF" in tokens and (any(state.output_volts) or any(state.load_ratio)):
        tokens = tokens - {"OFF"}  # a running load outranks OFF (NUT issues 2278, 2104)
    if {"OL", "DISCHRG"} <= tokens and not any(state.input_volts):
        # CyberPower UT says so when mains is gone, APC BK650M2 while it is there (NUT pull 811, issue 1970).
        tokens = tokens - {"OL"} | ({"OB"} if state.input_volts else set())
    return next((word for token, word in _STATUS if token in tokens), "other" if tokens else None)


def _alarms(tokens: set[str], text: str) -> list[str]:
    text = text.lower()
    found = {name for words, name in _ALARMS if words in text}
    if "FSD" in tokens:
        found.add("shutdown_imminent")
    if not found and ("ALARM" in tokens or text):
        found.add("general_fault")
    return sorted(found)


def _guesses(values: dict[str, str]) -> bool:
    """Whether charge and runtime are drawn from the battery's voltage alone (nutdrv_qx(8), "Battery charge").

    Of its protocols Voltronic's own reports both; with runtimecal the driver keeps count of what flows.
    """
    if values.get("driver.name") not in _GUESSING or values.get("driver.parameter.runtimecal"):
        return False
    return not values.get("driver.version.data", "").startswith("Voltronic ")


def _drop_guesses(state: UpsState, values: dict[str, str]) -> None:
    for field, name in _GUESSED:
        if getattr(state, field) is not None:
            setattr(state, field, None)
            state.rejected.append(Rejection(name, values[name][:32], "guessed"))


class NutUps:
    """One UPS of one upsd; a connection a reading. `name` empty: the first that upsd lists."""

    def __init__(self, host: str, port: int, name: str, timeout_seconds: float) -> None:
        self._address, self._name, self._timeout = (host, port), name, timeout_seconds

    async def read(self) -> UpsState:
        """The state now; raises Unreachable, TimedOut, AccessDenied, NotRecognised, BadData."""
        try:
            async with asyncio.timeout(self._timeout):
                return believed(state_of(await self._variables()), "upsd")
        except TimeoutError as problem:
            raise TimedOut(f"no answer from upsd at {self._address[0]}:{self._address[1]}") from problem
        except ValueError as problem:
            raise BadData("upsd sent a line without end") from problem
        except OSError as problem:
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
            try:
                rows = [row async for row in _ask(reader, writer, f"LIST VAR {name}")]
            except UnknownUps as problem:
                raise UnknownUps(_known(name, await _names(reader, writer))) from problem
            return {row[2]: row[3] for row in rows if len(row) == 4 and row[0] == "VAR"}
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        found = await _names(reader, writer)
        if not found:
            raise NotRecognised("upsd knows no UPS")
        return found[0]


class UnknownUps(NotRecognised):
    """upsd has no UPS of that name."""


async def _names(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[str]:
    return [row[1] async for row in _ask(reader, writer, "LIST UPS") if len(row) > 1 and row[0] == "UPS"]


def _known(name: str, names: list[str]) -> str:
    return f"upsd has no UPS {name!r}; it has: {', '.join(repr(one) for one in names) or 'none'}"


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
    if text == "UNKNOWN-UPS":
        return UnknownUps("upsd has no such UPS")
    return NotRecognised(f"upsd says {text[:40]}")
