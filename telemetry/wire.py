"""Wire format v1: a batch of ticks <-> bytes on MQTT.

Columnar JSON, integers scaled by the catalogue, deltas down each column, zlib level 9. The first
byte tells: 0x78 is zlib, `{` is plain JSON. `mosquitto_sub | zlib-flate -uncompress | jq` shows it.

    {"v":1,"sid":"<8 hex>","e":epoch,"q":seq,"t":first ms,"d":step ms|[steps],"n":ticks,
     "c":[scalar | [first,delta,...] ...],"ev":[...]}

A scalar stands for a column that does not change; null is absent, and a delta counts from the
last value that is not null. The schema (name, labels, scale, order) travels apart, retained on
state/schema/<sid>; `sid` is the head of its SHA-256. Batches may share a message: telemetry/letter.py.

Decoding trusts nobody: every limit below is checked, and only Rejected comes out.
"""

import hashlib
import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise

import msgspec
from msgspec import Struct

from telemetry.catalogue import CATALOGUE
from telemetry.errors import Rejected
from telemetry.event import Event
from telemetry.reading import Series, series

VERSION = 1
MAX_WIRE_BYTES = 16 * 1024
MAX_INFLATED_BYTES = 256 * 1024
MAX_SERIES = 500
MAX_TICKS = 128
MAX_EVENTS = 64
MAX_LABEL_CHARACTERS = 64
MAX_INTEGER = 2**53
LABEL_VALUE = re.compile(r"[A-Za-z0-9_.:/ -]{0,64}")
_SID = re.compile(r"[0-9a-f]{8}")
_EPOCH_MAX = 2**32
_YEARS = (2000, 2200)
_EVENT_SLACK_MS = 60_000

Scaled = int | None
Column = Scaled | list[Scaled]


class Schema(Struct, frozen=True, weakref=True):
    """The columns of a batch: series and their scales, in order."""

    series: tuple[Series, ...]
    scales: tuple[int, ...]
    sid: str


class Batch(Struct, frozen=True):
    """Ticks of one collector. `columns[i][k]` is series i at `times[k]` (epoch ms), scaled, or None."""

    epoch: int
    seq: int
    times: tuple[int, ...]
    columns: tuple[Sequence[Scaled], ...]
    events: tuple[Event, ...] = ()


class _SchemaMessage(Struct):
    v: int
    s: list[tuple[str, dict[str, str], int]]


class BatchMessage(Struct):
    """The JSON of a batch as it stands on the wire; `unpack` makes a Batch of it."""

    v: int
    sid: str
    e: int
    q: int
    t: int
    d: int | list[int]
    n: int
    c: list[Column]
    ev: list[Event] = []


_schema_decoder = msgspec.json.Decoder(_SchemaMessage)
_batch_decoder = msgspec.json.Decoder(BatchMessage)
_encoder = msgspec.json.Encoder()


# ── scaling ────────────────────────────────────────────────────────────────────────────────────
def scaled(value: float, scale: int) -> int:
    """Value x 10**scale, rounded half to even."""
    return round(value * float(10**scale)) if scale >= 0 else round(value / float(10**-scale))


def unscaled(number: int, scale: int) -> float:
    """The inverse of `scaled`: both ends compute it alike, so a replay is bit-identical."""
    return number / 10**scale if scale >= 0 else float(number * 10**-scale)


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return round(at.timestamp() * 1000)


def from_epoch_ms(ms: int) -> datetime:
    """The aware datetime of `ms`."""
    return datetime.fromtimestamp(ms / 1000, UTC)


# ── schema ─────────────────────────────────────────────────────────────────────────────────────
def make_schema(columns: Sequence[Series]) -> Schema:
    """The Schema of these series, at the catalogue's scales."""
    scales = tuple(one.metric.scale for one in columns)
    return Schema(tuple(columns), scales, _sid(tuple(columns), scales))


def encode_schema(schema: Schema) -> bytes:
    """The message for state/schema/<sid>: plain JSON, the same bytes for the same schema."""
    rows = [(one.metric.name, one.label_map(), scale) for one, scale in zip(schema.series, schema.scales, strict=True)]
    return _encoder.encode(_SchemaMessage(VERSION, rows))


def _sid(columns: tuple[Series, ...], scales: tuple[int, ...]) -> str:
    body = encode_schema(Schema(columns, scales, ""))
    return hashlib.sha256(body).hexdigest()[:8]


