"""Which brand speaks for a card: the probe decides, sysObjectID only sorts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo import ups
from agent.demo.card import Card, CardValue
from collectors.snmp import Session, Value
from collectors.ups.detect import SYS_OBJECT_ID, choose, detect
from collectors.ups.learned import Memory
from collectors.ups.mib import Mib, brands, fallback
from telemetry.errors import NotRecognised, TimedOut
from tests.devices.cards import served

APC = next(mib for mib in brands() if mib.name == "apc")
RFC_ANSWER: dict[str, Value] = {fallback().probe: 3}
APC_ANSWER: dict[str, Value] = {APC.probe: 2}
NET_SNMP = "1.3.6.1.4.1.8072.3.2.10"


def _name(mib: Mib | None) -> str | None:
    return None if mib is None else mib.name


@pytest.mark.parametrize(
    ("object_id", "answers", "expected"),
    [
        ("1.3.6.1.4.1.318.1.3.27", APC_ANSWER | RFC_ANSWER, "apc"),
        ("1.3.6.1.4.1.318.1.3.2.7", APC_ANSWER, "apc"),
        (b"1.3.6.1.4.1.318.1.3.27", APC_ANSWER | RFC_ANSWER, "apc"),
        (".1.3.6.1.4.1.318.1.3.27", APC_ANSWER | RFC_ANSWER, "apc"),
        ("1.3.6.1.4.1.318.1.3.27", RFC_ANSWER, "rfc1628"),
        ("1.3.6.1.2.1.33", RFC_ANSWER, "rfc1628"),
        (NET_SNMP, RFC_ANSWER, "rfc1628"),
        (NET_SNMP, APC_ANSWER, "apc"),
        (None, RFC_ANSWER, "rfc1628"),
        (b"\xff\0", RFC_ANSWER, "rfc1628"),
        (7, RFC_ANSWER, "rfc1628"),
        ("", RFC_ANSWER, "rfc1628"),
        ("1.3.6.1.4.1.318.1.3.4.6", {}, None),
        ("1.3.6.1.4.1.318.1.3.4.6", {APC.probe: 0}, None),
        ("1.3.6.1.4.1.318.1.3.4.6", {APC.probe: 999}, None),
        ("1.3.6.1.4.1.318.1.3.4.6", {APC.probe: b"onLine"}, None),
        (NET_SNMP, {fallback().probe: 0}, None),
        (NET_SNMP, {}, None),
    ],
    ids=str,
)
def test_the_first_candidate_that_answers_within_its_enum_is_taken(
    object_id: Value | None, answers: dict[str, Value], expected: str | None
) -> None:
    assert _name(choose(object_id, answers)) == expected


def test_the_fallback_never_stands_before_a_brand_that_answers() -> None:
    assert _name(choose("1.3.6.1.2.1.33", APC_ANSWER | RFC_ANSWER)) == "apc"


@given(st.none() | st.text(max_size=40) | st.binary(max_size=40) | st.integers())
def test_no_object_id_can_make_a_ups_of_a_silent_probe(object_id: Value | None) -> None:
    assert choose(object_id, {}) is None


async def _detect(card: Card) -> str:
    async with served(card) as at, Session(at) as session:
        return (await detect(session, Memory())).mib.name


def test_a_card_is_detected_over_the_line() -> None:
    assert asyncio.run(_detect(Card(ups.identity() | ups.on_mains()))) == "rfc1628"


def test_a_card_that_answers_one_object_at_a_time_is_detected() -> None:
    card = Card(ups.identity() | ups.on_mains())
    card.single_object_only = True
    assert asyncio.run(_detect(card)) == "rfc1628"


PDU: dict[str, CardValue] = {
    SYS_OBJECT_ID: f".{NET_SNMP}", "1.3.6.1.2.1.33.1.1.2.0": "PDU", "1.3.6.1.2.1.33.1.3.3.1.3.1": 228,
    fallback().probe: 3, "1.3.6.1.2.1.33.1.4.4.1.3.1": 61, "1.3.6.1.2.1.33.1.6.1.0": 0,
}  # fmt: skip


def test_a_pdu_that_says_where_its_output_comes_from_has_no_battery_and_is_no_ups() -> None:
    with pytest.raises(NotRecognised, match="no known UPS object"):
        asyncio.run(_detect(Card(PDU)))


@pytest.mark.parametrize("battery", [f"1.3.6.1.2.1.33.1.2.{number}.0" for number in (1, 3, 4, 5)])
def test_one_object_of_a_battery_is_enough_for_a_ups(battery: str) -> None:
    assert asyncio.run(_detect(Card(PDU | {battery: 0}))) == "rfc1628"


def test_a_dead_card_costs_one_question() -> None:
    card = Card(ups.identity())
    card.silent = True
    with pytest.raises(TimedOut):
        asyncio.run(_detect(card))
    assert card.requests == 2  # the question and its repetition


def test_a_switch_is_not_recognised_and_is_asked_no_more_than_the_probes() -> None:
    switch: dict[str, CardValue] = {"1.3.6.1.2.1.1.1.0": "a switch", SYS_OBJECT_ID: f".{NET_SNMP}"}
    card = Card(switch)
    with pytest.raises(NotRecognised, match="no known UPS object"):
        asyncio.run(_detect(card))
    assert card.requests <= 1 + len(brands())
