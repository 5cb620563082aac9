"""/metrics says what the snapshot says, in words that Prometheus' own linter accepts."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agent.metrics import registry
from agent.snapshot import Snapshot
from stage.process import program
from telemetry.catalogue import CATALOGUE
from telemetry.reading import Reading, Series
from tests.unit.telemetry.strategies import any_series

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _text(readings: list[Reading], *, later: float = 0) -> str:
    snapshot = Snapshot(lambda: AT + timedelta(seconds=later))
    snapshot.put("test/x", readings)
    return generate_latest(registry(snapshot)).decode()


def _parsed(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _expected(readings: list[Reading]) -> Samples:
    return {(one.metric.name, tuple(sorted(one.series.label_map().items()))): one.value for one in readings}


_READINGS = st.lists(
    st.builds(Reading, any_series(), st.floats(-1e12, 1e12), st.just(AT)), max_size=30, unique_by=lambda one: one.series
)


@given(_READINGS)
def test_what_is_scraped_is_what_is_live(readings: list[Reading]) -> None:
    assert _parsed(_text(readings)) == _expected(readings)


@given(_READINGS)
def test_no_line_carries_a_time(readings: list[Reading]) -> None:
    lines = [line for line in _text(readings).splitlines() if not line.startswith("#")]
    assert all(line.rpartition("} ")[2].count(" ") <= 1 for line in lines)
    families = text_string_to_metric_families(_text(readings))
    assert all(sample.timestamp is None for family in families for sample in family.samples)


def test_what_is_too_old_is_not_scraped() -> None:
    one = Reading(Series(CATALOGUE["centre_ups_up"], ("rack",)), 1, AT)
    assert _parsed(_text([one], later=60)) == _expected([one])
    assert _parsed(_text([one], later=61)) == {}


def _one_of_each() -> list[Reading]:
    return [
        Reading(Series(metric, tuple(metric.states.get(key, ("x",))[0] for key in metric.labels)), 1, AT)
        for metric in CATALOGUE.values()
    ]


def test_every_metric_of_the_catalogue_passes_promtool() -> None:
    text = _text(_one_of_each())
    assert len(_parsed(text)) == len(CATALOGUE)
    checked = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_each_metric_has_its_type_and_a_help_that_ends() -> None:
    families = {family.name: family for family in text_string_to_metric_families(_text(_one_of_each()))}
    for metric in CATALOGUE.values():
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help + ".")


@pytest.mark.parametrize("label", ['a"b', "a\\b", "a\nb", "ü"])
def test_a_label_that_needs_escaping_is_escaped(label: str) -> None:
    one = Reading(Series(CATALOGUE["centre_ups_up"], (label,)), 1, AT)
    assert _parsed(_text([one])) == _expected([one])


def test_the_registry_holds_nothing_of_the_process() -> None:
    assert _text([]) == ""
