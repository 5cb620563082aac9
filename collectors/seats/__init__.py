"""Seats: occupied, free or unknown, by space. Seats are counted, never people; names stay here.

Evidence comes from sensors on the local MQTT broker and from check-ins. No evidence is unknown.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self

from msgspec import Meta, Struct

from collectors.mqtt import BrokerConfig, MqttListener, MqttMessage
from collectors.seats.map import Seat, Sensor, Space, read_map
from collectors.seats.occupancy import Decision, Occupancy, Signal
from collectors.seats.payloads import parse, topics
from collectors.seats.sources.checkins import checked_in
from collectors.seats.sources.sensors import apply, signal_of
from telemetry import catalogue as names
from telemetry.errors import BadData, CollectError, Unreachable
from telemetry.event import Event
from telemetry.reading import Reading, reading

log = logging.getLogger(__name__)
_BROKER_GRACE_SECONDS = 60.0


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[collect.seats]."""

    map: str
    """The seat map; see config/seats.toml."""
    broker: BrokerConfig | None = None
    checkins_file: str = ""
    """CSV of check-ins; empty: none."""
    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 30.0
    """From one reading to the next; a seat that changes is read at once."""
    deadline_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Give up a reading after this long."""

    @property
    def instance(self) -> str:
        """There is one seat map."""
        return "map"


def build(config: Config, state: Path) -> "Seats":
    """The collector of the seat map; raises ConfigError for a map or a secret that cannot be used."""
    del state
    return Seats(config, read_map(Path(config.map)), config.broker.password() if config.broker else "")


class Place:
    """One seat of the map with its signals."""

    def __init__(self, space: Space, seat: Seat) -> None:
        self.space, self.seat = space, seat
        self.sensors = {sensor: signal_of(sensor) for sensor in seat.sensors}
        self.checkins = Signal("checkins") if seat.checkins else None
        signals = [*self.sensors.values(), *([self.checkins] if self.checkins else [])]
        self.occupancy = Occupancy(signals)
        self.decision = Decision("unknown", "no_source", None, conflict=False)


class Seats:
    """Listens all the time, decides at each collection and at each message."""

    settle_seconds = 2.0

    def __init__(self, config: Config, spaces: tuple[Space, ...], password: str) -> None:
        self.changed: asyncio.Event | None = asyncio.Event()
        self._config = config
        self._spaces = spaces
        self._places = [Place(space, seat) for space in spaces for seat in space.seat]
        self._by_topic = _by_topic(self._places)
        self._sensors = self._listener(config, password)
        self._tally = Tally()

    def _listener(self, config: Config, password: str) -> MqttListener | None:
        broker = config.broker
        if broker is None or not self._by_topic:
            return None
        return MqttListener(broker.host, broker.port, broker.username, password, list(self._by_topic), self._on_message)

    async def __aenter__(self) -> Self:
        if self._sensors is not None:
            self._sensors.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._sensors is not None:
            self._sensors.stop()

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Counts by space; raises CollectError for a source that cannot be read."""
        at, now = datetime.now(UTC), time.monotonic()
        problem = self._read_checkins(at, now)
        self._silence_lost_broker()
        self._decide(now)
        for one in (*self._counts(at), *self._sensor_counts(at, now)):
            yield one
        if problem is not None:
            raise problem
        if self._sensors is not None and self._sensors.lost_seconds() > _BROKER_GRACE_SECONDS:
            raise Unreachable("the sensors' broker does not answer")
        if not self._by_topic and not self._config.checkins_file:
            raise BadData("no seat has a source: every seat is unknown")

    def _on_message(self, message: MqttMessage) -> None:
        now = time.monotonic()
        for place, sensor in self._by_topic.get(message.topic, ()):
            update = parse(sensor, message.topic, message.payload)
            if update is not None:
                apply(place.sensors[sensor], update, retained=message.retained, now=now)
        if self._decide(now) and self.changed is not None:
            self.changed.set()

    def _read_checkins(self, at: datetime, now: float) -> CollectError | None:
        if not self._config.checkins_file:
            return None
        try:
            seats, age = checked_in(Path(self._config.checkins_file), at)
        except CollectError as problem:
            return problem
        for place in self._places:
            if place.checkins is not None:
                place.checkins.say(place.seat.name in seats, now - age)
        return None

    def _silence_lost_broker(self) -> None:
        if self._sensors is None or self._sensors.lost_seconds() <= _BROKER_GRACE_SECONDS:
            return
        for place in self._places:
            for signal in place.sensors.values():
                signal.verdict, signal.online = None, None

    def _decide(self, now: float) -> bool:
        """Decide every seat; True if one changed."""
        changed = False
        for place in self._places:
            before = place.decision
            self._tally.pass_time(place, now)
            place.decision = place.occupancy.decide(now)
            if place.decision.state != before.state:
                changed = True
                self._tally.turn(place, before)
            if place.decision.conflict and not before.conflict:
                self._tally.conflicts[place.space.kind] = self._tally.conflicts.get(place.space.kind, 0) + 1
        return changed

    def _counts(self, at: datetime) -> Iterator[Reading]:
        for space in self._spaces:
            places = [place for place in self._places if place.space is space]
            own = {"space": space.name, "kind": space.kind}
            for state in names.SEAT_STATES:
                count = sum(place.decision.state == state for place in places)
                yield reading(names.SEATS, count, at, **own, state=state)
                seconds = self._tally.seconds.get((space.name, state), 0.0)
                yield reading(names.SEAT_STATE_SECONDS, seconds, at, **own, state=state)
            yield reading(names.SEAT_VISITS, self._tally.visits.get(space.name, 0), at, **own)
            ages = [place.decision.age_seconds for place in places if place.decision.age_seconds is not None]
            if ages:
                yield reading(names.SEAT_EVIDENCE_AGE, max(0.0, *ages), at, **own)
        for kind, count in self._tally.conflicts.items():
            yield reading(names.SEAT_CONFLICTS, count, at, kind=kind)

    def _sensor_counts(self, at: datetime, now: float) -> Iterator[Reading]:
        by_source = {
            "mqtt": [signal.status(now) for place in self._places for signal in place.sensors.values()],
            "checkins": [place.checkins.status(now) for place in self._places if place.checkins is not None],
        }
        for source, statuses in by_source.items():
            for status in names.SENSOR_STATUSES if statuses else ():
                count = sum(one == status for one in statuses)
                yield reading(names.SEAT_SENSORS, count, at, source=source, status=status)