def decode_schema(body: bytes) -> Schema:
    """The Schema of a message; raises Rejected (oversized, malformed, version, schema, metric, labels)."""
    if len(body) > MAX_INFLATED_BYTES // 4:
        raise Rejected(f"schema of {len(body)} bytes", reason="oversized")
    try:
        message = _schema_decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Rejected(f"schema: {problem}", reason="malformed") from problem
    if message.v != VERSION:
        raise Rejected(f"schema of version {message.v}", reason="version")
    if not 0 < len(message.s) <= MAX_SERIES:
        raise Rejected(f"{len(message.s)} series", reason="schema")
    columns = tuple(_checked_series(name, labels) for name, labels, _ in message.s)
    scales = tuple(scale for _, _, scale in message.s)
    if any(abs(scale) > 9 for scale in scales):
        raise Rejected("a scale beyond 10^9", reason="schema")
    if len(set(columns)) != len(columns):
        raise Rejected("one series twice", reason="schema")
    return Schema(columns, scales, _sid(columns, scales))


def _checked_series(name: str, labels: dict[str, str]) -> Series:
    metric = CATALOGUE.get(name)
    if metric is None or metric.owner == "ingest":
        raise Rejected(f"metric {name[:64]!r}", reason="metric")
    if any(LABEL_VALUE.fullmatch(value) is None for value in labels.values()):
        raise Rejected(f"{name}: a label value outside [A-Za-z0-9_.:/ -]", reason="labels")
    try:
        return series(metric, labels)
    except ValueError as problem:
        raise Rejected(str(problem), reason="labels") from problem


# ── batch ──────────────────────────────────────────────────────────────────────────────────────
def encode_batch(schema: Schema, batch: Batch) -> bytes:
    """The bytes of one message on `samples`; deterministic for its arguments."""
    steps = [later - earlier for earlier, later in pairwise(batch.times)]
    message = BatchMessage(
        v=VERSION,
        sid=schema.sid,
        e=batch.epoch,
        q=batch.seq,
        t=batch.times[0],
        d=steps[0] if len(set(steps)) == 1 else (steps or 0),
        n=len(batch.times),
        c=[_packed(column) for column in batch.columns],
        ev=list(batch.events),
    )
    return _bytes(message)


def redated(body: bytes, shift_ms: int, since_ms: int) -> bytes:
    """A message of ours whose clock was wrong by `shift_ms`; events from before `since_ms` were dated by another clock.

    For a row that was never sent: what has been sent once keeps its bytes. Raises Rejected.
    """
    message = parse_batch(body)
    until_ms = _times(message)[-1]
    message.t += shift_ms
    message.ev = [_redated_event(event, shift_ms, since_ms, until_ms) for event in message.ev]
    return _bytes(message)


def _redated_event(event: Event, shift_ms: int, since_ms: int, until_ms: int) -> Event:
    def true(at: datetime) -> datetime:
        ms = epoch_ms(at)
        return from_epoch_ms(ms + shift_ms) if since_ms <= ms <= until_ms + _EVENT_SLACK_MS else at

    start = true(event.start)
    end = event.end and max(start, true(event.end))
    return Event(event.kind, event.id, start, end, event.evidence)


def readdressed(body: bytes, epoch: int, seq: int) -> bytes:
    """A message of ours under another epoch and sequence number; the samples stay what they are. Raises Rejected."""
    message = parse_batch(body)
    message.e, message.q = epoch, seq
    return _bytes(message)


def _bytes(message: BatchMessage) -> bytes:
    body = _encoder.encode(message)
    if not message.ev:
        body = body.replace(b',"ev":[]}', b"}")
    return zlib.compress(body, 9)


def _packed(column: Sequence[Scaled]) -> Column:
    if all(value == column[0] for value in column):
        return column[0]
    last, packed = 0, []
    for value in column:
        packed.append(None if value is None else value - last)
        last = last if value is None else value
    return packed


def decode_batch(body: bytes, schema: Schema) -> Batch:
    """The Batch of a message on `samples`. Raises Rejected, and nothing else, on any input."""
    return unpack(parse_batch(body), schema)


def parse_batch(body: bytes) -> BatchMessage:
    """A message of one batch after every check that needs no schema; raises Rejected."""
    return parse_line(inflate(body))


def parse_line(plain: bytes) -> BatchMessage:
    """A batch that was inflated before, after every check that needs no schema; raises Rejected."""
    message = _parse(plain)
    if message.v != VERSION:
        raise Rejected(f"batch of version {message.v}", reason="version")
    if _SID.fullmatch(message.sid) is None:
        raise Rejected("a schema id is 8 hex digits", reason="schema")
    if not 0 < message.n <= MAX_TICKS or len(message.c) > MAX_SERIES or len(message.ev) > MAX_EVENTS:
        raise Rejected(f"{message.n} ticks of {len(message.c)} series", reason="malformed")
    if not (0 <= message.e < _EPOCH_MAX and 0 < message.q <= MAX_INTEGER and 0 <= message.t <= MAX_INTEGER):
        raise Rejected("epoch, sequence or time out of range", reason="malformed")
    return message


