"""A Reading that exists is one that the catalogue allows and a person may believe."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import reading, series, state_readings

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_no_reading(value: float) -> None:
    with pytest.raises(ValueError, match="is not a reading"):
        reading(names.HOST_CPU, value, AT)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        reading(names.HOST_CPU, 0.5, AT.replace(tzinfo=None))


@pytest.mark.parametrize("labels", [{}, {"ups": "rack", "phase": "1"}, {"card": "rack"}])
def test_labels_are_exactly_those_of_the_metric(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="labels"):
        reading(names.UPS_UP, 1, AT, **labels)


def test_a_state_outside_its_closed_list_is_refused() -> None:
    with pytest.raises(ValueError, match="is none of"):
        reading(names.UPS_STATUS, 1, AT, ups="rack", status="party")


def test_label_values_stand_in_the_order_of_the_metric() -> None:
    one = reading(names.UPS_STATUS, 1, AT, status="online", ups="rack")
    assert one.series.labels == ("rack", "online")
    assert one.series.label_map() == {"ups": "rack", "status": "online"}


def test_series_of_the_same_labels_are_equal_and_hash_alike() -> None:
    one, other = series(names.UPS_UP, {"ups": "rack"}), series(names.UPS_UP, {"ups": "rack"})
    assert (one, hash(one)) == (other, hash(other))


@given(st.sampled_from([metric for metric in names.CATALOGUE.values() if len(metric.states) == 1]), st.data())
def test_exactly_one_state_of_a_set_is_one(metric: Metric, data: st.DataObject) -> None:
    ((label, allowed),) = metric.states.items()
    state = data.draw(st.sampled_from(allowed))
    others = {key: "x" for key in metric.labels if key != label}
    found = state_readings(metric, label, state, AT, **others)
    assert {one.series.label_map()[label]: one.value for one in found} == {one: float(one == state) for one in allowed}
