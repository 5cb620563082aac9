"""Uninterruptible power supplies over SNMP: one collector a card, so that none delays another.

Sources: RFC 1628 and the vendors' MIBs, as TOML in mibs/. What a card says is believed only after
plausible.py; what it does not say is absent.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, Struct

from collectors.journal import Journal
from collectors.snmp import Access, AuthProtocol, PrivProtocol, Session, check_credentials, read_secret
from collectors.ups import apcupsd, nut
from collectors.ups.apcupsd import ApcupsdUps
from collectors.ups.battery_book import BatteryBook
from collectors.ups.learned import Memory
from collectors.ups.mib import brands
from collectors.ups.nut import NutUps
from collectors.ups.patience import Patient, Reader
from collectors.ups.plausible import Phases
from collectors.ups.poll import Card
from collectors.ups.state import UpsState
from collectors.ups.traps import listen, unlisten
from telemetry import catalogue as names
from telemetry.errors import AccessDenied, CollectError, ConfigError
from telemetry.event import Event
from telemetry.metric import Metric
from telemetry.reading import Reading, reading, state_readings

SNMP_PORT = 161
Name = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[[collect.ups]]."""

    name: Name
    """What people here call it; the label of its series."""
    host: Annotated[str, Meta(min_length=1, max_length=253)]
    """Name or address of the card, or of the machine that NUT or apcupsd runs on."""
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """Where it is not 161 for snmp, 3493 for nut, 3551 for apcupsd."""
    protocol: Literal["snmp", "nut", "apcupsd"] = "snmp"
    """Who speaks for the UPS."""
    nut_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}\Z")] = ""
    """What NUT calls it; empty: the first it lists."""
    trap_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    """UDP port where the card's traps arrive; they only make the agent poll at once. 0: none."""
    snmp: Literal["1", "2c", "3"] = "2c"
    """Version of SNMP; 3 wherever the card can."""
    community: str = "public"
    """For 1 and 2c."""
    community_file: str = ""
    """A file that holds the community instead."""
    user: str = ""
    """For 3."""
    auth: AuthProtocol = "SHA256"
    """For 3: how messages are signed."""
    auth_key_file: str = ""
    """For 3: a file that holds the key, 8 characters or more."""
    priv: PrivProtocol = "AES128"
    """For 3: how messages are encrypted."""
    priv_key_file: str = ""
    """For 3: a file that holds the key, 8 characters or more."""
    timeout_seconds: Annotated[float, Meta(gt=0, le=30)] = 2.0
    """Wait this long for an answer; a question is asked twice."""
    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    """From one reading to the next."""
    battery_interval_seconds: Annotated[float, Meta(ge=0.5, le=3600)] = 2.0
    """The same for source, charge and runtime while on battery."""
    low_charge_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.2
    """Our own battery-low rule: charge below this ..."""
    low_runtime_seconds: Annotated[float, Meta(ge=0)] = 300.0
    """... or runtime below this, on battery, for two readings."""
    deadline_seconds: Annotated[float, Meta(gt=0, le=120)] = 30.0
    """Give up a reading after this long."""

    @property
    def instance(self) -> str:
        """The card's name."""
        return self.name


def access(config: Config) -> Access:
    """The Access of a config, secrets read from their files; raises ConfigError."""
    return Access(
        host=config.host,
        port=config.port or SNMP_PORT,
        version=config.snmp,
        community=read_secret(config.community_file) if config.community_file else config.community,
        user=config.user,
        auth_protocol=config.auth,
        auth_key=read_secret(config.auth_key_file) if config.auth_key_file else "",
        priv_protocol=config.priv,
        priv_key=read_secret(config.priv_key_file) if config.priv_key_file else "",
        timeout_seconds=config.timeout_seconds,
    )


def build(config: Config, state: Path) -> "Ups":
    """The collector of one card; raises ConfigError for an unreadable secret."""
    journal = Journal(state / f"ups-{config.name}.json", config.name)
    book = BatteryBook(state / f"ups-{config.name}-battery.json")
    return Ups(config, Patient(_reader(config, state)), journal, book)


def _reader(config: Config, state: Path) -> Reader:
    timeout = 2 * config.timeout_seconds
    if config.protocol == "nut":
        return NutUps(config.host, config.port or nut.PORT, config.nut_name, timeout)
    if config.protocol == "apcupsd":
        return ApcupsdUps(config.host, config.port or apcupsd.PORT, timeout)
    found = access(config)
    brands()  # a brand file that is wrong is a wrong configuration
    try:
        check_credentials(found)
    except AccessDenied as problem:
        allowed = "user, auth and priv keys of SNMPv3"
        raise ConfigError("[[collect.ups]]", f"$.{config.name}", str(problem), allowed) from problem
    return Card(Session(found), Memory(state / f"ups-{config.name}-card.json"))


