"""Simulated centres: the same for the same seed, every metric an agent can send, faults that show."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.simulate.centre import FAULTS, Centre, Fault, Values, active, make_centre, tick
from central.simulate.service import _states, read_faults
from telemetry import catalogue as names
from telemetry.catalogue import CATALOGUE
from telemetry.centre_id import centre_id
from telemetry.errors import ConfigError
from telemetry.metric import Metric
from telemetry.reading import Series
from telemetry.wire import LABEL_VALUE, MAX_SERIES, make_schema

AT = 1_772_359_200.0
CENTRE = make_centre(42, seed=1)
ALL_FAULTS = st.frozensets(st.sampled_from(FAULTS))


def values(*faults: str, at: float = AT, since_start: float = 90_000.0, centre: Centre = CENTRE) -> Values:
    return tick(centre, at, frozenset(faults), since_start)


def of(found: Values, metric: Metric, **labels: str) -> list[float]:
    """The values of a metric's series with these labels."""
    return [value for one, value in found.items() if one.metric is metric and labels.items() <= one.label_map().items()]


@given(st.integers(1, 99_999), st.integers(), st.floats(0, 1e6), ALL_FAULTS)
def test_the_same_seed_number_and_time_are_the_same_centre_and_tick(
    number: int, seed: int, since_start: float, faults: frozenset[str]
) -> None:
    one, again = make_centre(number, seed), make_centre(number, seed)
    assert one == again
    assert tick(one, AT, faults, since_start) == tick(again, AT, faults, since_start)
    assert centre_id(one.id) == one.id


def test_another_seed_is_another_fleet_with_the_same_numbers() -> None:
    fleets = [[make_centre(number, seed) for number in range(1, 101)] for seed in (1, 2)]
    assert fleets[0] != fleets[1]
    assert [one.id[-5:] for one in fleets[0]] == [one.id[-5:] for one in fleets[1]]
    assert len({one.id for one in fleets[0]}) == 100


def test_every_metric_that_an_agent_can_send_appears_under_some_fault() -> None:
    seen = {one.metric.name for fault in ("", *FAULTS) for one in values(fault)}
    assert seen == {metric.name for metric in CATALOGUE.values() if metric.owner not in ("ingest", "enrol")}
    assert of(values("mains_cut"), names.UPS_ALARM) == [1]
    assert of(values(), names.UPS_ALARM) == []


@given(ALL_FAULTS, st.floats(0, 1e7))
def test_any_tick_can_be_sent(faults: frozenset[str], since_start: float) -> None:
    found = values(*faults, since_start=since_start)
    assert len(found) <= MAX_SERIES
    assert make_schema(tuple(found)).series == tuple(found)
    assert all(LABEL_VALUE.fullmatch(label) for one in found for label in one.labels)


def sums(found: Values) -> list[float]:
    return [
        sum(of(found, metric, **labels))
        for metric, labels in (
            (names.SEATS, {"space": "lab-1"}), (names.SEATS, {"space": "cabins"}), (names.SEATS, {"space": "meeting"}),
            (names.SEATS, {"space": "startups"}), (names.NET_FAULT, {}),
        )
    ]  # fmt: skip


@given(ALL_FAULTS, st.floats(0, 86_400))
def test_states_add_up_at_any_time_of_the_day(faults: frozenset[str], later: float) -> None:
    found = values(*faults, at=AT + later)
    assert sums(found) == [20, 6, 8, 12, 1]
    assert min(of(found, names.SEATS)) >= 0
    assert sum(of(found, names.UPS_STATUS)) == (0 if "ups_silent" in faults else 1)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_counters_never_fall(since_start: float, more: float) -> None:
    before = values(since_start=since_start)
    after = values(since_start=since_start + more, at=AT + more)
    falling = [one for one in before if one.metric.kind == "counter" and after[one] < before[one]]
    assert falling == []


@pytest.mark.parametrize(
    ("fault", "metric", "labels", "value"),
    [
        ("mains_cut", names.UPS_STATUS, {"status": "on_battery"}, 1),
        ("mains_cut", names.UPS_INPUT_VOLTAGE, {}, 0),
        ("internet_down", names.NET_UP, {}, 0),
        ("internet_down", names.NET_FAULT, {"domain": "access"}, 1),
        ("ups_silent", names.UPS_UP, {}, 0),
        ("replace_battery", names.UPS_BATTERY_REPLACE, {}, 1),
        ("overload", names.UPS_OVERLOAD, {}, 1),
        ("seats_unknown", names.SEATS, {"space": "lab-1", "state": "unknown"}, 20),
        ("disk_full", names.AGENT_OUTBOX_WRITABLE, {}, 0),
    ],
)
def test_a_fault_shows_where_it_should_and_nowhere_without_it(
    fault: str, metric: Metric, labels: dict[str, str], value: float
) -> None:
    assert of(values(fault), metric, **labels) == [value]
    assert of(values(), metric, **labels) != [value]


