"""Outbox -> MQTT 5 and back: the only importer of paho here. One thread that owns its loop.

PUBACK is flow control: it opens the window of 8 messages and nothing more. A row leaves the disk when
ingest's ack names it. The newest rows go first, then the oldest; what is not acknowledged is
sent again after a growing, jittered wait. Retained states go at once on change, ahead of all
batches. paho's own queue is never used: it neither survives the process nor respects the window.
"""

import contextlib
import logging
import random
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.config import UplinkConfig
from agent.identity import Identity
from agent.letters import Letter, letters
from agent.outbox import Outbox, Row
from agent.queue import Queue
from agent.sockets import close, drain, writable
from agent.states import State, changed_enough, shifted
from agent.time_question import TimeQuestion
from agent.tls import password, tls_context
from telemetry.errors import ConfigError, UplinkError
from telemetry.wire import Ack, ack_topic, samples_topic, schema_topic, state_topic

log = logging.getLogger(__name__)
WINDOW = 8
_RESEND_CAP_SECONDS = 1800.0
_PARK_SECONDS = 3600.0
_BACKOFF_SECONDS, _BACKOFF_CAP_SECONDS = 10.0, 600.0
_CONNECT_TIMEOUT_SECONDS = 20.0
_URGENT_SECONDS = 10.0
_NO_SUBSCRIBER = 0x10
"""MQTT 5, 3.4.2.1: the broker had nobody to give it to."""
_OVERHEAD_BYTES = 128
_MAX_ACK_BYTES = 64 * 1024
_UNDATED_SECONDS = 5.0
"""So often is looked whether the time is known."""
_ack_decoder = msgspec.json.Decoder(Ack)
_encoder = msgspec.json.Encoder()


