"""The loop: take messages, admit, write, hold, ack. What cannot be accepted is counted and set aside.

Order for each batch: events to the database, samples to the store, PUBACK, hold, application ack.
While the store is away nothing is PUBACKed and nothing acknowledged; the agents keep their rows.
A message may hold several batches: each is admitted, refused and acknowledged by itself.
"""

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central.config import Config
from central.database import centre_infos, open_database, revoked_centres, store_events
from central.ingest import protobuf, states
from central.ingest.admit import (
    Admitted,
    Topic,
    admit,
    check_time,
    parse_state,
    parse_topic,
)
from central.ingest.allowance import Allowance
from central.ingest.hold import Held, HoldList
from central.ingest.neighbours import ask_neighbours
from central.ingest.own_series import Counts, OwnSeries
from central.ingest.presence import Roll
from central.ingest.quarantine import Quarantine
from central.ingest.store import Store
from central.ingest.subscribe import Message, Subscriber
from central.ingest.templates import Templates
from telemetry import letter
from telemetry.errors import Rejected
from telemetry.wire import MAX_INTEGER, Ack, ack_topic, parse_line, ranges

log = logging.getLogger(__name__)
_BATCH_MESSAGES = 100
_QUESTIONS = 40_000
_OWN_SERIES_SECONDS = 15.0
_RELEASE_SECONDS = 1.0
_REGISTRY_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_LETTER_SAMPLES, _LETTER_REFUSED = 64_000, 4
"""The most that one batch can hold; a true agent has seldom even one batch that is refused."""
_WRITE_BYTES = 4 * 2**20
"""Of samples in one request to the store, give or take a batch."""
_Found = TypeVar("_Found")


class Ready(Struct, frozen=True):
    """On its way to the store: an admitted state, or an admitted batch (`message` holds this one alone)."""

    message: Message
    centre: str
    body: bytes
    samples: int
    batch: Admitted | None = None