def test_a_silent_card_and_a_line_that_is_down_have_no_values_and_no_zeros() -> None:
    assert {one.metric.name for one in values("ups_silent") if one.metric.owner == "ups"} == {names.UPS_UP.name}
    assert of(values("internet_down"), names.NET_PROBE_RTT, target="international") == []
    assert len(of(values("internet_down"), names.NET_PROBE_RTT, target="gateway")) == 3


def test_a_slow_line_is_below_its_contract() -> None:
    contract = of(values(), names.NET_CONTRACT, direction="down")[0]
    assert of(values("slow_line"), names.NET_THROUGHPUT, direction="down", kind="line")[0] < 0.5 * contract
    assert of(values(), names.NET_THROUGHPUT, direction="down", kind="line")[0] > 0.8 * contract


def test_a_fault_holds_for_its_centre_its_time_and_its_share() -> None:
    mine = Fault("mains_cut", centre=CENTRE.id, start_seconds=60, duration_seconds=30)
    assert [bool(active([mine], CENTRE, at)) for at in (59.9, 60, 89.9, 90)] == [False, True, True, False]
    assert active([mine], make_centre(43, 1), 60) == frozenset()
    fleet = [make_centre(number, 1) for number in range(1, 1001)]
    hit = [one for one in fleet if active([Fault("overload", share=0.3)], one, 0)]
    assert 250 < len(hit) < 350
    assert hit == [one for one in fleet if active([Fault("overload", share=0.3)], one, 5)], "the same ones"


def test_the_states_say_what_the_readings_say() -> None:
    found = dict(_states(1000, values("mains_cut", "internet_down")))
    assert found["power"]["ups"]["rack"] == {
        "up": True, "status": "on_battery", "charge_ratio": 0.62, "runtime_seconds": 480,
    }  # fmt: skip
    assert found["internet"]["uplinks"]["wan"] == {"up": False, "fault": "access"}
    assert dict(_states(1000, values("ups_silent")))["power"]["ups"]["rack"] == {"up": False}


def faults_of(directory: Path, text: str) -> tuple[Fault, ...]:
    file = directory / "faults.toml"
    file.write_text(text, encoding="utf-8")
    return read_faults(file)


def test_a_faults_file_is_read(tmp_path: Path) -> None:
    text = '[[fault]]\nkind = "mains_cut"\nshare = 0.5\n[[fault]]\nkind = "offline"\ncentre = "PK-PB-00042"\n'
    assert faults_of(tmp_path, text) == (Fault("mains_cut", share=0.5), Fault("offline", centre="PK-PB-00042"))
    assert faults_of(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("text", "path", "what"),
    [
        ('[[fault]]\nkind = "mains_cut"\n[[fault]]\nkind = "meteor"\n', "$.fault[1].kind", "meteor"),
        ('[[fault]]\nkind = "mains_cut"\nmagnitude = 9\n', "$.fault[0]", "magnitude"),
        ('[[fault]]\nkind = "mains_cut"\nshare = "half"\n', "$.fault[0].share", "float"),
        ("[[fault]]\nshare = 0.5\n", "$.fault[0]", "kind"),
        ("[[fault]\n", "$", "line 1"),
    ],
)
def test_a_wrong_faults_file_is_named_with_its_path(tmp_path: Path, text: str, path: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        faults_of(tmp_path, text)
    assert caught.value.file == str(tmp_path / "faults.toml")
    assert caught.value.path == path
    assert what in caught.value.problem


def test_a_kind_that_does_not_exist_is_answered_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        faults_of(tmp_path, '[[fault]]\nkind = "meteor"\n')
    assert caught.value.allowed == ", ".join(FAULTS)


@pytest.mark.parametrize("body", [b"\xff\xfe", None])
def test_a_faults_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path, body: bytes | None) -> None:
    file = tmp_path / "faults.toml"
    if body is not None:
        file.write_bytes(body)
    with pytest.raises(ConfigError, match=r"faults\.toml"):
        read_faults(file)


def test_series_of_the_tick_are_made_from_the_catalogue() -> None:
    assert all(isinstance(one, Series) and CATALOGUE[one.metric.name] is one.metric for one in values())