class Ups:
    """Reads one card and keeps count of its outages."""

    def __init__(self, config: Config, reader: Reader, journal: Journal, book: BatteryBook) -> None:
        self.changed: asyncio.Event | None = asyncio.Event()
        self.notes: dict[str, Any] = {}
        self._config, self._name = config, config.name
        self._reader = reader
        self._journal, self._book = journal, book
        self._low = LowRule(config.low_charge_ratio, config.low_runtime_seconds)
        self._rejected: dict[str, int] = {}
        self._full_due = 0.0

    async def __aenter__(self) -> Self:
        if self._config.trap_port and self.changed is not None:
            await listen(self._config.trap_port, self._config.host, self._trapped)
        return self

    def _trapped(self) -> None:
        self._full_due = 0.0
        if self.changed is not None:
            self.changed.set()

    async def __aexit__(self, *exc: object) -> None:
        self._reader.close()
        if self._config.trap_port:
            unlisten(self._config.trap_port, self._trapped)

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Everything the card says that can be true; up = 0 and the error if it does not answer.

        On battery the source, charge and runtime are read more often than the rest.
        """
        now = time.monotonic()
        quick = now < self._full_due
        try:
            state = await (self._reader.read_source() if quick else self._reader.read())
        except CollectError:
            yield reading(names.UPS_UP, 0, datetime.now(UTC), ups=self._name)
            raise
        at = datetime.now(UTC)
        for event in self._see(state, at):
            yield event
        if not quick:
            self._full_due = now + 0.9 * self._config.interval_seconds
            rejected = msgspec.to_builtins(state.rejected)
            self.notes = {"mib": state.mib, "rejected": rejected, "battery": self._book.notes(at)}
        for one in self._source(state, at) if quick else self._everything(state, at):
            yield one
        self._come_back_soon(state)

    def _see(self, state: UpsState, at: datetime) -> list[Event]:
        load = max((one for one in state.load_ratio if one is not None), default=None)
        self._journal.tell_time(at)
        event = self._journal.outages.see(state.status or "other", at, state.runtime_seconds, state.charge_ratio, load)
        self._book.see(state, at)
        return self._journal.keep(event)

    def _come_back_soon(self, state: UpsState) -> None:
        if state.status == "on_battery" and self.changed is not None:
            asyncio.get_running_loop().call_later(self._config.battery_interval_seconds, self.changed.set)

    def _source(self, state: UpsState, at: datetime) -> Iterator[Reading]:
        ups = self._name
        yield reading(names.UPS_UP, 1, at, ups=ups)
        if state.status:
            yield from state_readings(names.UPS_STATUS, "status", state.status, at, ups=ups)
        outages = self._journal.outages
        seconds = state.on_battery_seconds or outages.seconds(at)
        low = float(self._low.holds(state.status, state.charge_ratio, state.runtime_seconds))
        for metric, value in (
            (names.UPS_CHARGE, state.charge_ratio),
            (names.UPS_RUNTIME, state.runtime_seconds),
            (names.UPS_BATTERY_LOW, state.battery_low),
            (names.UPS_BATTERY_LOW_RULE, low),
            (names.UPS_ON_BATTERY_SECONDS, seconds),
            (names.UPS_TRANSFERS, outages.transfers),
        ):
            if value is not None:
                yield reading(metric, value, at, ups=ups)

    def _everything(self, state: UpsState, at: datetime) -> Iterator[Reading]:
        ups = self._name
        yield from self._source(state, at)
        identity = {key: _label(getattr(state, key)) for key in _IDENTITY}
        yield reading(names.UPS_INFO, 1, at, ups=ups, mib=state.mib, **identity)
        for metric, value in _scalars(state):
            if value is not None:
                yield reading(metric, value, at, ups=ups)
        for metric, values in _phases(state):
            for phase, value in enumerate(values, 1):
                if value is not None:
                    yield reading(metric, value, at, ups=ups, phase=str(phase))
        yield from self._book.readings(ups, at)
        for alarm in state.alarms:
            yield reading(names.UPS_ALARM, 1, at, ups=ups, alarm=alarm)
        for rejection in state.rejected:
            self._rejected[rejection.rule] = self._rejected.get(rejection.rule, 0) + 1
        for rule, count in self._rejected.items():
            yield reading(names.UPS_REJECTED, count, at, ups=ups, rule=rule)


class LowRule:
    """Our own battery-low: below a threshold on battery, for two readings; cards flag it too late or never."""

    def __init__(self, charge_ratio: float, runtime_seconds: float) -> None:
        self._charge, self._runtime = charge_ratio, runtime_seconds
        self._below = 0

    def holds(self, status: str | None, charge: float | None, runtime: float | None) -> bool:
        """Take one reading; whether the battery is low by it and the one before."""
        low = (charge is not None and charge < self._charge) or (runtime is not None and runtime < self._runtime)
        self._below = self._below + 1 if low and status == "on_battery" else 0
        return self._below >= 2


_IDENTITY = ("vendor", "model", "serial", "firmware")


def _label(text: str | None) -> str:
    return "".join(c if c.isalnum() or c in "_.:/ -" else "_" for c in text or "")[:48]


def _scalars(state: UpsState) -> list[tuple[Metric, float | None]]:
    return [
        (names.UPS_BATTERY_VOLTAGE, state.battery_volts),
        (names.UPS_BATTERY_CURRENT, state.battery_amperes),
        (names.UPS_BATTERY_TEMPERATURE, state.temperature_celsius),
        (names.UPS_BATTERY_REPLACE, state.replace_battery),
        (names.UPS_OVERLOAD, state.overload),
        (names.UPS_INPUT_FREQUENCY, state.input_hertz),
        (names.UPS_OUTPUT_POWER, state.output_watts),
    ]


def _phases(state: UpsState) -> list[tuple[Metric, Phases]]:
    return [
        (names.UPS_INPUT_VOLTAGE, state.input_volts),
        (names.UPS_OUTPUT_VOLTAGE, state.output_volts),
        (names.UPS_OUTPUT_LOAD, state.load_ratio),
    ]
