"""Messages as a fleet sends them: the simulated centres' ticks, scaled, packed and compressed by the real encoder."""

from collections.abc import Sequence

from msgspec import Struct

from central.simulate.centre import Fault, Values, active, make_centre, tick
from telemetry.reading import Series
from telemetry.wire import Batch, Schema, encode_batch, encode_schema, make_schema, samples_topic, scaled

_SEED, _EPOCH, _INTERVAL, _AGE = 1, 7, 15.0, 3600.0
_FAULTS = (Fault("ups_silent", share=0.04, start_seconds=30.0), Fault("internet_down", share=0.04, start_seconds=30.0))
"""Some cards and lines fall silent within a message, so that there are gaps to mark."""


class Message(Struct, frozen=True):
    """A message on `samples`, and what it holds."""

    topic: str
    body: bytes
    samples: int


class Fleet(Struct, frozen=True):
    """Each centre's schema as it is announced, and its message; `newest_ms` is the time of the last tick."""

    schemas: dict[str, tuple[Schema, bytes]]
    messages: list[Message]
    newest_ms: int


def days(centres: int, ticks: int, start: float) -> dict[str, list[Values]]:
    """`ticks` ticks of each centre, by its id, from Unix time `start`."""
    found = {}
    for number in range(1, centres + 1):
        centre = make_centre(number, _SEED)
        moments = [index * _INTERVAL for index in range(ticks)]
        found[centre.id] = [tick(centre, start + at, active(_FAULTS, centre, at), _AGE + at) for at in moments]
    return found


def fleet(readings: dict[str, list[Values]], ticks: int, start: float, *, restless: bool = False) -> Fleet:
    """One message of `ticks` ticks from each centre; restless: no value is ever the same twice."""
    schemas, messages = {}, []
    times = tuple(int((start + index * _INTERVAL) * 1000) for index in range(ticks))
    for number, (centre, values) in enumerate(readings.items(), 1):
        schema = make_schema(tuple(dict.fromkeys(one for row in values for one in row)))
        schemas[centre] = schema, encode_schema(schema)
        columns = [_column(one, values[:ticks], restless=restless) for one in schema.series]
        body = encode_batch(schema, Batch(_EPOCH, number, times, tuple(columns)))
        messages.append(Message(samples_topic(centre), body, ticks * len(schema.series)))
    return Fleet(schemas, messages, times[-1])


def _column(one: Series, ticks: Sequence[Values], *, restless: bool) -> list[int | None]:
    column: list[int | None] = [scaled(values[one], one.metric.scale) if one in values else None for values in ticks]
    if not restless:
        return column
    return [None if value is None else value + 7 * index + index % 3 for index, value in enumerate(column)]
