"""What a centre can send that is no batch: each refused for its reason, cheaply, and never by a crash."""

import json
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry import catalogue as names
from telemetry.errors import REJECT_REASONS, Rejected
from telemetry.reading import Series
from telemetry.wire import (
    MAX_EVENTS,
    MAX_INFLATED_BYTES,
    MAX_INTEGER,
    MAX_TICKS,
    MAX_WIRE_BYTES,
    Batch,
    Schema,
    decode_batch,
    decode_schema,
    encode_batch,
    encode_schema,
    make_schema,
)
from tests.unit.telemetry.strategies import NOW_MS, sendings

SCHEMA = make_schema([Series(names.UPS_UP, ("rack",)), Series(names.UPS_CHARGE, ("rack",))])
GOOD: dict[str, Any] = {"v": 1, "sid": SCHEMA.sid, "e": 7, "q": 1, "t": NOW_MS, "d": 10_000, "n": 2}
GOOD["c"] = [1, [900, -10]]
EVENT: dict[str, Any] = {"kind": "outage", "id": "outage-rack-1", "start": "2026-01-01T00:00:00Z", "evidence": {}}


def _body(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def _with_event(**changes: Any) -> bytes:
    return _body(ev=[EVENT | changes])


def _reason(body: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        decode_batch(body, SCHEMA)
    return caught.value.reason


def test_the_message_that_the_others_are_bent_from_is_good() -> None:
    assert decode_batch(_with_event(), SCHEMA).columns == ((1, 1), [900, 890])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"\x00", "malformed"),
        (b"[1, 2]", "malformed"),
        (b"{", "malformed"),
        (b"{}", "malformed"),
        (b"x", "malformed"),
        (b"\x78\xda", "malformed"),
        (zlib.compress(_body())[:-3], "malformed"),
        (zlib.compress(_body())[:20], "malformed"),
        (b"\x78\xda" + b"\xff" * 40, "malformed"),
        (zlib.compress(b"not JSON"), "malformed"),
        (zlib.compress(zlib.compress(_body())), "malformed"),
        (_body() + b"{}", "malformed"),
        (b"{" + b" " * MAX_WIRE_BYTES, "oversized"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_what_is_not_zlib_or_json_is_malformed_or_oversized(body: bytes, reason: str) -> None:
    assert _reason(body) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, "version"),
        ({"v": 0}, "version"),
        ({"v": "1"}, "malformed"),
        ({"v": True}, "malformed"),
        ({"sid": "x"}, "schema"),
        ({"sid": "0123456"}, "schema"),
        ({"sid": "0123456\n"}, "schema"),
        ({"sid": "ABCDEF01"}, "schema"),
        ({"sid": "00000000"}, "schema"),
        ({"sid": 12345678}, "malformed"),
        ({"e": -1}, "malformed"),
        ({"e": 2**32}, "malformed"),
        ({"q": 0}, "malformed"),
        ({"q": MAX_INTEGER + 1}, "malformed"),
        ({"q": 10**300}, "malformed"),
        ({"t": -1}, "malformed"),
        ({"t": 10**30}, "malformed"),
        ({"t": 1.5}, "malformed"),
        ({"n": 0}, "malformed"),
        ({"n": -2}, "malformed"),
        ({"n": MAX_TICKS + 1}, "malformed"),
        ({"n": 10**9}, "malformed"),
        ({"n": 3}, "malformed"),
        ({"d": 0}, "malformed"),
        ({"d": -10}, "malformed"),
        ({"d": 86_400_001}, "malformed"),
        ({"d": []}, "malformed"),
        ({"d": [1, 2]}, "malformed"),
        ({"d": [0]}, "malformed"),
        ({"d": [-1]}, "malformed"),
        ({"d": [None]}, "malformed"),
        ({"c": []}, "schema"),
        ({"c": [1]}, "schema"),
        ({"c": [1, 2, 3]}, "schema"),
        ({"c": [0] * 501}, "malformed"),
        ({"c": [1, [900]]}, "malformed"),
        ({"c": [1, [900, 1, 1]]}, "malformed"),
        ({"c": [1, []]}, "malformed"),
        ({"c": [1, [[900], 1]]}, "malformed"),
        ({"c": [True, 1]}, "malformed"),
        ({"c": [1, [900, False]]}, "malformed"),
        ({"c": [1, 0.5]}, "malformed"),
        ({"c": [1, "900"]}, "malformed"),
        ({"c": [1, {}]}, "malformed"),
        ({"c": [MAX_INTEGER, 1]}, "value"),
        ({"c": [-MAX_INTEGER, 1]}, "value"),
        ({"c": [10**200, 1]}, "value"),
        ({"c": [1, [MAX_INTEGER - 1, 1]]}, "value"),
        ({"c": [1, [1, -MAX_INTEGER - 1]]}, "value"),
        ({"c": [1, [None, 10**200]]}, "value"),
        ({"ev": [EVENT] * (MAX_EVENTS + 1)}, "malformed"),
        ({"ev": {}}, "malformed"),
        ({"ev": [1]}, "malformed"),
    ],
    ids=str,
)
def test_a_field_out_of_its_bounds_is_refused_for_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert _reason(_body(**changes)) == reason
    assert _reason(zlib.compress(_body(**changes))) == reason


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e15", "0x10", "01", "+1", "1."])
def test_a_number_that_is_no_integer_of_json_is_malformed(word: str) -> None:
    assert _reason(_body().replace(b"[900, -10]", word.encode())) == "malformed"