class Ingest:
    """One ingest process; several may share the stream."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._subscriber = Subscriber(config.broker)
        self._store = Store(config.store)
        self._database: Engine = open_database(config.database.url)
        self._quarantine = Quarantine(
            Path(config.ingest.quarantine_directory), config.ingest.quarantine_megabytes * 2**20
        )
        self._hold = HoldList(config.store.hold_seconds)
        self._roll = Roll(config.ingest.lost_after_seconds)
        self._old_ms = round(config.store.accept_hours * 3_600_000)
        self._samples_allowed, self._states_allowed = (
            Allowance(config.ingest.messages_per_second, config.ingest.messages_at_once) for _ in range(2)
        )
        self._templates = Templates()
        self._asked: dict[tuple[str, str], float] = {}
        self._infos: dict[str, dict[str, str]] = {}
        self._revoked: frozenset[str] = frozenset()
        self._store_start: str | None = None
        self._generation = 0
        self._next = {"own": 0.0, "release": 0.0, "registry": 0.0}
        self._own_series = OwnSeries(config.broker.client_id)
        self._stop = threading.Event()
        self.samples = 0
        self.rejected: dict[str, int] = {}
        self._refused = 0
        self.ack_lag: float | None = None

    def run(self) -> None:
        """Until SIGTERM."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._subscriber.start()
        while not self._stop.is_set():
            self.turn()
        self._subscriber.stop()

    def turn(self) -> None:
        """Take what has arrived, at most 100 messages or a second of waiting, and do what is due."""
        messages = self._take()
        self._watch_broker()
        for ready in _portions(one for message in messages for one in self._admit(message)):
            self._keep(ready)
        if not self._stop.is_set():  # else the store may not have them
            for message in messages:
                self._subscriber.done(message)
        now = time.monotonic()
        for name, every, act in (
            ("release", _RELEASE_SECONDS, self._release),
            ("registry", _REGISTRY_SECONDS, self._read_registry),
            ("own", _OWN_SERIES_SECONDS, self._write_own),
        ):
            if now >= self._next[name]:
                self._next[name] = now + every
                act()

    # ── in ─────────────────────────────────────────────────────────────────────────────────────
    def _take(self) -> list[Message]:
        found = []
        try:
            found.append(self._subscriber.messages.get(timeout=0.5))
            while len(found) < _BATCH_MESSAGES:
                found.append(self._subscriber.messages.get_nowait())
        except queue.Empty:
            pass
        return found

    def _watch_broker(self) -> None:
        if self._subscriber.generation != self._generation:
            self._generation = self._subscriber.generation
            self._roll.broker_back(time.time())

    def _admit(self, message: Message) -> Iterator[Ready]:
        """What of it may go to the store. The rest of a letter that asks too much is forgotten without an ack.

        So no letter costs more than the batches in it would have cost one by one, and a true agent, which keeps what
        is not acknowledged, gets on with each.
        """
        samples, refused = 0, self._refused
        for topic, part in self._guarded(message, lambda: self._parts(message)) or []:
            too_much = samples > _LETTER_SAMPLES or self._refused - refused > _LETTER_REFUSED
            if too_much or not self._is_allowed(topic):
                self._count("flood")
                return
            ready = self._guarded(part, partial(self._admit_topic, topic, part))
            if ready is not None:
                samples += ready.samples
                yield ready

    def _guarded(self, message: Message, act: Callable[[], _Found]) -> _Found | None:
        """What `act` finds; what cannot be accepted is refused, and a bug costs one message, not the country."""
        try:
            return act()
        except Rejected as problem:
            self._reject(message, problem)
        except Exception as problem:
            log.exception("ingest has a bug topic=%r", message.topic[:80])
            self._reject(message, Rejected(type(problem).__name__))
        return None

    def _parts(self, message: Message) -> list[tuple[Topic, Message]]:
        """The message, or one for each of its batches; none of a revoked centre, whose rows stay. Raises Rejected."""
        topic = parse_topic(message.topic)
        if topic.centre in self._revoked and topic.name != "online":  # that it is gone still counts
            self._count("revoked")
            return []
        if topic.kind != "samples":
            return [(topic, message)]
        self._roll.heard(topic.centre, message.arrived)
        return [(topic, msgspec.structs.replace(message, payload=line)) for line in letter.opened(message.payload)]

    def _is_allowed(self, topic: Topic) -> bool:
        allowance = self._samples_allowed if topic.kind == "samples" else self._states_allowed
        return allowance.take(topic.centre, time.monotonic())

    def _count(self, reason: str) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1

    def _admit_topic(self, topic: Topic, message: Message) -> Ready | None:
        if topic.kind == "schema":
            self._templates.learn(topic.centre, topic.name, message.payload)
            return None
        if topic.kind == "state":
            return self._admit_state(topic, message)
        return self._admit_batch(topic.centre, message)

    def _admit_state(self, topic: Topic, message: Message) -> Ready | None:
        if not message.payload:
            return None
        state = parse_state(message.payload)
        if topic.name == "online" and state.get("online") is True and not message.retained:
            self._send_ack(topic.centre, _the_time(state.get("asked")))
        if self._roll.state(topic.centre, topic.name, state, retained=message.retained, now=message.arrived):
            self._next["own"] = 0.0
        ts: Any = state["ts"]
        now_ms = int(message.arrived * 1000)
        if topic.name == "online":  # by our clock; the gateway's may not be set yet
            return None
        check_time(ts, now_ms if message.retained else ts, now_ms)  # a retained state may be old, none is of the future
        body = states.state_series(topic.centre, topic.name, state) if _fresh(ts, message) else b""
        return Ready(message, topic.centre, body, 1) if body else None

    def _admit_batch(self, centre: str, message: Message) -> Ready | None:
        parsed = parse_line(message.payload)
        made = self._templates.find(centre, parsed.sid)
        if made is None:
            self._ask(centre, parsed.sid)
            return None
        batch = admit(parsed, made, int(message.arrived * 1000), self._old_ms)
        return Ready(message, centre, batch.body, batch.samples, batch)

    def _ask(self, centre: str, sid: str) -> None:
        now = time.monotonic()
        if now - self._asked.get((centre, sid), -60.0) < 5.0:
            return
        if len(self._asked) > _QUESTIONS:
            self._asked.clear()
        self._asked[centre, sid] = now
        self._send_ack(centre, Ack(t=_now_ms(), need=sid))

    def _reject(self, message: Message, problem: Rejected) -> None:
        self._count(problem.reason)
        self._refused += 1
        log.warning("rejected reason=%s topic=%r what=%r", problem.reason, message.topic[:80], str(problem)[:160])
        self._quarantine.put(problem.reason, message.topic, message.payload)
        self._ack_rejected(message)

    def _ack_rejected(self, message: Message) -> None:
        """Tell the agent that this row can go; what cannot be read has no row to name."""
        try:
            topic = parse_topic(message.topic)
            if topic.kind != "samples":
                return
            parsed = parse_line(message.payload)
        except Rejected:
            return
        self._send_ack(topic.centre, Ack(t=_now_ms(), e=parsed.e, r=[parsed.q]))

    # ── out ────────────────────────────────────────────────────────────────────────────────────
    def _keep(self, ready: list[Ready]) -> None:
        """Events, then samples; waits for the store and the database as long as it takes."""
        while not self._stop.is_set() and not self._store_events(ready):
            self._stop.wait(_RETRY_SECONDS)
        if self._store_start is None:
            self._store_start = self._store.start_time()
        self._write(ready)

    def _store_events(self, ready: Sequence[Ready]) -> bool:
        rows = [
            {
                "centre": one.centre,
                "id": event.id,
                "kind": event.kind,
                "start": event.start,
                "end": event.end,
                "evidence": event.evidence,
            }
            for one in ready
            if one.batch
            for event in one.batch.events
        ]
        try:
            store_events(self._database, rows)
        except SQLAlchemyError as problem:
            log.error("the database takes no events cause=%r", str(problem)[:160])
            return False
        return True

    def _write(self, ready: list[Ready]) -> None:
        body = protobuf.compressed([one.body for one in ready])
        waiting = False
        while not self._stop.is_set():
            verdict = self._store.write(body)
            if verdict == "stored":
                self._stored(ready)
                return
            if verdict == "refused":
                self._split(ready)
                return
            if not waiting:
                log.warning("the store is away, agents keep their rows cause=%r", self._store.problem[:160])
            waiting = True
            self._store_start = None
            self._stop.wait(_RETRY_SECONDS)
            self._store_start = self._store.start_time()

    def _split(self, ready: list[Ready]) -> None:
        """One bad batch must not cost the others: halve until it stands alone."""
        if len(ready) == 1:
            self._reject(ready[0].message, Rejected(self._store.problem[:160], reason="store"))
            return
        half = len(ready) // 2
        self._write(ready[:half])
        self._write(ready[half:])

    def _stored(self, ready: list[Ready]) -> None:
        now = time.monotonic()
        self.samples += sum(one.samples for one in ready)
        if self._store_start is not None:
            self._hold.add(
                Held(one.centre, one.batch.epoch, one.batch.seq, one.message.arrived, now, self._store_start)
                for one in ready
                if one.batch
            )

    def _release(self) -> None:
        now = time.monotonic()
        if not self._hold.due(now):
            return
        start = self._store.start_time()
        if start is None:
            return
        self._store_start = start
        durable: dict[tuple[str, int], list[int]] = {}
        for one in self._hold.release(now, start):
            durable.setdefault((one.centre, one.epoch), []).append(one.seq)
            self.ack_lag = time.time() - one.arrived
        for (centre, epoch), seqs in durable.items():
            self._send_ack(centre, Ack(t=_now_ms(), e=epoch, a=ranges(seqs)))

    def _send_ack(self, centre: str, ack: Ack) -> None:
        self._subscriber.publish(ack_topic(centre), msgspec.json.encode(ack))

    # ── own series ─────────────────────────────────────────────────────────────────────────────
    def _read_registry(self) -> None:
        try:
            self._infos = centre_infos(self._database)
            self._revoked = revoked_centres(self._database, datetime.now(UTC))
        except SQLAlchemyError as problem:
            log.error("the registry cannot be read cause=%r", str(problem)[:160])

    def _write_own(self) -> None:
        self._roll.settle(time.time())
        ask_neighbours(self._roll.centres, self._infos, time.time())
        counts = Counts(self.samples, self.rejected, self.ack_lag)
        parts = self._own_series.parts(counts, self._roll.centres, self._infos, _now_ms())
        verdict = self._store.write(protobuf.compressed(parts))
        if verdict != "stored":
            log.debug("own series not stored verdict=%s", verdict)


def _portions(ready: Iterable[Ready]) -> Iterator[list[Ready]]:
    """As many together as one request to the store should hold."""
    portion: list[Ready] = []
    size = 0
    for one in ready:
        portion.append(one)
        size += len(one.body)
        if size > _WRITE_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _fresh(ts: int, message: Message) -> bool:
    """A retained state from before the store's window is not written again."""
    return message.arrived * 1000 - ts < 3_600_000 * 24


def _the_time(asked: Any) -> Ack:
    """For a gateway without a clock battery; what it asked with goes back as it came, if it is a number."""
    known = type(asked) is int and 0 < asked <= MAX_INTEGER
    return Ack(t=_now_ms(), asked=asked if known else 0)


def _now_ms() -> int:
    return int(time.time() * 1000)