class Uplink(threading.Thread):
    """Connects, publishes, settles, reconnects until `stop`."""

    def __init__(
        self,
        centre: str,
        config: UplinkConfig,
        outbox: Outbox,
        version: str,
        identity: Identity | None = None,
    ) -> None:
        super().__init__(name="uplink", daemon=True)
        self._centre, self._config, self._outbox, self._version = centre, config, outbox, version
        self._clock, self._identity = outbox.clock, identity
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._stopping = threading.Event()
        self._states: dict[str, State] = {}
        self._told: dict[str, State] = {}
        self._pending: dict[int, list[int]] = {}
        self._queue = Queue(outbox, time.monotonic())
        self._question = TimeQuestion(self._clock, time.monotonic())
        self._schemas_sent: set[str] = set()
        self._packet_limit = 2**28
        self._failures = 0
        self._news = threading.Event()
        self.connected = False
        self.last_progress = time.monotonic()
        self.refused = {"broker": 0, "ingest": 0, "too_large": 0}
        self._client = self._new_client(config)
        if config.in_the_clear:
            log.warning("tls is off and the broker is not on this machine")

    # ── called from other threads ──────────────────────────────────────────────────────────────
    def tell(self, states: dict[str, State]) -> None:
        """The present; what changed since it was last told is published, retained, at once."""
        self._states = states
        if any(changed_enough(self._told.get(name), state) for name, state in states.items()):
            self._news.set()
            self.wake()

    def wake(self) -> None:
        """Look again at what there is to send."""
        with contextlib.suppress(BlockingIOError):  # it will look anyway
            self._wake_w.send(b"\0")

    def stop(self, timeout_seconds: float = 3.0) -> None:
        """Say goodbye to the broker and end the thread."""
        self._stopping.set()
        self.wake()
        self.join(timeout_seconds)
        if not self.is_alive():
            self._wake_r.close()
            self._wake_w.close()

    # ── the thread ─────────────────────────────────────────────────────────────────────────────
    def run(self) -> None:
        """Thread body."""
        self._pause(random.uniform(0, self._config.connect_spread_seconds))
        while not self._stopping.is_set():
            try:
                self._session()
            except (UplinkError, ConfigError, OSError) as problem:
                if self._failures == 0:
                    log.warning("no connection to the broker cause=%r", str(problem)[:120])
            except Exception:  # a bug must cost a connection, not the uplink
                log.exception("the uplink has a bug")
            self.connected = False
            self._failures += 1
            self._pause(random.uniform(0, self._longest_wait()))

    def _longest_wait(self) -> float:
        """After a line that worked, half the spread: a country that lost its broker does not return in ten seconds."""
        spread = max(1.0, self._config.connect_spread_seconds)
        if self._failures == 1:
            return spread / 2
        return min(_BACKOFF_CAP_SECONDS, _BACKOFF_SECONDS * 2.0 ** min(self._failures - 1, 10), 5 * spread)

    def _session(self) -> None:
        self._client = self._new_client(self._identity.settings() if self._identity else self._config)
        self._client.connect(
            self._config.host,
            self._config.port,
            keepalive=self._config.keepalive_seconds,
            clean_start=True,
            properties=_expiring_at_once(),
        )
        try:
            while not self._stopping.is_set() and not (self._identity and self._identity.untried):
                self._turn()
            if self._stopping.is_set():
                self._say_goodbye()
        finally:
            self._client.disconnect()
            close(self._client.socket())

    def _turn(self) -> None:
        self._wait()
        self._check(self._client.loop_misc())
        if self.connected:
            self._outbox.close_due()
            if self._time_will_do():
                self._tell_changes()
                self._fill_window()
        while self._client.want_write():
            self._check(self._client.loop_write())
            if not writable(self._client.socket()):
                break

    def _wait(self) -> None:
        sock = self._client.socket()
        if sock is None:
            raise UplinkError("the broker closed the connection")
        with selectors.DefaultSelector() as selector:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)
            selector.register(sock, events)
            selector.register(self._wake_r, selectors.EVENT_READ)
            buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            ready = selector.select(0 if buffered else self._timeout())
        for key, _ in ready:
            if key.fileobj is self._wake_r:
                drain(self._wake_r)
        if buffered or any(key.fileobj is sock and mask & selectors.EVENT_READ for key, mask in ready):
            self._check(self._client.loop_read())

    def _timeout(self) -> float:
        now = time.monotonic()
        # What is overdue waits for room in the window or for the credit, and both end with a packet.
        next_resend = self._queue.next_resend_seconds(now)
        most = 60.0 if self._clock.stamped().certain else _UNDATED_SECONDS
        return max(0.2, min(next_resend, self._outbox.next_due_seconds(), self._config.keepalive_seconds / 4, most))

    def _check(self, code: Any) -> None:
        if code not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_AGAIN):
            raise UplinkError(mqtt.error_string(code))

    def _pause(self, seconds: float) -> None:
        """Wait; urgent news that nobody has been told jumps most of the queue."""
        self._news.clear()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.wait(min(left, 1.0)):
            if self._news.is_set() and left > _URGENT_SECONDS:
                self._news.clear()
                until = time.monotonic() + random.uniform(0, _URGENT_SECONDS)
        drain(self._wake_r)

    # ── paho ───────────────────────────────────────────────────────────────────────────────────
    def _new_client(self, config: UplinkConfig) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self._centre, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        client.connect_timeout = _CONNECT_TIMEOUT_SECONDS
        if config.tls:
            client.tls_set_context(tls_context(config, dates_count=not self._clock.unset))
        if config.username:
            client.username_pw_set(config.username, password(config.password_file))
        will = Properties(PacketTypes.WILLMESSAGE)
        will.WillDelayInterval = config.will_delay_seconds
        lost = _encoder.encode({"v": 1, "ts": self._now_ms(), "online": False, "cause": "lost"})
        client.will_set(state_topic(self._centre, "online"), lost, qos=1, retain=True, properties=will)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, props: Any) -> None:
        if code.is_failure:
            raise UplinkError(f"the broker refuses us: {code}")
        self._packet_limit = getattr(props, "MaximumPacketSize", 2**28)
        self._pending.clear()
        self._told.clear()
        now = time.monotonic()
        self._question, self._queue = TimeQuestion(self._clock, now), Queue(self._outbox, now)
        client.subscribe(ack_topic(self._centre), qos=0)
        self._tell_online()
        self.connected, self._failures = True, 0
        if self._identity:
            self._identity.worked()
        self.last_progress = time.monotonic()
        log.info("connected to the broker")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _props: Any) -> None:
        if self.connected:
            log.warning("connection to the broker ended reason=%r", str(code))
        self.connected = False

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: ReasonCode, _props: Any) -> None:
        seqs = self._pending.pop(mid, [])
        self.last_progress = now = time.monotonic()
        if not seqs:
            return
        if code.is_failure:
            self.refused["broker"] += 1
            self._park(seqs)
            log.warning("the broker refuses a message reason=%r", str(code))
            return
        for seq in seqs:
            self.broker_took(seq)
        if code.value == _NO_SUBSCRIBER:
            self._queue.nobody_listens(now)

    def _park(self, seqs: Iterable[int]) -> None:
        until = time.monotonic() + _PARK_SECONDS
        for seq in seqs:
            self._queue.parked(seq, until)

    def broker_took(self, seq: int) -> None:
        """PUBACK came: the broker has it in memory, which keeps nothing. The row stays."""

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            ack = _ack_decoder.decode(message.payload[:_MAX_ACK_BYTES])
        except (msgspec.DecodeError, ValueError, RecursionError):
            log.warning("an ack that cannot be read bytes=%d", len(message.payload))
            return
        self.last_progress = time.monotonic()
        self._question.heard(ack, self.last_progress)
        if ack.need:
            self._schemas_sent.discard(ack.need)
            self._queue.begin_again()
            return
        self._settle(ack.e, ack.a)
        self.refused["ingest"] += len(self._settle(ack.e, [(seq, seq) for seq in ack.r]))

    def _settle(self, epoch: int, ranges: list[tuple[int, int]]) -> list[int]:
        gone = self._outbox.settle(epoch, ranges)
        self._queue.acknowledged(gone, time.monotonic())
        return gone

    # ── publishing ─────────────────────────────────────────────────────────────────────────────
    def _tell_changes(self) -> None:
        for name, state in self._states.items():
            if changed_enough(self._told.get(name), state):
                self._told[name] = state
                true = shifted(state, self._clock.stamped().correction_ms)
                self._publish_state(name, true.fields, true.ts)

    def _tell_online(self) -> None:
        asked = self._question.asked(time.monotonic())
        self._publish_state("online", {"online": True, "version": self._version, "asked": asked}, self._now_ms())

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)

    def _publish_state(self, name: str, fields: dict[str, Any], ts: int) -> None:
        body = _encoder.encode({"v": 1, "ts": ts, **fields})
        sent = self._client.publish(state_topic(self._centre, name), body, qos=1, retain=True)
        self._pending[sent.mid] = []

    def _fill_window(self) -> None:
        if self._window_full():
            return
        rows = self._queue.rows(time.monotonic())
        most = self._packet_limit - _OVERHEAD_BYTES
        for letter in letters(rows, most, spoilt=self._spoilt, described=self._described):
            self._send(letter)
            if self._window_full():  # a letter that was asked for goes: the queue has looked beyond it
                return

    def _described(self, row: Row) -> bool:
        """Whether there is a schema to send with it; without one nobody could read it, and it waits."""
        if row.sid in self._schemas_sent or self._outbox.schema_body(row.sid) is not None:
            return True
        log.warning("a row waits for its schema, which cannot be read seq=%d", row.seq)
        self._park([row.seq])
        return False

    def _spoilt(self, row: Row) -> None:
        if self._outbox.spoilt(row):
            log.error("a row was given up, a damaged disk has changed it seq=%d", row.seq)
        else:
            self._park([row.seq])

    def _window_full(self) -> bool:
        return sum(bool(seqs) for seqs in self._pending.values()) >= WINDOW

    def _time_will_do(self) -> bool:
        """Rows whose clock nobody vouches for wait for the time; it comes with the connection."""
        if self._clock.stamped().certain:
            return True
        now = time.monotonic()
        if self._question.nobody_answers(now):
            self._clock.believe()
            self._outbox.close_due()
        elif self._question.is_due(now):
            self._tell_online()
        return self._clock.stamped().certain

    def _send(self, letter: Letter) -> None:
        seqs = [row.seq for row, _ in letter.rows]
        if len(letter.body) + _OVERHEAD_BYTES > self._packet_limit:
            self.refused["too_large"] += 1
            self._park(seqs)
            return
        for row, _ in letter.rows:
            self._send_schema(row.sid)
        sent = self._client.publish(samples_topic(self._centre), letter.body, qos=1)
        self._pending[sent.mid] = seqs
        now, longer = time.monotonic(), random.uniform(1.0, 1.5)
        for row, tries in letter.rows:
            wait = min(_RESEND_CAP_SECONDS, self._config.resend_seconds * 2 ** min(tries, 10))
            self._queue.went(row.seq, now, now + longer * wait)

    def _send_schema(self, sid: str) -> None:
        if sid in self._schemas_sent:
            return
        body = self._outbox.schema_body(sid)
        if body is not None:
            sent = self._client.publish(schema_topic(self._centre, sid), body, qos=1, retain=True)
            self._pending[sent.mid] = []
            self._schemas_sent.add(sid)

    def _say_goodbye(self) -> None:
        """A planned stop is told as such; the will is for the unplanned ones."""
        if not self.connected:
            return
        self._outbox.close_all()
        self._publish_state("online", {"online": False, "cause": "clean"}, self._now_ms())
        deadline = time.monotonic() + 2.0
        while self._pending and time.monotonic() < deadline and self._client.socket() is not None:
            self._check(self._client.loop(0.1))


def _expiring_at_once() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    return properties
