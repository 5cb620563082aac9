"""The words of the format that few brands need, each by a brand made up for it."""

import asyncio

import pytest

from agent.demo.card import Card as SimulatedCard
from agent.demo.card import CardValue
from collectors.snmp import Session, Value
from collectors.ups.decode import decode
from collectors.ups.mib import Mib, Row, brands
from collectors.ups.poll import Card
from collectors.ups.state import UpsState
from tests.devices.cards import Erring, served

ROOT = "1.3.6.1.4.1.99999"
NOTHING = Mib(name="nothing", title="", object_ids=(), probe="", row=())


def told(row: Row, raw: dict[str, Value]) -> UpsState:
    return decode(raw, Mib(name="acme", title="", object_ids=(), probe="", row=(row,)), NOTHING)


LISTED = Row(
    object="acmeActive",
    oid=f"{ROOT}.1.0",
    field="status",
    listed={"57": "on_battery", "59": "bypass", "19": "overload", "63": "replace_battery", "65": "alarm:fan_failure"},
)


@pytest.mark.parametrize(
    ("text", "status", "overload", "alarms"),
    [
        (b"57", "on_battery", False, []),
        (b"1,57, 59,65", "on_battery", False, ["fan_failure"]),
        (b"59,19", "bypass", True, []),
        (b"5", None, False, []),
        (b"", None, False, []),
        (b"57\0,19", "on_battery", False, []),
    ],
)
def test_a_listed_number_holds_and_the_others_do_not(
    text: bytes, status: str | None, overload: bool, alarms: list[str]
) -> None:
    state = told(LISTED, {LISTED.oid: text})
    assert (state.status, state.overload, state.replace_battery, state.alarms) == (status, overload, False, alarms)


@pytest.mark.parametrize("value", [b"57;59", b"on battery", b"\xff\xfe", b"57\n", 57, "1.3.6.1.57"])
def test_what_is_no_list_of_numbers_says_nothing_at_all(value: Value) -> None:
    state = told(LISTED, {LISTED.oid: value})
    assert (state.status, state.overload) == (None, None)


def test_a_list_that_is_no_list_is_counted() -> None:
    assert [one.rule for one in told(LISTED, {LISTED.oid: b"57;59"}).rejected] == ["wrong_type"]


YES_NO = Row(object="acmeFan", oid=f"{ROOT}.2.0", field="alarms", states={"1": "fan_failure", "2": ""})


@pytest.mark.parametrize(
    ("value", "alarms", "rules"), [(1, ["fan_failure"], []), (2, [], []), (3, [], ["unknown_enum"])]
)
def test_a_yes_no_object_is_an_alarm(value: int, alarms: list[str], rules: list[str]) -> None:
    state = told(YES_NO, {YES_NO.oid: value})
    assert (state.alarms, [one.rule for one in state.rejected]) == (alarms, rules)


def test_yes_no_objects_add_to_each_other() -> None:
    other = Row(object="acmeCharger", oid=f"{ROOT}.3.0", field="alarms", states={"1": "charger_failed", "2": ""})
    both = Mib(name="acme", title="", object_ids=(), probe="", row=(YES_NO, other))
    assert decode({YES_NO.oid: 1, other.oid: 1}, both, NOTHING).alarms == ["charger_failed", "fan_failure"]


@pytest.mark.parametrize(
    ("text", "part", "serial"),
    [
        (b"HP R5500 XR;204451-B21;B00123456W", 3, "B00123456W"),
        (b"HP R5500 XR;204451-B21;B00123456W", 1, "HP R5500 XR"),
        (b"a model longer than what one text may be, in all its glory;204451-B21;B00123456W", 3, "B00123456W"),
        (b"HP R5500 XR", 3, None),
        (b"HP R5500 XR;;", 3, None),
        (b"", 1, None),
    ],
)
def test_one_of_several_texts_is_taken(text: bytes, part: int, serial: str | None) -> None:
    row = Row(object="acmeIdent", oid=f"{ROOT}.4.0", field="serial", part=part, static=True)
    assert told(row, {row.oid: text}).serial == serial


def test_the_64th_flag_of_a_string_is_read() -> None:
    row = Row(object="acmeFlags", oid=f"{ROOT}.5.0", field="alarms", bits={"1": "overload", "64": "alarm:last"})
    state = told(row, {row.oid: b"0" * 63 + b"1"})
    assert (state.alarms, state.overload) == (["last"], False)


TABLE = Row(
    object="acmeAlarm",
    oid=f"{ROOT}.6.1.2",
    field="alarms",
    count=f"{ROOT}.6.0",
    active=f"{ROOT}.6.1.8",
    alarms={f"{ROOT}.9.1": "output_overload", f"{ROOT}.9.2": "fan_failure"},
)


def test_an_alarm_that_has_ended_is_history_though_its_row_remains() -> None:
    rows: dict[str, Value] = {f"{TABLE.oid}.1": f"{ROOT}.9.1", f"{TABLE.oid}.7": f"{ROOT}.9.2"}
    ended: dict[str, Value] = {f"{TABLE.active}.1": 2, f"{TABLE.active}.7": 1}
    state = told(TABLE, rows | ended)
    assert (state.alarms, state.overload) == (["fan_failure"], None)


def test_an_alarm_whose_state_is_not_told_is_no_alarm() -> None:
    assert told(TABLE, {f"{TABLE.oid}.1": f"{ROOT}.9.1"}).alarms == []


TRIPP = next(mib for mib in brands() if mib.name == "tripplite")
OVERLOAD = {".1.3.6.1.4.1.850.1.3.2.1.2.46": ".1.3.6.1.4.1.850.1.3.3.3.8", ".1.3.6.1.4.1.850.1.3.2.1.8.46": 1}


async def _read(card: SimulatedCard) -> UpsState:
    async with served(card) as at, Session(at) as session:
        return await Card(session).read()


def test_both_columns_of_such_a_table_are_walked() -> None:
    values: dict[str, CardValue] = {TRIPP.probe: 3, "1.3.6.1.4.1.850.1.3.1.0": 1, **OVERLOAD}
    state = asyncio.run(_read(SimulatedCard(values)))
    assert (state.status, state.overload, state.alarms) == ("online", True, ["output_overload"])


def test_a_failing_column_costs_only_the_alarms() -> None:
    values: dict[str, CardValue] = {TRIPP.probe: 5, "1.3.6.1.4.1.850.1.3.1.0": 1, **OVERLOAD}
    card = Erring(values, status=5, index=1, most=99, bad="1.3.6.1.4.1.850.1.3.2.1.8")
    state = asyncio.run(_read(card))
    assert (state.status, state.alarms) == ("on_battery", [])
