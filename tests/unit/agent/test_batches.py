"""Ticks that grow into one message: columns are only ever appended, and nothing outgrows the wire."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.batches import Columns, OpenBatch, ticks_of
from agent.clock import Stamped
from telemetry import catalogue as names
from telemetry.reading import Reading, Series
from telemetry.wire import MAX_SERIES, MAX_TICKS, decode_batch, decode_schema, encode_schema, epoch_ms
from tests.unit.telemetry.strategies import any_series

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
UP, CHARGE = Series(names.UPS_UP, ("rack",)), Series(names.UPS_CHARGE, ("rack",))
CERTAIN = Stamped(certain=True, boot="this", offset_ms=0)


def _reading(series: Series, value: float, seconds: float = 0) -> Reading:
    return Reading(series, value, AT + timedelta(seconds=seconds))


def test_readings_of_one_moment_are_one_tick_scaled_by_the_catalogue() -> None:
    ticks = ticks_of([_reading(CHARGE, 0.873), _reading(UP, 1), _reading(CHARGE, 0.872, 10)])
    first = epoch_ms(AT)
    assert ticks == [(first, {CHARGE: 873, UP: 1}), (first + 10_000, {CHARGE: 872})]


def test_ticks_stand_in_the_order_of_time_whatever_the_order_of_readings() -> None:
    ticks = ticks_of([_reading(UP, 1, 20), _reading(UP, 1, 0), _reading(UP, 1, 10)])
    assert [at for at, _ in ticks] == sorted(at for at, _ in ticks)


def test_a_later_reading_of_the_same_moment_replaces_the_earlier() -> None:
    assert ticks_of([_reading(UP, 1), _reading(UP, 0)]) == [(epoch_ms(AT), {UP: 0})]


def test_no_reading_is_no_tick() -> None:
    assert ticks_of([]) == []


def test_a_lane_keeps_its_schema_while_series_come_and_go() -> None:
    columns = Columns()
    columns.admit([UP, CHARGE])
    assert columns.schema is not None
    sid = columns.schema.sid
    for shown in ([UP], [CHARGE], [], [CHARGE, UP]):
        columns.admit(shown)
        assert columns.schema.sid == sid


def test_a_new_series_stands_behind_the_known_ones() -> None:
    columns = Columns()
    columns.admit([CHARGE])
    columns.admit([UP])
    assert columns.schema is not None
    assert columns.schema.series == (CHARGE, UP)


def test_a_series_that_is_gone_is_null_and_one_that_is_new_was_null_before() -> None:
    batch = OpenBatch(Columns(), CERTAIN)
    batch.add((1000, {UP: 1}), ())
    batch.add((2000, {CHARGE: 900}), ())
    body = batch.encode(7, 3)
    assert batch.columns.schema is not None
    decoded = decode_batch(body, batch.columns.schema)
    assert (decoded.epoch, decoded.seq, decoded.times) == (7, 3, (1000, 2000))
    assert [list(column) for column in decoded.columns] == [[1, None], [None, 900]]


def test_a_tick_must_be_later_than_the_last_and_within_a_day() -> None:
    batch = OpenBatch(Columns(), CERTAIN)
    assert batch.accepts((5, {UP: 1}))
    batch.add((1000, {UP: 1}), ())
    later = (999, 1000, 1001, 86_401_000, 86_401_001)
    assert [batch.accepts((at, {UP: 1})) for at in later] == [False, False, True, True, False]


def test_a_batch_is_full_after_the_ticks_that_the_wire_allows() -> None:
    batch = OpenBatch(Columns(), CERTAIN)
    for number in range(MAX_TICKS):
        assert batch.accepts((1000 + number, {UP: 1}))
        batch.add((1000 + number, {UP: 1}), ())
    assert not batch.accepts((10_000, {UP: 1}))


def test_encoding_twice_gives_the_same_bytes() -> None:
    batch = OpenBatch(Columns(), CERTAIN)
    batch.add((1000, {UP: 1, CHARGE: 900}), ())
    assert batch.encode(1, 2) == batch.encode(1, 2)


@given(st.lists(st.dictionaries(any_series(), st.integers(-(10**9), 10**9), min_size=1, max_size=8), max_size=12))
def test_whatever_series_a_lane_shows_each_tick_comes_out_as_it_went_in(shown: list[dict[Series, int]]) -> None:
    batch = OpenBatch(Columns(), CERTAIN)
    for number, values in enumerate(shown):
        assert batch.accepts((1000 * number, values))
        batch.add((1000 * number, values), ())
    if not shown:
        return
    body = batch.encode(1, 1)
    assert batch.columns.schema is not None
    schema = decode_schema(encode_schema(batch.columns.schema))
    decoded = decode_batch(body, schema)
    for place, values in enumerate(shown):
        told = {one: column[place] for one, column in zip(schema.series, decoded.columns, strict=True)}
        assert {one: value for one, value in told.items() if value is not None} == values


def test_columns_take_no_more_series_than_the_wire_and_a_tick_is_cut_to_fit() -> None:
    many = [Series(names.HOST_TEMPERATURE, (f"s{place}",)) for place in range(MAX_SERIES + 1)]
    columns = Columns()
    columns.admit(many[:-1])
    batch = OpenBatch(columns, CERTAIN)
    assert batch.accepts((1000, {many[0]: 1}))
    assert not batch.accepts((1000, {many[-1]: 1}))
    assert [len(values) for _, values in ticks_of([_reading(one, 40) for one in many])] == [MAX_SERIES, 1]


def test_a_batch_never_inflates_beyond_what_ingest_accepts() -> None:
    # 400 series that swing between two values pack so well that 12 KiB hold more than 256 KiB.
    columns = Columns()
    batch = OpenBatch(columns, CERTAIN)
    many = [Series(names.HOST_TEMPERATURE, (f"s{place}",)) for place in range(400)]
    for number in range(MAX_TICKS):
        tick = (1000 * number, dict.fromkeys(many, 1_000_000 if number % 2 else -1_000_000))
        if not batch.accepts(tick):
            break
        batch.add(tick, ())
        body = batch.encode(1, 1)
    assert columns.schema is not None
    assert decode_batch(body, columns.schema).seq == 1