def inflate(body: bytes) -> bytes:
    """The JSON inside a message; raises Rejected (oversized, malformed)."""
    if len(body) > MAX_WIRE_BYTES:
        raise Rejected(f"{len(body)} bytes on the wire", reason="oversized")
    if body[:1] == b"{":
        return body
    if body[:1] != b"\x78":
        raise Rejected("neither zlib nor JSON", reason="malformed")
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(body, MAX_INFLATED_BYTES)
    except zlib.error as problem:
        raise Rejected(f"zlib: {problem}", reason="malformed") from problem
    if inflater.unconsumed_tail:
        raise Rejected(f"inflates beyond {MAX_INFLATED_BYTES} bytes", reason="oversized")
    if not inflater.eof:
        raise Rejected("truncated", reason="malformed")
    return plain


def _parse(plain: bytes) -> BatchMessage:
    try:
        return _batch_decoder.decode(plain)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Rejected(f"batch: {str(problem)[:200]}", reason="malformed") from problem


def unpack(message: BatchMessage, schema: Schema) -> Batch:
    """The columns of a parsed message under its schema; raises Rejected."""
    if message.sid != schema.sid or len(message.c) != len(schema.series):
        raise Rejected("the columns are not those of the schema", reason="schema")
    return Batch(
        epoch=message.e,
        seq=message.q,
        times=_times(message),
        columns=tuple([_unpacked(column, message.n) for column in message.c]),
        events=tuple(_checked_event(event) for event in message.ev),
    )


def _times(message: BatchMessage) -> tuple[int, ...]:
    steps = message.d if isinstance(message.d, list) else [message.d] * (message.n - 1)
    if len(steps) != message.n - 1 or any(not 0 < step <= 86_400_000 for step in steps):
        raise Rejected("ticks must go forward, less than a day apart", reason="malformed")
    return tuple(accumulate(steps, initial=message.t))


def _unpacked(column: Column, ticks: int) -> Sequence[Scaled]:
    if not isinstance(column, list):
        if column is not None and not -MAX_INTEGER < column < MAX_INTEGER:
            raise Rejected("a value beyond 2^53", reason="value")
        return (column,) * ticks
    if len(column) != ticks:
        raise Rejected(f"{len(column)} values for {ticks} ticks", reason="malformed")
    whole = [value for value in column if value is not None]
    if len(whole) < ticks:
        return _unpacked_with_gaps(column)
    return _bounded(list(accumulate(whole)))


def _unpacked_with_gaps(column: list[Scaled]) -> Sequence[Scaled]:
    last, values = 0, []
    for delta in column:
        last = last if delta is None else last + delta
        values.append(None if delta is None else last)
    _bounded([value for value in values if value is not None] or [0])
    return values


def _bounded(values: list[int]) -> list[int]:
    if max(values) >= MAX_INTEGER or min(values) <= -MAX_INTEGER:
        raise Rejected("a value beyond 2^53", reason="value")
    return values


def _checked_event(event: Event) -> Event:
    names = (event.id, *event.evidence, *(v for v in event.evidence.values() if isinstance(v, str)))
    if any(LABEL_VALUE.fullmatch(name) is None for name in names) or len(event.evidence) > 16:
        raise Rejected("event: an id or evidence outside [A-Za-z0-9_.:/ -]", reason="labels")
    moments = [event.start, event.end or event.start]
    if any(at.tzinfo is None or not _YEARS[0] <= at.year <= _YEARS[1] for at in moments) or moments[1] < moments[0]:
        raise Rejected("event: times must be aware and in order", reason="malformed")
    return event


# ── topics ─────────────────────────────────────────────────────────────────────────────────────
def samples_topic(centre: str) -> str:
    """Complete history, batched, QoS 1, not retained."""
    return f"centres/{centre}/samples"


def state_topic(centre: str, name: str) -> str:
    """The present, retained, at once on change."""
    return f"centres/{centre}/state/{name}"


def schema_topic(centre: str, sid: str) -> str:
    """The columns of that centre's batches, retained."""
    return f"centres/{centre}/state/schema/{sid}"


def ack_topic(centre: str) -> str:
    """Ingest's word that the store has it; QoS 0."""
    return f"centres/{centre}/ack"


class Ack(Struct, omit_defaults=True):
    """What ingest answers. Rows of epoch `e` in the ranges `a` are durable; `r` can never be stored.

    t: ingest's clock, epoch ms. need: a schema id ingest lacks (the row waits until it is sent).
    asked: of the "I am here" that this answers, returned as it came.
    """

    t: int
    e: int = 0
    a: list[tuple[int, int]] = []
    r: list[int] = []
    need: str = ""
    asked: int = 0


def ranges(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted closed ranges: [1, 2, 3, 7] -> [(1, 3), (7, 7)]."""
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found
