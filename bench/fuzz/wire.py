"""What comes over the national broker and Alertmanager's webhook: messages at ingest, acks at the agent."""

import json
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import paho.mqtt.client as mqtt

from agent.config import UplinkConfig
from agent.outbox import Outbox
from agent.uplink import Uplink
from bench.fuzz.target import Target
from bench.hostile.kinds import EVENT, SCHEMA
from bench.measure.readings import LANES, readings
from central.ingest.admit import admit, check_time, parse_state, parse_topic, template
from central.ingest.states import state_series
from central.notify.alerts import firing
from central.simulate.centre import make_centre
from telemetry.errors import Rejected
from telemetry.letter import opened, sealed
from telemetry.reading import Reading
from telemetry.wire import Batch, decode_batch, decode_schema, encode_batch, encode_schema, parse_batch

_NOW_MS = 1_790_000_000_000
_CENTRE = "PK-PB-00001"
_STATES: dict[str, dict[str, object]] = {
    "power": {"ups": {"rack": {"up": True, "status": "on_battery", "charge_ratio": 0.98, "runtime_seconds": 600}},
              "mains": {"plug": {"up": False}}},
    "internet": {"uplinks": {"wan": {"up": True, "fault": "none", "ts": _NOW_MS - 5000}}},
    "seats": {"spaces": {"lab-1": {"kind": "training_room", "occupied": 3, "free": 4, "unknown": 0}}},
    "online": {"online": True, "version": "0.1.0", "cause": "clean", "asked": 1_234_567},
}  # fmt: skip
_ACKS = (
    {"t": _NOW_MS, "e": 7, "a": [[1, 3], [5, 5]]}, {"t": _NOW_MS, "e": 7, "r": [4, 9]},
    {"t": _NOW_MS, "need": "0123abcd"}, {"t": _NOW_MS}, {"t": _NOW_MS, "asked": 1_234_567},
)  # fmt: skip


def targets(directory: Path, cleanup: ExitStack) -> list[Target]:
    """All of them."""
    plain = [zlib.decompress(body) for body in _batches()]
    made = template(_CENTRE, SCHEMA)
    states = [json.dumps({"v": 1, "ts": _NOW_MS, **fields}).encode() for fields in _STATES.values()]
    return [
        Target("wire: batch", plain, lambda body: decode_batch(body, SCHEMA), (Rejected,)),
        Target("wire: batch under zlib", plain, lambda body: decode_batch(zlib.compress(body), SCHEMA), (Rejected,)),
        Target("wire: zlib", _batches(), lambda body: decode_batch(body, SCHEMA), (Rejected,)),
        Target("wire: admitted", plain, lambda body: admit(parse_batch(body), made, _NOW_MS), (Rejected,)),
        Target("wire: letter", [sealed(plain), *_batches()], _take_letter, (Rejected,)),
        Target("wire: letter under zlib", [b"\n".join(plain)], lambda it: _take_letter(zlib.compress(it)), (Rejected,)),
        Target("wire: schema", [encode_schema(SCHEMA), _long_schema()], decode_schema, (Rejected,)),
        Target("wire: state", states, _take_state, (Rejected,)),
        Target("wire: topic", _topics(), lambda body: parse_topic(body.decode("utf-8", "replace")), (Rejected,)),
        Target("webhook: alerts", [_webhook()], firing, (Rejected,)),
        Target("uplink: ack", [json.dumps(ack).encode() for ack in _ACKS], _ack_reader(directory, cleanup)),
    ]  # fmt: skip


def _take_letter(body: bytes) -> None:
    for line in opened(body):
        decode_batch(line, SCHEMA)


def _batches() -> list[bytes]:
    times = tuple(_NOW_MS - 60_000 + 15_000 * number for number in range(4))
    told = {"v": 1, "sid": SCHEMA.sid, "e": 1, "q": 1, "t": 1, "d": 1, "n": 1, "c": [1, 1], "ev": [EVENT]}
    event = decode_batch(json.dumps(told).encode(), SCHEMA).events
    return [
        encode_batch(SCHEMA, Batch(7, 1, times, ((1, 1, 1, 1), (900, 890, 880, 870)))),
        encode_batch(SCHEMA, Batch(7, 2, times, ((1, None, None, 1), (None, 890, None, 870)))),
        encode_batch(SCHEMA, Batch(7, 3, (times[0], times[0] + 7, times[0] + 30), ((1, 0, 1), (1, 2, 3)), event)),
        encode_batch(SCHEMA, Batch(7, 4, times[:1], ((1,), (None,)))),
    ]


def _long_schema() -> bytes:
    rows = [["centre_host_temperature_celsius", {"sensor": f"s{number}"}, 1] for number in range(40)]
    return json.dumps({"v": 1, "s": rows}).encode()


def _topics() -> list[bytes]:
    names = ("samples", "state/power", "state/schema/0123abcd", "state/online")
    return [f"centres/{_CENTRE}/{name}".encode() for name in names]


def _take_state(body: bytes) -> None:
    state = parse_state(body)
    ts = state["ts"]
    assert isinstance(ts, int)
    check_time(ts, ts, _NOW_MS)
    for name in _STATES:
        state_series(_CENTRE, name, state)


def _webhook() -> bytes:
    labels = {"alertname": "MainsLost", "centre": _CENTRE, "severity": "critical"}
    one = {"status": "firing", "labels": labels, "annotations": {"summary": "Mains is gone"},
           "startsAt": "2026-01-01T00:00:00Z", "fingerprint": "0123456789abcdef"}  # fmt: skip
    return json.dumps({"version": "4", "alerts": [one, {**one, "status": "resolved"}]}).encode()


class _Ears(Uplink):
    """The uplink without its thread: what paho would call."""

    def hear(self, body: bytes) -> None:
        """A message on centres/<id>/ack."""
        message = mqtt.MQTTMessage()
        message.payload = body
        self._on_message(None, None, message)

    def close(self) -> None:
        """What wakes a thread that never ran."""
        self._wake_r.close()
        self._wake_w.close()


def _ack_reader(directory: Path, cleanup: ExitStack) -> Callable[[bytes], None]:
    """Rows come back as soon as an ack has taken them, so that there is always something to take."""
    outbox = Outbox(directory / "ack.sqlite", max_bytes=2**20)
    cleanup.callback(outbox.close)
    ears = _Ears(_CENTRE, UplinkConfig(host="127.0.0.1", tls=False), outbox, "fuzz")
    cleanup.callback(ears.close)
    ticks = readings(make_centre(1, 1), _NOW_MS / 1000, 3600.0)[LANES["host"]]

    def take(body: bytes) -> None:
        _refill(outbox, ticks)
        own = body.replace(b'"e":7', b'"e":%d' % outbox.epoch).replace(b'"e": 7', b'"e":%d' % outbox.epoch)
        ears.hear(own)

    return take


def _refill(outbox: Outbox, ticks: list[Reading]) -> None:
    if outbox.stats().rows < 3:
        outbox.append("host", ticks)
        outbox.close_all()
