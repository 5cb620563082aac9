"""Format v1: what goes in comes out, in the same bytes every time."""

import json
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage.parts import ROOT
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import Series
from telemetry.wire import (
    MAX_TICKS,
    MAX_WIRE_BYTES,
    Batch,
    Schema,
    decode_batch,
    decode_schema,
    encode_batch,
    encode_schema,
    epoch_ms,
    from_epoch_ms,
    make_schema,
    ranges,
    scaled,
    unscaled,
)
from tests.unit.telemetry.strategies import NOW_MS, schemas, sendings

UP = Series(names.UPS_UP, ("rack",))
CHARGE = Series(names.UPS_CHARGE, ("rack",))


def _same(one: Batch, other: Batch) -> bool:
    plain = [(b.epoch, b.seq, b.times, [list(c) for c in b.columns], b.events) for b in (one, other)]
    return plain[0] == plain[1]


def _message(body: bytes) -> dict[str, object]:
    plain: dict[str, object] = json.loads(zlib.decompress(body))
    return plain


@given(sendings())
def test_any_batch_comes_out_as_it_went_in(sending: tuple[Schema, Batch]) -> None:
    schema, batch = sending
    assert _same(decode_batch(encode_batch(schema, batch), decode_schema(encode_schema(schema))), batch)


@given(sendings())
def test_the_same_batch_always_gives_the_same_bytes(sending: tuple[Schema, Batch]) -> None:
    schema, batch = sending
    assert encode_batch(schema, batch) == encode_batch(make_schema(schema.series), batch)


@given(sendings())
def test_a_decoded_batch_encodes_to_the_bytes_it_came_from(sending: tuple[Schema, Batch]) -> None:
    schema, batch = sending
    body = encode_batch(schema, batch)
    assert encode_batch(schema, decode_batch(body, schema)) == body


@given(schemas())
def test_a_schema_keeps_its_id_over_the_wire(schema: Schema) -> None:
    assert decode_schema(encode_schema(schema)) == schema


def test_a_schema_id_is_the_same_in_every_version_of_the_agent() -> None:
    # Rows wait on disk over an upgrade: whoever changes this makes them unreadable.
    assert make_schema([UP, CHARGE]).sid == "8e187dc5"


def test_another_order_of_the_columns_is_another_schema() -> None:
    assert make_schema([UP, CHARGE]).sid != make_schema([CHARGE, UP]).sid


def test_bytes_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    program = (
        "from telemetry.wire import *; from telemetry.reading import Series; from telemetry import catalogue as n\n"
        "s = make_schema([Series(n.UPS_STATUS, ('rack', one)) for one in n.UPS_STATUSES])\n"
        "b = Batch(1, 2, (1760000000000, 1760000010000), tuple([0, k] for k in range(len(s.series))))\n"
        "print(s.sid, encode_batch(s, b).hex())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, cwd=ROOT
        ).stdout
        for seed in ("0", "1")
    }
    assert len(said) == 1


def test_a_column_that_does_not_change_is_one_scalar() -> None:
    schema = make_schema([UP, CHARGE])
    body = encode_batch(schema, Batch(1, 1, (NOW_MS, NOW_MS + 10_000, NOW_MS + 20_000), ([1, 1, 1], [900, 890, 880])))
    assert _message(body)["c"] == [1, [900, -10, -10]]


def test_a_delta_counts_from_the_last_value_that_is_there() -> None:
    schema = make_schema([CHARGE])
    body = encode_batch(schema, Batch(1, 1, (1, 2, 3, 4), ([None, 900, None, 905],)))
    assert _message(body)["c"] == [[None, 900, None, 5]]


def test_regular_ticks_are_one_step_and_irregular_ones_a_list() -> None:
    schema = make_schema([UP])
    regular = encode_batch(schema, Batch(1, 1, (1000, 2000, 3000), ([1, 1, 1],)))
    irregular = encode_batch(schema, Batch(1, 1, (1000, 2000, 3500), ([1, 1, 1],)))
    assert (_message(regular)["d"], _message(irregular)["d"]) == (1000, [1000, 1500])


def test_a_batch_without_events_does_not_pay_for_them() -> None:
    schema = make_schema([UP])
    batch = Batch(1, 1, (1000,), ([1],))
    outage = Event("outage", "outage-rack-1", datetime(2026, 1, 1, tzinfo=UTC))
    assert "ev" not in _message(encode_batch(schema, batch))
    assert decode_batch(encode_batch(schema, Batch(1, 1, (1000,), ([1],), (outage,))), schema).events == (outage,)


def test_a_plain_json_body_is_read_as_well() -> None:
    schema = make_schema([UP])
    batch = Batch(7, 3, (1000, 2000), ([1, 0],))
    assert _same(decode_batch(zlib.decompress(encode_batch(schema, batch)), schema), batch)


def test_a_full_batch_of_the_ups_fits_one_message() -> None:
    series = [Series(names.UPS_STATUS, ("rack", one)) for one in names.UPS_STATUSES]
    series += [Series(one, ("rack",)) for one in (names.UPS_CHARGE, names.UPS_RUNTIME, names.UPS_BATTERY_VOLTAGE)]
    columns = tuple([(place * 7919 + tick * 31) % 1000 for tick in range(MAX_TICKS)] for place in range(len(series)))
    batch = Batch(1, 1, tuple(range(0, MAX_TICKS * 1000, 1000)), columns)
    assert len(encode_batch(make_schema(series), batch)) <= MAX_WIRE_BYTES


@given(st.integers(-(10**12), 10**12), st.integers(-9, 9))
def test_a_scaled_number_survives_being_a_value(number: int, scale: int) -> None:
    assert scaled(unscaled(number, scale), scale) == number


@given(st.floats(-1e6, 1e6), st.integers(-4, 6))
def test_a_value_is_kept_to_half_a_step_of_its_scale(value: float, scale: int) -> None:
    step = 10.0**-scale
    assert abs(unscaled(scaled(value, scale), scale) - value) <= step / 2 * (1 + 1e-9)


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_keeps_its_millisecond(ms: int) -> None:
    assert epoch_ms(from_epoch_ms(ms)) == ms


@given(st.lists(st.integers(1, 300)))
def test_ranges_name_exactly_the_numbers_given(numbers: list[int]) -> None:
    found = ranges(numbers)
    assert [one for first, last in found for one in range(first, last + 1)] == sorted(set(numbers))
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(found))


@pytest.mark.parametrize(("numbers", "expected"), [([], []), ([1, 2, 3, 7], [(1, 3), (7, 7)]), ([5, 4, 4], [(4, 5)])])
def test_ranges_are_closed_and_sorted(numbers: list[int], expected: list[tuple[int, int]]) -> None:
    assert ranges(numbers) == expected
