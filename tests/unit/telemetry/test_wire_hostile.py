"""What a centre can send that is no batch: refused for its reason at the very edge of each bound, and cheaply.

The kinds of hostile messages, hundreds of them, stand in bench/hostile and are tested in tests/unit/bench.
"""

import json
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.hostile.kinds import EVENT, SCHEMA
from bench.hostile.octets import bomb
from telemetry.errors import REJECT_REASONS, Rejected
from telemetry.wire import (
    MAX_EVENTS,
    MAX_INTEGER,
    MAX_TICKS,
    MAX_WIRE_BYTES,
    Batch,
    Schema,
    decode_batch,
    decode_schema,
    encode_batch,
    encode_schema,
)
from tests.unit.telemetry.strategies import NOW_MS, sendings

GOOD: dict[str, Any] = {"v": 1, "sid": SCHEMA.sid, "e": 7, "q": 1, "t": NOW_MS, "d": 10_000, "n": 2}
GOOD["c"] = [1, [900, -10]]


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


_MANY = [["centre_host_temperature_celsius", {"sensor": f"s{n}"}, 1] for n in range(501)]


def test_five_hundred_series_are_still_allowed() -> None:
    assert len(decode_schema(json.dumps({"v": 1, "s": _MANY[:500]}).encode()).series) == 500


@pytest.mark.parametrize("mebibytes", [15, 1024], ids=["below the wire limit", "a gibibyte in a mebibyte"])
def test_a_zlib_bomb_costs_neither_memory_nor_time(mebibytes: int) -> None:
    body = bomb(mebibytes)
    tracemalloc.start()
    begun = time.perf_counter()
    reason = _reason(body)
    seconds = time.perf_counter() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (reason, peak < 4 * 2**20, seconds < 1.0) == ("oversized", True, True)


def test_a_bomb_below_the_wire_limit_is_what_it_claims_to_be() -> None:
    body = bomb(15)
    assert len(body) <= MAX_WIRE_BYTES
    assert len(zlib.decompressobj().decompress(body)) > 15 * 2**20


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
