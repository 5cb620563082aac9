"""The collector of one card, over real UDP: what it yields, and what it never yields."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.demo import ups
from agent.demo.card import Card, CardValue
from collectors.snmp import Session
from collectors.ups import Config, Ups, access, build
from telemetry import catalogue as names
from telemetry.errors import CollectError, ConfigError, TimedOut
from telemetry.event import Event
from telemetry.metric import Metric
from telemetry.reading import Reading
from telemetry.wire import decode_schema, encode_schema, make_schema
from tests.devices.cards import served
from tests.devices.collector import collector

MAINS: dict[str, CardValue] = ups.identity() | ups.on_mains()
R = "1.3.6.1.2.1.33.1"
Found = tuple[list[Reading], list[Event], CollectError | None]


async def _collect(reader: Ups) -> Found:
    readings: list[Reading] = []
    events: list[Event] = []
    try:
        async for one in reader.collect():
            if isinstance(one, Event):
                events.append(one)
            else:
                readings.append(one)
    except CollectError as problem:
        return readings, events, problem
    return readings, events, None


def _collected(card: Card, *steps: Callable[[Card], None]) -> list[Found]:
    """One collection, then one more after each step."""

    async def run() -> list[Found]:
        async with served(card) as at, collector("rack", Session(at), interval_seconds=0.0) as reader:
            found = [await _collect(reader)]
            for step in steps:
                step(card)
                found.append(await _collect(reader))
            return found

    return asyncio.run(run())


def _value(found: Found, metric: Metric, **labels: str) -> float | None:
    wanted = {"ups": "rack", **labels}
    return next((one.value for one in found[0] if one.metric is metric and one.series.label_map() == wanted), None)


def _silence(card: Card) -> None:
    card.silent = True


def test_a_ups_on_mains_is_told_in_base_units() -> None:
    (found,) = _collected(Card(MAINS))
    assert (_value(found, names.UPS_UP), _value(found, names.UPS_STATUS, status="online")) == (1, 1)
    assert (_value(found, names.UPS_CHARGE), _value(found, names.UPS_RUNTIME)) == (1.0, 2280)
    assert (_value(found, names.UPS_INPUT_VOLTAGE, phase="1"), _value(found, names.UPS_ON_BATTERY_SECONDS)) == (231, 0)
    assert found[1:] == ([], None)


def test_exactly_one_status_is_one() -> None:
    (found,) = _collected(Card(MAINS | ups.on_battery()))
    statuses = {one.series.label_map()["status"]: one.value for one in found[0] if one.metric is names.UPS_STATUS}
    assert statuses == {status: float(status == "on_battery") for status in names.UPS_STATUSES}


def test_an_outage_is_an_event_that_opens_and_ends_and_a_transfer_that_counts() -> None:
    first, cut, back = _collected(
        Card(MAINS), lambda card: card.update(ups.on_battery(seconds=30)), lambda card: card.update(ups.on_mains())
    )
    assert [event.end is None for event in cut[1] + back[1]] == [True, False]
    assert cut[1][0].id == back[1][0].id
    counted = [_value(found, names.UPS_TRANSFERS) for found in (first, cut, back)]
    assert counted == [0, 1, 1]
    assert (_value(cut, names.UPS_ON_BATTERY_SECONDS), _value(back, names.UPS_ON_BATTERY_SECONDS)) == (30, 0)


def test_a_card_that_does_not_answer_is_down_and_nothing_else() -> None:
    _, silent = _collected(Card(MAINS), _silence)
    assert [(one.metric, one.value) for one in silent[0]] == [(names.UPS_UP, 0)]
    assert isinstance(silent[2], TimedOut)


def test_a_card_that_was_never_there_is_down() -> None:
    card = Card({})
    card.silent = True
    (found,) = _collected(card)
    assert [(one.metric, one.value) for one in found[0]] == [(names.UPS_UP, 0)]


def test_a_device_that_is_no_ups_is_down_and_not_recognised() -> None:
    (found,) = _collected(Card({"1.3.6.1.2.1.1.1.0": "a switch"}))
    assert _value(found, names.UPS_UP) == 0
    assert found[2] is not None
    assert found[2].reason == "not_recognised"


def test_values_that_cannot_be_true_are_counted_by_rule_and_never_told() -> None:
    lies: dict[str, CardValue] = {f"{R}.2.4.0": 120, f"{R}.2.3.0": 65535}
    first, second = _collected(Card(MAINS | lies), lambda _: None)
    assert (_value(first, names.UPS_CHARGE), _value(first, names.UPS_RUNTIME)) == (None, None)
    assert [_value(found, names.UPS_REJECTED, rule="out_of_range") for found in (first, second)] == [1, 2]
    assert [_value(found, names.UPS_REJECTED, rule="sentinel") for found in (first, second)] == [1, 2]


def test_every_rule_keeps_its_count_after_the_card_has_mended() -> None:
    card = Card(MAINS | {f"{R}.2.4.0": 120})
    _, mended = _collected(card, lambda one: one.update({f"{R}.2.4.0": 90}))
    assert (_value(mended, names.UPS_CHARGE), _value(mended, names.UPS_REJECTED, rule="out_of_range")) == (0.9, 1)


def test_a_null_is_one_series_less_and_costs_no_other() -> None:
    nullable = ["2.4.0", "2.3.0", "2.5.0", "2.6.0", "2.7.0", "3.3.1.3.1", "4.4.1.2.1", "4.2.0"]

    def put(oid: str, value: CardValue) -> Callable[[Card], None]:
        return lambda card: card.update({f"{R}.{oid}": value})

    steps = [step for oid in nullable for step in (put(oid, None), put(oid, MAINS[f"{R}.{oid}"]))]
    whole, *found = _collected(Card(MAINS), *steps)
    for null, mended in zip(found[::2], found[1::2], strict=True):
        assert len({one.series for one in whole[0]} - {one.series for one in null[0]}) <= 1
        assert all(one.value != -1 for one in null[0])
        assert null[2] is None
        assert {one.series for one in mended[0]} == {one.series for one in whole[0]}


_FACTS = st.one_of(
    st.integers(-(2**31), 2**31 - 1), st.none(), st.binary(max_size=60).map(lambda b: b"\x04" + bytes((len(b),)) + b)
)


@settings(max_examples=12)  # each is a card, a session and a collection over UDP
@given(st.dictionaries(st.sampled_from(sorted(MAINS)), _FACTS, max_size=12))
def test_whatever_a_card_answers_every_series_is_one_that_the_country_accepts(facts: dict[str, CardValue]) -> None:
    (found,) = _collected(Card(MAINS | facts | {f"{R}.4.1.0": 3}))
    assert found[2] is None
    series = list(dict.fromkeys(one.series for one in found[0]))
    assert len(series) == len(found[0])
    assert decode_schema(encode_schema(make_schema(series))).series == tuple(series)


def test_a_config_is_complete_with_a_name_and_a_host() -> None:
    config = msgspec.convert({"name": "rack", "host": "192.0.2.1"}, Config)
    made = access(config)
    assert (config.instance, made.host, made.port, made.version, made.community) == (
        "rack", "192.0.2.1", 161, "2c", "public",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Rack"}, {"name": ""}, {"name": "r" * 33}, {"name": "a b"}, {"port": 0}, {"port": 65536},
        {"snmp": "2"}, {"snmp": 3}, {"auth": "SHA3"}, {"priv": "ROT13"}, {"timeout_seconds": 0},
        {"interval_seconds": 0.5}, {"deadline_seconds": 0}, {"comunity": "x"}, {"interval_seconds": float("nan")},
    ],
    ids=str,
)  # fmt: skip
def test_a_config_that_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "rack", "host": "192.0.2.1"} | wrong, Config)


def test_secrets_come_from_their_files(tmp_path: Path) -> None:
    for name in ("community", "auth", "priv"):
        (tmp_path / name).write_text(f"{name}-secret\n")
    made = access(
        Config(
            name="rack",
            host="192.0.2.1",
            community_file=str(tmp_path / "community"),
            auth_key_file=str(tmp_path / "auth"),
            priv_key_file=str(tmp_path / "priv"),
        )
    )
    assert (made.community, made.auth_key, made.priv_key) == ("community-secret", "auth-secret", "priv-secret")


def test_a_secret_that_is_not_there_is_a_config_error_with_its_file(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigError) as caught:
        build(Config(name="rack", host="192.0.2.1", snmp="3", user="u", auth_key_file=missing), tmp_path)
    assert (caught.value.file, bool(caught.value.allowed)) == (missing, True)


@pytest.mark.parametrize("fault", ["no user", "short auth key", "short priv key", "priv without auth"])
def test_version_3_with_credentials_that_no_card_accepts_is_a_config_error(tmp_path: Path, fault: str) -> None:
    for name, text in {"auth": "authpass123", "priv": "privpass123", "short": "short"}.items():
        (tmp_path / name).write_text(text)
    auth = {"short auth key": "short", "priv without auth": ""}.get(fault, "auth")
    config = Config(
        name="rack",
        host="192.0.2.1",
        snmp="3",
        user="" if fault == "no user" else "monitor",
        auth_key_file=str(tmp_path / auth) if auth else "",
        priv_key_file=str(tmp_path / ("short" if fault == "short priv key" else "priv")),
    )
    with pytest.raises(ConfigError):
        build(config, tmp_path)