class Tally:
    """Counters since the agent started: seat-seconds by state, visits, conflicts."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], float] = {}
        self.visits: dict[str, int] = {}
        self.conflicts: dict[str, int] = {}
        self._since: dict[str, float] = {}

    def pass_time(self, place: Place, now: float) -> None:
        """Credit the time since the last call to the state the seat was in."""
        since = self._since.get(place.seat.name, now)
        self._since[place.seat.name] = now
        key = (place.space.name, place.decision.state)
        self.seconds[key] = self.seconds.get(key, 0.0) + max(0.0, now - since)

    def turn(self, place: Place, before: Decision) -> None:
        """A seat changed: free -> occupied is a visit; unknown -> occupied is not."""
        if before.state == "free" and place.decision.state == "occupied":
            self.visits[place.space.name] = self.visits.get(place.space.name, 0) + 1
        log.debug("seat %s %s->%s by %s", place.seat.name, before.state, place.decision.state, place.decision.reason)


def _by_topic(places: list[Place]) -> dict[str, list[tuple[Place, Sensor]]]:
    found: dict[str, list[tuple[Place, Sensor]]] = {}
    for place in places:
        for sensor in place.seat.sensors:
            for topic in topics(sensor):
                found.setdefault(topic, []).append((place, sensor))
    return found
