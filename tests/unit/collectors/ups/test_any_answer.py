"""Whatever a device sends, as octets on the wire or as values: a state, or one of the errors that were foreseen.

The answers are made in three depths: octets that are no SNMP at all; the frame of an answer with anything
for its rows; a right answer with some octets changed. A real Session takes them over UDP.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from agent.demo import ber, ups
from agent.demo.card import Card, CardValue
from collectors.snmp import Session, Value
from collectors.ups.decode import decode, word
from collectors.ups.detect import choose
from collectors.ups.mib import ALARM_NAME, FLAGS, TEXTS, Mib, brands, fallback
from collectors.ups.plausible import RULES
from collectors.ups.poll import Card as UpsCard
from collectors.ups.state import UpsState
from telemetry.catalogue import UPS_STATUSES
from telemetry.errors import BadData, NotRecognised, TimedOut
from tests.devices.cards import access, served

every_brand = pytest.mark.parametrize("mib", brands(), ids=lambda mib: mib.name)
NUMBERS = st.integers() | st.sampled_from([-1, 0, 1, 2, 3, 5, 14, 16, 255, 2**31 - 1, 2**32 - 1, 2**64 - 1, -(2**31)])
TEXT = (
    st.binary(max_size=80)
    | st.from_regex(rb"[0-9,; ]{0,70}", fullmatch=True)
    | st.from_regex(rb"[01]{0,80}", fullmatch=True)
)
OIDS = st.lists(st.integers(0, 2**32), min_size=2, max_size=12).map(lambda arcs: ".".join(map(str, arcs)))


def objects(mib: Mib) -> list[str]:
    """All that the rows of a brand read, with what the tables of alarms hold and the odd .0."""
    rows = [*mib.row, *fallback().row]
    plain = [oid for row in rows for oid in row.oids()]
    tables = [
        f"{column}.{n}" for row in rows if row.alarms for column in (row.oid, row.active) if column for n in (1, 2)
    ]
    return [*plain, *tables, *(f"{oid}.0" for oid in plain)]


def values(mib: Mib) -> st.SearchStrategy[Value]:
    known = [oid for row in [*mib.row, *fallback().row] for oid in row.alarms]
    return NUMBERS | TEXT | OIDS | (st.sampled_from(known) if known else OIDS)


def check(state: UpsState, mib: Mib) -> None:
    assert state.status in (None, *UPS_STATUSES)
    assert state.mib == mib.name
    assert all(getattr(state, flag) in (None, True, False) for flag in FLAGS)
    assert all(ALARM_NAME.fullmatch(name) for name in state.alarms)
    texts = [getattr(state, name) for name in TEXTS]
    assert all(text is None or (text and len(text) <= 48 and text.isprintable()) for text in texts)
    assert len(state.rejected) <= 64
    assert {one.rule for one in state.rejected} <= set(RULES)


@every_brand
@settings(max_examples=60)
@given(st.data())
def test_any_values_of_any_type_make_a_state(mib: Mib, data: st.DataObject) -> None:
    raw = data.draw(st.dictionaries(st.sampled_from(objects(mib)), values(mib), max_size=60))
    check(decode(raw, mib, fallback()), mib)


@every_brand
@pytest.mark.parametrize(
    "value", [-1, 0, 1, 2, 3, 2**31, 2**64, -(2**63), b"", b"\xff" * 90, b"1,2,3", "0.0", "1.3.6.1"]
)
def test_one_value_everywhere_makes_a_state(mib: Mib, value: Value) -> None:
    check(decode(dict.fromkeys(objects(mib), value), mib, fallback()), mib)


@settings(max_examples=60)
@given(st.data())
def test_any_answers_to_the_probes_choose_a_brand_or_none(data: st.DataObject) -> None:
    probes = st.sampled_from([mib.probe for mib in brands()])
    answers = data.draw(st.dictionaries(probes, NUMBERS | TEXT | OIDS))
    chosen = choose(data.draw(st.none() | NUMBERS | TEXT | OIDS), answers)
    assert chosen is None or word(answers[chosen.probe]) in {key for row in chosen.row for key in row.states}


# On the wire.

TAGS = st.sampled_from([0x02, 0x04, 0x05, 0x06, 0x30, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x80, 0x81, 0x82])


@st.composite
def elements(draw: st.DrawFn) -> bytes:
    """Tag, length and content, which need not fit each other."""
    body = draw(st.binary(max_size=12) | st.just(b"\x7f" * 9))
    tag = draw(TAGS | st.integers(0, 255))
    if draw(st.integers(0, 3)):
        return ber.element(tag, body)
    return bytes((tag, draw(st.integers(0, 255)))) + body


@st.composite
def rows(draw: st.DrawFn) -> bytes:
    """One row of an answer: a name and a value, either of which may be something else."""
    name = draw(st.just(ber.oid(ber.dotted("1.3.6.1.2.1.33.1.4.1.0"))) | elements())
    return ber.element(draw(st.sampled_from([ber.SEQUENCE, 0x31])), name + draw(elements()))


HEADS = st.just(ber.integer(0)) | elements()
ANSWERS = st.one_of(
    st.tuples(st.just("octets"), st.binary(max_size=200)),
    st.tuples(st.just("rows"), st.tuples(HEADS, HEADS, st.lists(rows(), min_size=1, max_size=4))),
    st.tuples(st.just("status"), st.tuples(st.integers(-9, 300), st.integers(-9, 300), st.lists(rows(), max_size=2))),
    st.tuples(
        st.just("changed"), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6)
    ),
    st.tuples(st.just("cut"), st.integers(0, 100)),
)


class Nonsense(Card):
    """Answers each question by what `answer` says; a whole Card while it says nothing."""

    def __init__(self, values: dict[str, CardValue]) -> None:
        super().__init__(values)
        self.answer: tuple[str, Any] | None = None

    def _answer(self, data: bytes) -> bytes | None:
        right = super()._answer(data)
        if self.answer is None or right is None:
            return right
        kind, what = self.answer
        return bytes(what) if kind == "octets" else _spoilt(kind, what, data, right)


def _spoilt(kind: str, what: Any, question: bytes, right: bytes) -> bytes:
    if kind == "cut":
        return right[: what % len(right)]
    if kind == "changed":
        octets = bytearray(right)
        for place, octet in what:
            octets[place % len(octets)] = octet
        return bytes(octets)
    (message,) = ber.items(question)
    version, community, pdu = ber.items(message.body)
    request_id, *_ = ber.items(pdu.body)
    first, second, found = what
    head = (ber.integer(first), ber.integer(second)) if kind == "status" else (first, second)
    body = ber.element(ber.INTEGER, request_id.body) + b"".join(head) + ber.element(ber.SEQUENCE, b"".join(found))
    tops = ber.element(ber.INTEGER, version.body) + ber.element(ber.OCTETS, community.body)
    return ber.element(ber.SEQUENCE, tops + ber.element(ber.RESPONSE, body))


@pytest.fixture(scope="module")
def line() -> Iterator["Line"]:
    opened = Line()
    yield opened
    opened.close()


class Line:
    """One session with one card, for all examples: an engine takes longer to build than a hundred answers."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.card = Nonsense(ups.identity() | ups.on_mains())
        self._runner.run(self._open())

    async def _open(self) -> None:
        self.port = await self.card.serve()
        self.session = Session(access(self.port))
        await self.session.get(["1.3.6.1.2.1.1.1.0"])
        self.session.access = access(self.port, timeout=0.01)

    def ask(self, answer: tuple[str, Any], *, walk: bool) -> dict[str, Value]:
        self.card.answer = answer
        root = "1.3.6.1.2.1.33.1"
        asked = self.session.walk(root, max_rows=3) if walk else self.session.get([f"{root}.4.1.0", f"{root}.2.4.0"])
        return self._runner.run(asked)

    def close(self) -> None:
        self.session.close()
        self.card.close()
        self._runner.close()