@pytest.mark.parametrize("digits", [17, 25, 400, 5000])
def test_an_integer_of_any_length_is_refused_without_an_exception_of_another_kind(digits: int) -> None:
    assert _reason(_body().replace(b"[900, -10]", b"9" * digits)) in ("value", "malformed")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_malformed_wherever_it_stands(opening: bytes) -> None:
    depth = 16_000 // len(opening) - 100
    assert _reason(b'{"unknown":' + opening * depth) == "malformed"
    assert _reason(_body().replace(b"[900, -10]", opening * depth)) == "malformed"
    assert _reason(zlib.compress(b'{"unknown":' + opening * 50_000)) == "malformed"


@pytest.mark.parametrize("place", ["sid", "c", "ev"])
def test_text_that_is_not_utf8_is_malformed(place: str) -> None:
    bodies = {
        "sid": _body().replace(SCHEMA.sid.encode(), b"\xff\xfe"),
        "c": _body().replace(b"[900, -10]", b'"\xff"'),
        "ev": _with_event().replace(b"outage-rack-1", b"\xff"),
    }
    assert _reason(bodies[place]) == "malformed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "party"}, "malformed"),
        ({"kind": None}, "malformed"),
        ({"id": "a" * 65}, "labels"),
        ({"id": 'a"b'}, "labels"),
        ({"id": "a\nb"}, "labels"),
        ({"id": "\u0000"}, "labels"),
        ({"id": "\u202e"}, "labels"),
        ({"id": "<script>"}, "labels"),
        ({"id": 1}, "malformed"),
        ({"evidence": {"who": "O'Neill"}}, "labels"),
        ({"evidence": {"no;sql": 1}}, "labels"),
        ({"evidence": {str(n): n for n in range(17)}}, "labels"),
        ({"evidence": {"a": [1]}}, "malformed"),
        ({"evidence": {"a": None}}, "malformed"),
        ({"evidence": []}, "malformed"),
        ({"start": "2026-01-01T00:00:00"}, "malformed"),
        ({"start": "yesterday"}, "malformed"),
        ({"start": 1767225600}, "malformed"),
        ({"start": "2026-13-01T00:00:00Z"}, "malformed"),
        ({"end": "2026-01-02T00:00:00"}, "malformed"),
        ({"end": "2025-12-31T00:00:00Z"}, "malformed"),
        ({"start": "0001-01-01T00:00:00+05:00"}, "malformed"),
        ({"end": "9999-12-31T23:59:59-05:00"}, "malformed"),
    ],
    ids=str,
)
def test_an_event_that_nobody_could_keep_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert _reason(_with_event(**changes)) == reason


def _series(name: str, labels: dict[str, str], scale: int = 0) -> bytes:
    return json.dumps({"v": 1, "s": [[name, labels, scale]]}).encode()


