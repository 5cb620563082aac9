"""What ingest remembers of schemas: enough for a country, and no more of a centre that announces without end."""

import pytest

from central.ingest.templates import SCHEMAS_OF_A_CENTRE, SERIES_OF_A_CENTRE, Templates
from telemetry import catalogue as names
from telemetry.errors import Rejected
from telemetry.reading import Series
from telemetry.wire import MAX_SERIES, Schema, encode_schema, make_schema


def _schema(first: int, count: int) -> Schema:
    return make_schema([Series(names.UPS_UP, (f"ups-{number}",)) for number in range(first, first + count)])


def _learn(templates: Templates, centre: str, schema: Schema) -> None:
    templates.learn(centre, schema.sid, encode_schema(schema))


def test_a_schema_is_known_for_the_centre_that_announced_it_only() -> None:
    templates, schema = Templates(), _schema(0, 2)
    _learn(templates, "PK-1", schema)
    found = templates.find("PK-1", schema.sid)
    assert found is not None
    assert found.schema == schema
    assert all(b"PK-1" in labels for labels in found.labels)
    assert templates.find("PK-2", schema.sid) is None


def test_the_same_schema_of_many_centres_is_held_once() -> None:
    templates, schema = Templates(), _schema(0, 3)
    for number in range(5):
        _learn(templates, f"PK-{number}", schema)
    held = {id(found.schema) for number in range(5) if (found := templates.find(f"PK-{number}", schema.sid))}
    assert len(held) == 1


def test_a_schema_under_a_foreign_id_is_refused() -> None:
    with pytest.raises(Rejected) as found:
        Templates().learn("PK-1", "00000000", encode_schema(_schema(0, 1)))
    assert found.value.reason == "schema"


@pytest.mark.parametrize(
    ("series", "kept"),
    [(1, SCHEMAS_OF_A_CENTRE), (MAX_SERIES, SERIES_OF_A_CENTRE // MAX_SERIES)],
    ids=["many schemas", "long schemas"],
)
def test_a_centre_that_announces_without_end_keeps_its_newest_and_costs_the_others_nothing(
    series: int, kept: int
) -> None:
    templates, honest = Templates(), _schema(0, 2)
    _learn(templates, "PK-1", honest)
    schemas = [_schema(number * series, series) for number in range(2 * kept)]
    for one in schemas:
        _learn(templates, "PK-666", one)
    known = [templates.find("PK-666", one.sid) is not None for one in schemas]
    assert known == [False] * kept + [True] * kept
    assert templates.find("PK-1", honest.sid) is not None


def test_over_the_bound_of_all_the_centre_that_was_longest_unused_goes() -> None:
    templates, schema = Templates(most=10), _schema(0, 4)
    for centre in ("PK-1", "PK-2"):
        _learn(templates, centre, schema)
    templates.find("PK-1", schema.sid)
    _learn(templates, "PK-3", schema)
    assert [templates.find(f"PK-{number}", schema.sid) is not None for number in (1, 2, 3)] == [True, False, True]


def test_a_schema_that_went_can_be_learned_again() -> None:
    templates, schema = Templates(most=3), _schema(0, 2)
    for centre in ("PK-1", "PK-2", "PK-1"):
        _learn(templates, centre, schema)
    assert templates.find("PK-1", schema.sid) is not None
