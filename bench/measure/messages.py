"""Messages as a fleet sends them: the simulated centres' ticks, scaled, packed and compressed by the real encoder."""

from collections.abc import Sequence

from msgspec import Struct

from central.simulate.centre import Fault, Values, active, make_centre, tick
from telemetry.reading import Series
from telemetry.wire import Batch, Schema, encode_batch, make_schema, samples_topic, scaled

_SEED, _EPOCH, _INTERVAL, _AGE = 1, 7, 15.0, 3600.0
_FAULTS = (Fault("ups_silent", share=0.04, start_seconds=30.0), Fault("internet_down", share=0.04, start_seconds=30.0))
"""Some cards and lines fall silent within a message, so that there are gaps to mark."""


class Message(Struct, frozen=True):
    """A message on `samples`, and what it holds."""

    topic: str
    body: bytes
    samples: int


def days(centres: int, ticks: int, start: float) -> dict[str, list[Values]]:
    """`ticks` ticks of each centre, by its id, from Unix time `start`."""
    found = {}
    for number in range(1, centres + 1):
        centre = make_centre(number, _SEED)
        moments = [index * _INTERVAL for index in range(ticks)]
        found[centre.id] = [tick(centre, start + at, active(_FAULTS, centre, at), _AGE + at) for at in moments]
    return found


def schemas(readings: dict[str, list[Values]]) -> dict[str, Schema]:
    """What each centre announces: every series that it ever shows."""
    return {
        centre: make_schema(tuple(dict.fromkeys(one for row in values for one in row)))
        for centre, values in readings.items()
    }


def times(ticks: int, start: float) -> tuple[int, ...]:
    """Epoch ms of the first ticks."""
    return tuple(int((start + index * _INTERVAL) * 1000) for index in range(ticks))


def messages(
    readings: dict[str, list[Values]], announced: dict[str, Schema], ticks: int, start: float, *, restless: bool = False
) -> list[Message]:
    """One message of the first `ticks` ticks from each centre; restless: no value is ever the same twice."""
    found = []
    for number, (centre, values) in enumerate(readings.items(), 1):
        schema = announced[centre]
        columns = [_column(one, values[:ticks], restless=restless) for one in schema.series]
        body = encode_batch(schema, Batch(_EPOCH, number, times(ticks, start), tuple(columns)))
        found.append(Message(samples_topic(centre), body, ticks * len(schema.series)))
    return found


def _column(one: Series, ticks: Sequence[Values], *, restless: bool) -> list[int | None]:
    column: list[int | None] = [scaled(values[one], one.metric.scale) if one in values else None for values in ticks]
    if not restless:
        return column
    return [None if value is None else value + 7 * index + index % 3 for index, value in enumerate(column)]
