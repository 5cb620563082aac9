"""From a centre's message to the store's bytes: the same values, times and labels, or a rejection."""

import math
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ingest import protobuf
from central.ingest.admit import (
    FUTURE_MS,
    OLD_MS,
    Admitted,
    Topic,
    admit,
    check_time,
    parse_state,
    parse_topic,
    template,
)
from telemetry import catalogue as names
from telemetry.errors import REJECT_REASONS, Rejected
from telemetry.event import Event
from telemetry.reading import Series
from telemetry.wire import Batch, Scaled, Schema, encode_batch, make_schema, parse_batch, unscaled
from tests.unit.central.write_request import Told, is_stale, read
from tests.unit.telemetry.strategies import NOW_MS, sendings

CENTRE = "PK-PB-00042"
UP, CHARGE = Series(names.UPS_UP, ("rack",)), Series(names.UPS_CHARGE, ("rack",))
MEMORY = Series(names.HOST_MEMORY_AVAILABLE, ())


def _admit(schema: Schema, batch: Batch, now_ms: int = NOW_MS) -> Admitted:
    return admit(parse_batch(encode_batch(schema, batch)), template(CENTRE, schema), now_ms)


def _one(series: Series, column: Sequence[Scaled], times: Sequence[int] = ()) -> list[Told]:
    at = tuple(times) or tuple(NOW_MS + 10_000 * place for place in range(len(column)))
    return read(_admit(make_schema([series]), Batch(1, 1, at, (column,))).body)


def _samples(told: list[Told]) -> list[tuple[float | str, int]]:
    return sorted(
        (("stale" if is_stale(value) else value, at) for one in told for value, at in one.samples),
        key=lambda one: one[1],
    )


@given(sendings())
def test_the_store_gets_the_values_times_and_labels_of_the_batch(sending: tuple[Schema, Batch]) -> None:
    schema, batch = sending
    admitted = _admit(schema, batch, batch.times[-1])
    told = read(admitted.body)
    assert (admitted.epoch, admitted.seq, admitted.events) == (batch.epoch, batch.seq, batch.events)
    for series, scale, column in zip(schema.series, schema.scales, batch.columns, strict=True):
        own = {key: value for key, value in series.label_map().items() if value}
        labels = sorted({**own, "__name__": series.metric.name, "centre": CENTRE, "job": "centre"}.items())
        mine = [one for one in told if one.labels == labels]
        live = [(value, at) for one in mine for value, at in one.samples if not is_stale(value)]
        expected = [(unscaled(v, scale), at) for v, at in zip(column, batch.times, strict=True) if v is not None]
        assert live == expected
        gone = [at for one in mine for value, at in one.samples if is_stale(value)]
        nulls = [
            at
            for place, at in enumerate(batch.times)
            if column[place] is None and (place == 0 or column[place - 1] is not None)
        ]
        assert gone == nulls


@given(sendings())
def test_a_replay_gives_identical_bytes(sending: tuple[Schema, Batch]) -> None:
    schema, batch = sending
    later = batch.times[-1] + 3_600_000
    assert _admit(schema, batch, batch.times[-1]) == _admit(make_schema(schema.series), batch, later)


def test_labels_are_sorted_and_the_centre_is_the_topics() -> None:
    (told,) = _one(UP, [1])
    assert told.labels == [("__name__", "centre_ups_up"), ("centre", CENTRE), ("job", "centre"), ("ups", "rack")]


def test_scales_are_undone() -> None:
    assert _samples(_one(CHARGE, [873, 1000])) == [(0.873, NOW_MS), (1.0, NOW_MS + 10_000)]
    assert _samples(_one(MEMORY, [123])) == [(123_000_000.0, NOW_MS)]
    assert _samples(_one(UP, [2**53 - 1])) == [(float(2**53 - 1), NOW_MS)]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([1, None, None, 1], [1.0, "stale", 1.0]),
        ([None, 1], ["stale", 1.0]),
        ([1, None], [1.0, "stale"]),
        ([None, None], ["stale"]),
        ([1, None, 0, None], [1.0, "stale", 0.0, "stale"]),
        ([1, 1], [1.0, 1.0]),
    ],
)
def test_each_run_of_nulls_begins_with_one_stale_marker(column: list[Scaled], expected: list[float | str]) -> None:
    assert [value for value, _ in _samples(_one(UP, column))] == expected


def test_a_stale_marker_carries_the_time_of_its_tick() -> None:
    assert _samples(_one(UP, [1, None, 1])) == [(1.0, NOW_MS), ("stale", NOW_MS + 10_000), (1.0, NOW_MS + 20_000)]


