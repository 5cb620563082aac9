"""Any schema, batch or event that an agent could send."""

import string
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from telemetry.catalogue import CATALOGUE
from telemetry.event import Event
from telemetry.metric import Metric
from telemetry.reading import Series
from telemetry.wire import MAX_INTEGER, Batch, Scaled, Schema, make_schema

SENDABLE = [metric for metric in CATALOGUE.values() if metric.owner not in ("ingest", "enrol")]
LABEL_TEXT = st.text(string.ascii_letters + string.digits + "_.:/ -", max_size=64)
EXACT = st.integers(1 - MAX_INTEGER, MAX_INTEGER - 1)
NOW_MS = 1_760_000_000_000


@st.composite
def any_series(draw: DrawFn) -> Series:
    """A metric of the catalogue under labels that it allows."""
    metric: Metric = draw(st.sampled_from(SENDABLE))
    labels = tuple(
        draw(st.sampled_from(metric.states[key]) if key in metric.states else LABEL_TEXT) for key in metric.labels
    )
    return Series(metric, labels)


@st.composite
def schemas(draw: DrawFn, most: int = 12) -> Schema:
    """A subset of the catalogue in any order, each series once."""
    return make_schema(draw(st.lists(any_series(), min_size=1, max_size=most, unique=True)))


def _columns(ticks: int) -> SearchStrategy[Sequence[Scaled]]:
    constant = EXACT.map(lambda value: [value] * ticks)
    gone = st.just([None] * ticks)
    full = st.lists(EXACT, min_size=ticks, max_size=ticks)
    gaps = st.lists(st.none() | EXACT, min_size=ticks, max_size=ticks)
    return st.one_of(constant, gone, full, gaps)


@st.composite
def times(draw: DrawFn, most: int = 10) -> tuple[int, ...]:
    """Ticks that go forward, regular or not, the last one close to NOW_MS."""
    regular = draw(st.booleans())
    count = draw(st.integers(1, most))
    if regular:
        step = draw(st.integers(1, 600_000))
        return tuple(NOW_MS + step * number for number in range(count))
    steps = draw(st.lists(st.integers(1, 600_000), min_size=count - 1, max_size=count - 1))
    return tuple(NOW_MS + sum(steps[:number]) for number in range(count))


@st.composite
def events(draw: DrawFn) -> Event:
    """A fact of this year with harmless evidence."""
    moments = st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
    start, end = sorted([draw(moments), draw(moments)])
    fact = st.one_of(LABEL_TEXT, st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9))
    return Event(
        kind=draw(st.sampled_from(("outage", "transfer", "restart", "internet_fault", "clock_step", "configuration"))),
        id=draw(LABEL_TEXT.filter(bool)),
        start=start,
        end=draw(st.none() | st.just(end)),
        evidence=draw(st.dictionaries(LABEL_TEXT, fact, max_size=4)),
    )


@st.composite
def sendings(draw: DrawFn) -> tuple[Schema, Batch]:
    """A schema and a batch under it, small enough for one message."""
    schema = draw(schemas())
    at = draw(times())
    columns = tuple([draw(_columns(len(at))) for _ in schema.series])
    return schema, Batch(
        epoch=draw(st.integers(0, 2**32 - 1)),
        seq=draw(st.integers(1, MAX_INTEGER)),
        times=at,
        columns=columns,
        events=tuple(draw(st.lists(events(), max_size=2))),
    )