@settings(max_examples=250)
@given(ANSWERS, st.booleans())
@example(("rows", (ber.integer(0), ber.integer(0), [])), False)
@example(
    ("rows", (ber.integer(0), ber.integer(0), [ber.element(ber.SEQUENCE, ber.element(ber.OID, b"") + ber.integer(3))])),
    True,
)
@example(
    ("rows", (ber.integer(0), ber.integer(0), [ber.element(ber.SEQUENCE, ber.integer(1) + ber.integer(3))])), False
)
@example(("status", (2, 99, [])), False)
def test_any_octets_on_the_wire_are_an_answer_bad_data_or_no_answer(
    line: Line, caplog: pytest.LogCaptureFixture, answer: tuple[str, Any], walk: bool
) -> None:
    caplog.set_level(logging.CRITICAL)  # pysnmp's own complaints about the datagrams
    try:
        found = line.ask(answer, walk=walk)
    except (BadData, TimedOut) as problem:
        event(problem.reason)
        return
    event("answer")
    assert all(isinstance(value, int | bytes | str) for value in found.values())


@settings(max_examples=60)
@given(st.lists(ANSWERS, min_size=1, max_size=3))
def test_a_card_that_begins_to_talk_nonsense_between_two_polls_fails_as_foreseen(
    caplog: pytest.LogCaptureFixture, answers: list[tuple[str, Any]]
) -> None:
    caplog.set_level(logging.CRITICAL)

    async def poll() -> None:
        card = Nonsense(ups.identity() | ups.on_mains())
        async with served(card) as at, Session(at) as session:
            reader = UpsCard(session)
            assert (await reader.read()).status == "online"
            session.access = access(at.port, timeout=0.01)
            for card.answer in answers:
                try:
                    check(await reader.state(), fallback())
                except (BadData, TimedOut, NotRecognised):
                    continue

    asyncio.run(poll())