@pytest.mark.parametrize(
    ("newest", "oldest", "reason"),
    [
        (FUTURE_MS, 0, None),
        (FUTURE_MS + 1, 0, "future"),
        (7 * 86_400_000, 0, "future"),
        (0, -OLD_MS, None),
        (0, -OLD_MS - 1, "old"),
        (0, -NOW_MS, "old"),
    ],
)
def test_a_time_outside_what_the_store_keeps_open_is_refused(newest: int, oldest: int, reason: str | None) -> None:
    if reason is None:
        check_time(NOW_MS + newest, NOW_MS + oldest, NOW_MS)
        return
    with pytest.raises(Rejected) as caught:
        check_time(NOW_MS + newest, NOW_MS + oldest, NOW_MS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ((NOW_MS, NOW_MS + FUTURE_MS + 1), "future"),
        ((NOW_MS - OLD_MS - 1,), "old"),
        ((NOW_MS - OLD_MS - 1, NOW_MS - OLD_MS), "old"),
        ((0,), "old"),
        ((2**53,), "future"),
    ],
)
def test_one_tick_out_of_time_refuses_the_whole_batch(times: tuple[int, ...], reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        _admit(make_schema([UP]), Batch(1, 1, times, ([1] * len(times),)))
    assert caught.value.reason == reason


def test_a_batch_under_another_schema_is_refused() -> None:
    message = parse_batch(encode_batch(make_schema([UP]), Batch(1, 1, (NOW_MS,), ([1],))))
    with pytest.raises(Rejected) as caught:
        admit(message, template(CENTRE, make_schema([CHARGE])), NOW_MS)
    assert caught.value.reason == "schema"


def test_events_come_through_as_they_were_sent() -> None:
    outage = Event("outage", "outage-rack-1", datetime(2025, 10, 9, tzinfo=UTC), None, {"ups": "rack"})
    batch = Batch(1, 1, (NOW_MS,), ([1],), (outage,))
    assert _admit(make_schema([UP]), batch).events == (outage,)


@given(st.binary(max_size=200), st.booleans())
def test_any_message_is_admitted_as_a_readable_request_or_rejected(body: bytes, packed: bool) -> None:
    made = template(CENTRE, make_schema([UP, CHARGE]))
    try:
        admitted = admit(parse_batch(zlib.compress(body) if packed else b"{" + body), made, NOW_MS)
    except Rejected as problem:
        reason = problem.reason
    else:
        reason = "schema" if len(read(admitted.body)) >= 2 else ""
    assert reason in REJECT_REASONS


# ── topics and states ──────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("centres/PK-PB-00042/samples", Topic(CENTRE, "samples")),
        ("centres/PK-PB-00042/state/power", Topic(CENTRE, "state", "power")),
        ("centres/PK-PB-00042/state/schema/01ab23cd", Topic(CENTRE, "schema", "01ab23cd")),
    ],
)
def test_a_topic_of_ours_is_read(topic: str, expected: Topic) -> None:
    assert parse_topic(topic) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "", "centres", "centres/PK-PB-00042", "centres//samples", "centres/pk/samples", "centres/A/B/samples",
        "centres/PK-PB-00042/samples/x", "centres/PK-PB-00042/state", "centres/PK-PB-00042/state/a/b",
        "centres/PK-PB-00042/ack", "$SYS/x/samples", "other/PK-PB-00042/samples", "centres/#/samples",
        "centres/PK-PB-00042/state/schema/a/b",
    ],
)  # fmt: skip
def test_any_other_topic_is_rejected(topic: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_topic(topic)
    assert caught.value.reason == "topic"


def test_a_state_is_plain_json_with_version_and_time() -> None:
    assert parse_state(b'{"v":1,"ts":1760000000000,"online":true}')["online"] is True


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"), (b"[]", "malformed"), (b"{}", "malformed"), (b'{"v":2,"ts":1}', "malformed"),
        (b'{"v":true,"ts":1}', "malformed"),
        (b'{"v":1}', "malformed"), (b'{"v":1,"ts":-1}', "malformed"), (b'{"v":1,"ts":true}', "malformed"),
        (b'{"v":1,"ts":1.5}', "malformed"), (b'{"v":1,"ts":null}', "malformed"),
        (b'{"v":1,"ts":9999999999999999}', "malformed"), (b'{"v":1,"ts":1,"x":NaN}', "malformed"),
        (b'{"v":1,"ts":1,"x":1e999}', "malformed"), (b'{"v":1,"ts":1,"x":' + b"[" * 9000, "malformed"),
        (b'{"v":1,"ts":1,"x":"\xff"}', "malformed"), (b'{"v":1,"ts":1}' + b" " * 16_384, "oversized"),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else value,
)  # fmt: skip
def test_a_state_that_is_none_is_rejected(body: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_state(body)
    assert caught.value.reason == reason


@given(st.binary(max_size=100))
def test_any_bytes_are_a_state_or_a_rejection(body: bytes) -> None:
    answer: dict[str, Any] = {}
    try:
        answer = parse_state(body)
    except Rejected as problem:
        answer["v"] = int(problem.reason == "malformed")
    assert answer["v"] == 1


# ── the encoding itself ────────────────────────────────────────────────────────────────────────
@given(st.integers(0, 2**63 - 1))
def test_a_varint_is_that_of_the_protocol(value: int) -> None:
    googles: Any = import_module("google.protobuf.internal.encoder")
    assert protobuf.varint(value) == googles._VarintBytes(value)


@pytest.mark.parametrize("at", [0, 2**35 - 1, 2**42, -1])
def test_a_time_that_does_not_fit_its_six_bytes_is_refused(at: int) -> None:
    with pytest.raises(ValueError, match="1971-2109"):
        protobuf.stamps([at])


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.integers(2**35, 2**42 - 1)), min_size=1, max_size=130))
def test_samples_of_any_number_and_value_are_read_back(samples: list[tuple[float, int]]) -> None:
    labels = protobuf.labels({"__name__": "x", "a": "é" * 40})
    body = protobuf.series(labels, [value for value, _ in samples], protobuf.stamps([at for _, at in samples]))
    (told,) = read(body)
    assert (told.labels, told.samples) == ([("__name__", "x"), ("a", "é" * 40)], samples)


def test_a_stale_marker_is_the_one_nan_that_prometheus_knows() -> None:
    (told,) = read(protobuf.stale(protobuf.labels({"__name__": "x"}), protobuf.stamps([NOW_MS])))
    ((value, at),) = told.samples
    assert (math.isnan(value), is_stale(value), at) == (True, True, NOW_MS)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_the_body_of_a_post_is_snappy_and_its_parts_in_order(parts: list[bytes]) -> None:
    assert bytes(cramjam.snappy.decompress_raw(protobuf.compressed(parts))) == b"".join(parts)