_MANY = [["centre_host_temperature_celsius", {"sensor": f"s{n}"}, 1] for n in range(501)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"x" * MAX_INFLATED_BYTES, "oversized"),
        (b'{"v":2,"s":[]}', "version"),
        (b'{"v":1,"s":[]}', "schema"),
        (b'{"v":1}', "malformed"),
        (b'{"v":1,"s":' + b"[" * 5000, "malformed"),
        (b'{"v":1,"x":' + b"[" * 5000, "malformed"),
        (b'{"v":1,"s":[["\xff",{},0]]}', "malformed"),
        (json.dumps({"v": 1, "s": _MANY}).encode(), "schema"),
        (json.dumps({"v": 1, "s": [_MANY[0], _MANY[0]]}).encode(), "schema"),
        (json.dumps({"v": 1, "s": [[*_MANY[0], 1]]}).encode(), "malformed"),
        (_series("up", {}), "metric"),
        (_series("centre_nothing", {}), "metric"),
        (_series("centre_online", {}), "metric"),
        (_series("centre_ingest_samples_total", {}), "metric"),
        (_series("centre_offline", {"cause": "power"}), "metric"),
        (_series("centre_ups_up", {"ups": "rack", "centre": "PK-PB-00001"}), "labels"),
        (_series("centre_ups_up", {"ups": "rack", "job": "centre"}), "labels"),
        (_series("centre_ups_up", {"ups": "rack", "__name__": "up"}), "labels"),
        (_series("centre_ups_up", {"centre": "PK-PB-00001"}), "labels"),
        (_series("centre_ups_up", {}), "labels"),
        (_series("centre_ups_up", {"ups": "r" * 65}), "labels"),
        (_series("centre_ups_up", {"ups": "ra\nck"}), "labels"),
        (_series("centre_ups_up", {"ups": "rack\u00e9"}), "labels"),
        (_series("centre_ups_status", {"ups": "rack", "status": "party"}), "labels"),
        (_series("centre_host_cpu_usage_ratio", {}, 10), "schema"),
        (_series("centre_host_cpu_usage_ratio", {}, -(10**20)), "schema"),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_a_schema_that_breaks_a_limit_is_refused_for_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        decode_schema(body)
    assert caught.value.reason == reason


def test_five_hundred_series_are_still_allowed() -> None:
    assert len(decode_schema(json.dumps({"v": 1, "s": _MANY[:500]}).encode()).series) == 500


def _bomb(mebibytes: int) -> bytes:
    """A zlib stream of so many MiB of spaces behind a `{`; each block stands by itself, so it repeats."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"{") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * mebibytes


@pytest.mark.parametrize("mebibytes", [15, 1024], ids=["below the wire limit", "a gibibyte in a mebibyte"])
def test_a_zlib_bomb_costs_neither_memory_nor_time(mebibytes: int) -> None:
    bomb = _bomb(mebibytes)
    tracemalloc.start()
    begun = time.perf_counter()
    reason = _reason(bomb)
    seconds = time.perf_counter() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (reason, peak < 4 * 2**20, seconds < 1.0) == ("oversized", True, True)


def test_a_bomb_below_the_wire_limit_is_what_it_claims_to_be() -> None:
    bomb = _bomb(15)
    assert len(bomb) <= MAX_WIRE_BYTES
    assert len(zlib.decompressobj().decompress(bomb)) > 15 * 2**20


def _answer(body: bytes, schema: Schema = SCHEMA) -> Batch | str:
    try:
        return decode_batch(body, schema)
    except Rejected as problem:
        return problem.reason


def _schema_answer(body: bytes) -> Schema | str:
    try:
        return decode_schema(body)
    except Rejected as problem:
        return problem.reason


def _is_sound(answer: Batch | str) -> bool:
    if isinstance(answer, str):
        return answer in REJECT_REASONS
    lengths = {len(answer.times), *(len(column) for column in answer.columns)}
    numbers = [value for column in answer.columns for value in column if value is not None]
    return lengths == {len(answer.times)} and all(type(one) is int and abs(one) < MAX_INTEGER for one in numbers)


@given(st.binary(max_size=300))
@example(b"{\xff")
@example(b'{"sid":"\xff"}')
def test_any_bytes_give_a_batch_or_a_rejection(body: bytes) -> None:
    for one in (body, b"{" + body, b"\x78" + body, zlib.compress(body)):
        assert _is_sound(_answer(one))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted([*GOOD, "ev"])), _JSON))
def test_any_json_under_our_keys_gives_a_batch_or_a_rejection(changes: dict[str, Any]) -> None:
    assert _is_sound(_answer(_body(**changes)))


@given(sendings(), st.data())
def test_a_damaged_message_gives_a_batch_or_a_rejection(sending: tuple[Schema, Batch], data: st.DataObject) -> None:
    schema, batch = sending
    packed = encode_batch(schema, batch)
    for body in (packed, zlib.decompress(packed), encode_schema(schema)):
        place = data.draw(st.integers(0, len(body) - 1))
        damaged = body[:place] + data.draw(st.binary(max_size=3)) + body[place + data.draw(st.integers(0, 3)) :]
        assert _is_sound(_answer(damaged, schema))
        learned = _schema_answer(damaged)
        assert isinstance(learned, Schema) or learned in REJECT_REASONS
