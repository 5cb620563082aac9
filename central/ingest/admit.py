"""One message from outside -> what goes to the store and the database, or Rejected. Pure; time comes in.

The centre is the topic's, which the broker proved; names and labels are the catalogue's. A column's
nulls become staleness markers at the first tick of each run, so that a gap shows where it was.
The mapping depends on the message and its schema alone: a replay is bit-identical.
"""

from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec import Struct

from central.ingest import protobuf
from telemetry import wire
from telemetry.centre_id import centre_id
from telemetry.errors import Rejected
from telemetry.event import Event

FUTURE_MS = 10 * 60 * 1000
OLD_MS = 743 * 3600 * 1000
"""What Prometheus takes with out_of_order_time_window: 744h, less an hour for the way."""
JOB = "centre"


class Topic(Struct, frozen=True):
    """centre, and what kind of message: samples, schema (with its sid) or state (with its name)."""

    centre: str
    kind: str
    name: str = ""


def parse_topic(topic: str) -> Topic:
    """The Topic of a message; raises Rejected(topic)."""
    parts = topic.split("/")
    if len(parts) < 3 or parts[0] != "centres":
        raise Rejected("not a topic of ours", reason="topic")
    centre = centre_id(parts[1])
    match parts[2:]:
        case ["samples"]:
            return Topic(centre, "samples")
        case ["state", "schema", sid]:
            return Topic(centre, "schema", sid)
        case ["state", name]:
            return Topic(centre, "state", name)
    raise Rejected("not a topic of ours", reason="topic")


class Template(Struct, frozen=True):
    """A schema with the label bytes of one centre."""

    schema: wire.Schema
    labels: tuple[bytes, ...]


def template(centre: str, schema: wire.Schema) -> Template:
    """Built once for each centre and schema; the costly part of ingest."""
    return Template(
        schema,
        tuple(series_labels(one.metric.name, one.label_map(), centre) for one in schema.series),
    )


def series_labels(name: str, own: dict[str, str], centre: str) -> bytes:
    """The label bytes of a series; empty values are left out, as the store would."""
    pairs = {key: value for key, value in own.items() if value}
    return protobuf.labels({**pairs, "__name__": name, "centre": centre, "job": JOB})


class Admitted(Struct, frozen=True):
    """What a batch turns into."""

    epoch: int
    seq: int
    body: bytes
    samples: int
    events: tuple[Event, ...]


def admit(message: wire.BatchMessage, made: Template, now_ms: int, old_ms: int = OLD_MS) -> Admitted:
    """The store's bytes and the events of a batch; raises Rejected (schema, malformed, value, future, old, labels)."""
    batch = wire.unpack(message, made.schema)
    check_time(batch.times[-1], batch.times[0], now_ms, old_ms)
    times = protobuf.stamps(batch.times)
    parts = []
    for labels, scale, column in zip(made.labels, made.schema.scales, batch.columns, strict=True):
        parts.append(_series(labels, scale, column, times))
    return Admitted(batch.epoch, batch.seq, b"".join(parts), len(parts) * len(times), batch.events)


def _series(labels: bytes, scale: int, column: Sequence[int | None], times: list[bytes]) -> bytes:
    if None in column:
        return _with_gaps(labels, scale, column, times)
    power = 10 ** abs(scale)
    whole = cast("Sequence[int]", column)
    if scale > 0:
        return protobuf.series(labels, [value / power for value in whole], times)
    return protobuf.series(labels, [value * power for value in whole] if scale else whole, times)


def _with_gaps(labels: bytes, scale: int, column: Sequence[int | None], times: list[bytes]) -> bytes:
    values, at, gone = [], [], []
    for index, value in enumerate(column):
        if value is not None:
            values.append(wire.unscaled(value, scale))
            at.append(times[index])
        elif index == 0 or column[index - 1] is not None:
            gone.append(times[index])
    live = protobuf.series(labels, values, at) if values else b""
    return live + protobuf.stale(labels, gone)


def check_time(newest_ms: int, oldest_ms: int, now_ms: int, old_ms: int = OLD_MS) -> None:
    """Raises Rejected: one sample a week ahead would make Prometheus refuse the whole country."""
    if newest_ms > now_ms + FUTURE_MS:
        raise Rejected(f"{(newest_ms - now_ms) / 1000:.0f} s ahead of this clock", reason="future")
    if oldest_ms < now_ms - old_ms:
        raise Rejected(f"{(now_ms - oldest_ms) / 3.6e6:.0f} h old", reason="old")


def parse_state(body: bytes) -> dict[str, object]:
    """A state message; raises Rejected (oversized, malformed)."""
    if len(body) > wire.MAX_WIRE_BYTES:
        raise Rejected(f"state of {len(body)} bytes", reason="oversized")
    try:
        state = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Rejected(f"state: {str(problem)[:120]}", reason="malformed") from problem
    v, ts = state.get("v"), state.get("ts")
    if v != 1 or v is True or not isinstance(ts, int) or isinstance(ts, bool) or not 0 <= ts < 1 << 42:
        raise Rejected("a state has v = 1 and ts in epoch milliseconds", reason="malformed")
    return state
