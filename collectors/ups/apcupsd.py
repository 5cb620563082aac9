"""A UPS behind apcupsd's network information server (TCP 3551): APC units on USB or serial.

COMMLOST is communication lost, never the last values. A self-test or a calibration runs on battery by
intent: it is no outage. Source: apcupsd manual, "NIS protocol" and "Status report fields"; STATFLAG
holds the same flags as STATUS, whose words SHUTTING DOWN hide all others.
"""

import asyncio
import contextlib

from collectors.ups.facts import Fact, believed, finish, take, text_of
from collectors.ups.state import UpsState
from telemetry.errors import BadData, TimedOut, Unreachable

PORT = 3551
_MAX_RECORDS = 200
FACTS = (
    Fact("BCHARGE", "charge_ratio", 0.01),
    Fact("TIMELEFT", "runtime_seconds", 60),
    Fact("TONBATT", "on_battery_seconds"),
    Fact("BATTV", "battery_volts"),
    Fact("ITEMP", "temperature_celsius"),
    Fact("LINEV", "input_volts"),
    Fact("LINEFREQ", "input_hertz"),
    Fact("OUTPUTV", "output_volts"),
    Fact("LOADPCT", "load_ratio", 0.01),
    Fact("OUTCURNT", "output_amperes"),
)
_STATUS = (
    ("CAL", "test"), ("ONBATT", "on_battery"), ("BOOST", "boost"), ("TRIM", "trim"), ("ONLINE", "online"),
)  # fmt: skip
_FLAGS = (
    "CAL", "TRIM", "BOOST", "ONLINE", "ONBATT", "OVERLOAD", "LOWBATT", "REPLACEBATT", "COMMLOST", "SHUTTING",
)  # fmt: skip
"""Bits 0 to 9 of STATFLAG, as the words of STATUS."""
_ALARMS = {"NOBATT": "no_batteries", "SHUTTING": "shutdown_imminent"}


def state_of(values: dict[str, str]) -> UpsState:
    """The UpsState of a status report; pure."""
    tokens = {*values.get("STATUS", "").upper().split(), *_flags(values.get("STATFLAG", ""))}
    state = UpsState(mib="apcupsd", vendor="APC")
    state.communicating = False if "COMMLOST" in tokens else None
    state.status = _status(tokens, values)
    if tokens:
        state.battery_low = "LOWBATT" in tokens
        state.replace_battery = "REPLACEBATT" in tokens
        state.overload = "OVERLOAD" in tokens
        state.alarms = sorted(name for token, name in _ALARMS.items() if token in tokens)
    take(state, FACTS, values)
    state.model = text_of(values, "MODEL", "APCMODEL")
    state.serial = text_of(values, "SERIALNO")
    state.firmware = text_of(values, "FIRMWARE")
    return finish(state)


def _status(tokens: set[str], values: dict[str, str]) -> str | None:
    """The source of the output; off, asleep and bypass have no word there and are `other`."""
    tested = values.get("SELFTEST") == "IP" or "self test" in values.get("LASTXFER", "").lower()
    if "ONBATT" in tokens and tested:
        return "test"
    return next((word for token, word in _STATUS if token in tokens), "other" if "STATUS" in values else None)


def _flags(text: str) -> list[str]:
    """0x05000008 -> ONLINE; nothing for what is no number."""
    try:
        bits = int(text.partition(" ")[0], 16)
    except ValueError:
        return []
    return [word for place, word in enumerate(_FLAGS) if bits >> place & 1]


class ApcupsdUps:
    """One apcupsd; a connection a reading."""

    def __init__(self, host: str, port: int, timeout_seconds: float) -> None:
        self._address, self._timeout = (host, port), timeout_seconds

    async def read(self) -> UpsState:
        """The state now; raises Unreachable, TimedOut, NotRecognised, BadData."""
        try:
            async with asyncio.timeout(self._timeout):
                return believed(state_of(await self._report()), "apcupsd")
        except TimeoutError as problem:
            raise TimedOut(f"no answer from apcupsd at {self._address[0]}:{self._address[1]}") from problem
        except OSError as problem:
            raise Unreachable(f"no apcupsd at {self._address[0]}:{self._address[1]}") from problem

    async def read_source(self) -> UpsState:
        """The same: apcupsd answers from memory."""
        return await self.read()

    def close(self) -> None:
        """Nothing stays open."""

    async def _report(self) -> dict[str, str]:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(b"\x00\x06status")
            await writer.drain()
            found: dict[str, str] = {}
            for _ in range(_MAX_RECORDS):
                size = int.from_bytes(await reader.readexactly(2), "big")
                if size == 0:
                    return found
                line = (await reader.readexactly(size)).decode("ascii", "replace")
                key, _, value = line.partition(":")
                found[key.strip()] = value.strip()
        except asyncio.IncompleteReadError as problem:
            raise BadData("apcupsd broke off") from problem
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        raise BadData("apcupsd reports without end")
