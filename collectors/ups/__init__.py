"""Uninterruptible power supplies over SNMP: one collector a card, so that none delays another.

Sources: RFC 1628 and the vendors' MIBs, as TOML in mibs/. What a card says is believed only after
plausible.py; what it does not say is absent.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from collectors.snmp import Access, AuthProtocol, PrivProtocol, Session, check_credentials, read_secret
from collectors.ups.decode import UpsState
from collectors.ups.outage import Outages
from collectors.ups.plausible import Phases
from collectors.ups.poll import Card
from telemetry import catalogue as names
from telemetry.catalogue import Metric
from telemetry.errors import AccessDenied, CollectError, ConfigError
from telemetry.event import Event
from telemetry.reading import Reading, reading, state_readings

Name = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[[collect.ups]]."""

    name: Name
    """What people here call it; the label of its series."""
    host: str
    """Name or address of the card."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 161
    """UDP port of the card."""
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
        port=config.port,
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
    del state
    found = access(config)
    try:
        check_credentials(found)
    except AccessDenied as problem:
        raise ConfigError(
            "[[collect.ups]]", f"$.{config.name}", str(problem), "user, auth and priv keys of SNMPv3"
        ) from problem
    return Ups(config.name, Session(found))


class Ups:
    """Reads one card and keeps count of its outages."""

    changed: asyncio.Event | None = None

    def __init__(self, name: str, session: Session) -> None:
        self._name = name
        self._session = session
        self._card = Card(session)
        self._outages = Outages(name)
        self._rejected: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._session.close()

    async def collect(self) -> AsyncIterator[Reading | Event]:
        """Everything the card says that can be true; up = 0 and the error if it does not answer."""
        try:
            state = await self._card.read()
        except CollectError:
            yield reading(names.UPS_UP, 0, datetime.now(UTC), ups=self._name)
            raise
        at = datetime.now(UTC)
        event = self._outages.see(state.status or "other", at, state.runtime_seconds)
        if event is not None:
            yield event
        for one in self._readings(state, at):
            yield one

    def _readings(self, state: UpsState, at: datetime) -> Iterator[Reading]:
        ups = self._name
        yield reading(names.UPS_UP, 1, at, ups=ups)
        yield reading(
            names.UPS_INFO, 1, at, ups=ups, mib=state.mib, **{key: _label(getattr(state, key)) for key in _IDENTITY}
        )
        if state.status:
            yield from state_readings(names.UPS_STATUS, "status", state.status, at, ups=ups)
        for metric, value in _scalars(state):
            if value is not None:
                yield reading(metric, value, at, ups=ups)
        for metric, values in _phases(state):
            for phase, value in enumerate(values, 1):
                if value is not None:
                    yield reading(metric, value, at, ups=ups, phase=str(phase))
        yield reading(names.UPS_ON_BATTERY_SECONDS, state.on_battery_seconds or self._outages.seconds(at), at, ups=ups)
        yield reading(names.UPS_TRANSFERS, self._outages.transfers, at, ups=ups)
        for alarm in state.alarms:
            yield reading(names.UPS_ALARM, 1, at, ups=ups, alarm=alarm)
        for rejection in state.rejected:
            self._rejected[rejection.rule] = self._rejected.get(rejection.rule, 0) + 1
        for rule, count in self._rejected.items():
            yield reading(names.UPS_REJECTED, count, at, ups=ups, rule=rule)


_IDENTITY = ("vendor", "model", "serial", "firmware")


def _label(text: str | None) -> str:
    return "".join(c if c.isalnum() or c in "_.:/ -" else "_" for c in text or "")[:48]


def _scalars(state: UpsState) -> list[tuple[Metric, float | None]]:
    return [
        (names.UPS_CHARGE, state.charge_ratio),
        (names.UPS_RUNTIME, state.runtime_seconds),
        (names.UPS_BATTERY_VOLTAGE, state.battery_volts),
        (names.UPS_BATTERY_CURRENT, state.battery_amperes),
        (names.UPS_BATTERY_TEMPERATURE, state.temperature_celsius),
        (names.UPS_BATTERY_LOW, state.battery_low),
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
