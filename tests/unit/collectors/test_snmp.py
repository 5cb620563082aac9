"""The session against simulated cards: patient where cards are odd, exact where they are silent."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from agent.demo import ber, ups
from agent.demo.card import Card, CardValue
from collectors.snmp import Access, Session, Value, read_secret
from telemetry.errors import BadData, CollectError, ConfigError, TimedOut, Unreachable
from tests.devices.cards import TIMEOUT, Erring, FewObjects, Garbled, Looping, access, served

DESCR, OBJECT_ID = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"
CHARGE = "1.3.6.1.2.1.33.1.2.4.0"
ALARMS = "1.3.6.1.2.1.33.1.6.2.1.2"
VALUES: dict[str, CardValue] = ups.identity() | ups.on_mains()
MANY = sorted(VALUES)
GEN_ERR, TOO_BIG, NO_SUCH_NAME = 5, 1, 2


async def _get(card: Card, oids: list[str], *, version: str = "2c", community: str = "public") -> dict[str, Value]:
    async with served(card) as at, Session(access(at.port, version=version, community=community)) as session:
        return await session.get(oids)


async def _walk(card: Card, root: str, *, version: str = "2c") -> dict[str, Value]:
    async with served(card) as at, Session(access(at.port, version=version)) as session:
        return await session.walk(root)


def _is_complete(found: dict[str, Value]) -> bool:
    return sorted(found) == MANY


@pytest.mark.parametrize("version", ["1", "2c"])
def test_every_object_is_read_in_both_versions(version: str) -> None:
    found = asyncio.run(_get(Card(VALUES), MANY, version=version))
    assert _is_complete(found)
    assert (found[DESCR], found[OBJECT_ID], found[CHARGE]) == (b"Simulated UPS card", "1.3.6.1.2.1.33", 100)


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_missing_object_costs_none_of_the_others(version: str) -> None:
    oids = [*MANY[:3], "1.3.6.1.4.1.99999.1.0", *MANY[3:], "1.3.6.1.4.1.99999.2.0"]
    assert _is_complete(asyncio.run(_get(Card(VALUES), oids, version=version)))


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_card_that_knows_nothing_gives_an_empty_answer(version: str) -> None:
    assert asyncio.run(_get(Card({}), MANY, version=version)) == {}


def test_null_is_absent() -> None:
    assert asyncio.run(_get(Card({DESCR: "x", CHARGE: None}), [DESCR, CHARGE])) == {DESCR: b"x"}


def test_a_value_of_any_type_comes_raw() -> None:
    sent_and_read: list[tuple[CardValue, Value]] = [
        (0, 0),
        (-1, -1),
        (2**31 - 1, 2**31 - 1),
        (-(2**31), -(2**31)),
        (ber.integer(2**32 - 1, ber.GAUGE32), 2**32 - 1),
        (ber.integer(2**32 - 1, ber.TIMETICKS), 2**32 - 1),
        (ber.integer(7, 0x41), 7),
        (ber.integer(2**64 - 1, 0x46), 2**64 - 1),
        (ber.element(ber.OCTETS, b""), b""),
        (ber.element(ber.OCTETS, b"\0\xff\r\n"), b"\0\xff\r\n"),
        (ber.element(ber.OCTETS, b"a" * 3000), b"a" * 1024),
        (ber.element(0x40, bytes((10, 0, 0, 1))), bytes((10, 0, 0, 1))),
        (".1.3.6.1.2.1.33.1.6.3.24", "1.3.6.1.2.1.33.1.6.3.24"),
    ]
    oids = [f"1.3.6.1.4.1.99999.{place}.0" for place in range(len(sent_and_read))]
    card = Card(dict(zip(oids, [sent for sent, _ in sent_and_read], strict=True)))
    assert asyncio.run(_get(card, oids)) == dict(zip(oids, [read for _, read in sent_and_read], strict=True))


def test_a_wrong_community_is_silence() -> None:
    with pytest.raises(TimedOut):
        asyncio.run(_get(Card(VALUES), [DESCR], community="private"))


def test_a_silent_card_costs_two_timeouts_and_two_datagrams() -> None:
    card = Card(VALUES)
    card.silent = True
    begun = time.perf_counter()
    with pytest.raises(TimedOut, match=r"no answer from 127\.0\.0\.1:\d+"):
        asyncio.run(_get(card, [DESCR]))
    assert 2 * TIMEOUT <= time.perf_counter() - begun < 2 * TIMEOUT + 1.0
    assert card.requests == 2


def test_a_card_that_was_proved_and_falls_silent_costs_four_timeouts() -> None:
    async def read_and_lose() -> float:
        card = Card(VALUES)
        async with served(card) as at, Session(at) as session:
            await session.get(MANY)
            card.silent = True
            begun = time.perf_counter()
            with pytest.raises(TimedOut):
                await session.get(MANY)
            return time.perf_counter() - begun

    assert asyncio.run(read_and_lose()) < 4 * TIMEOUT + 0.5  # a lossy network is not a dead card


def test_a_card_that_comes_back_is_read_again() -> None:
    async def lose_and_find() -> dict[str, Value]:
        card = Card(VALUES)
        async with served(card) as at, Session(at) as session:
            card.silent = True
            with pytest.raises(TimedOut):
                await session.get([DESCR])
            card.silent = False
            return await session.get(MANY)

    assert _is_complete(asyncio.run(lose_and_find()))


def test_a_card_that_drops_questions_for_several_objects_is_still_read_and_stays_at_one() -> None:
    async def read_twice() -> tuple[bool, int, int]:
        card = Card(VALUES)
        card.single_object_only = True
        async with served(card) as at, Session(at) as session:
            complete = _is_complete(await session.get(MANY))
            before = card.requests
            complete &= _is_complete(await session.get(MANY))
            return complete, session.batch, card.requests - before

    assert asyncio.run(read_twice()) == (True, 1, len(MANY))


@pytest.mark.parametrize("most", [4, 12])
def test_a_card_that_drops_long_questions_is_read_although_it_answered_short_ones(most: int) -> None:
    async def short_then_long() -> dict[str, Value]:
        async with served(FewObjects(VALUES, most)) as at, Session(at) as session:
            await session.get([DESCR, OBJECT_ID])
            return await session.get(MANY)

    assert _is_complete(asyncio.run(short_then_long()))


@pytest.mark.parametrize("index", [0, 7])
@pytest.mark.parametrize("status", [GEN_ERR, TOO_BIG])
def test_an_error_with_any_index_is_bisected_down_to_the_culprit(status: int, index: int) -> None:
    card = Erring(VALUES, status=status, index=index, most=16, bad=CHARGE)
    found = asyncio.run(_get(card, MANY))
    assert sorted(found) == [oid for oid in MANY if oid != CHARGE]


def test_no_such_name_without_an_index_is_bisected_as_well() -> None:
    card = Erring(VALUES, status=NO_SUCH_NAME, index=0, most=16, bad=CHARGE)
    found = asyncio.run(_get(card, MANY, version="1"))
    assert sorted(found) == [oid for oid in MANY if oid != CHARGE]


def test_a_card_too_small_for_the_batch_says_so_and_is_read_in_parts() -> None:
    assert _is_complete(asyncio.run(_get(Erring(VALUES, status=TOO_BIG, index=0, most=3), MANY)))


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_walk_ends_with_its_subtree(version: str) -> None:
    table: dict[str, CardValue] = {f"{ALARMS}.{row}": f".1.3.6.1.2.1.33.1.6.3.{row}" for row in (1, 2, 9)}
    found = asyncio.run(_walk(Card(VALUES | table | {"1.3.6.1.2.1.33.1.6.2.1.3.1": 5}), ALARMS, version=version))
    assert found == {f"{ALARMS}.{row}": f"1.3.6.1.2.1.33.1.6.3.{row}" for row in (1, 2, 9)}


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_walk_of_nothing_is_empty(version: str) -> None:
    assert asyncio.run(_walk(Card({DESCR: "x"}), ALARMS, version=version)) == {}


def test_a_walk_is_bounded_on_a_table_without_end() -> None:
    table: dict[str, CardValue] = {f"{ALARMS}.{row}": row for row in range(1, 300)}
    assert len(asyncio.run(_walk(Card(table), ALARMS))) == 64


def test_a_walk_is_bounded_on_a_table_of_nulls() -> None:
    async def walk_nulls() -> int:
        card = Card(dict.fromkeys((f"{ALARMS}.{row}" for row in range(1, 2000)), None))
        assert await _walk(card, ALARMS) == {}
        return card.requests

    assert asyncio.run(walk_nulls()) <= 130


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_walk_ends_on_a_table_that_runs_in_a_circle(rows: int) -> None:
    async def walk_circle() -> dict[str, Value]:
        async with asyncio.timeout(5):
            return await _walk(Looping(VALUES, ALARMS, rows), ALARMS)

    assert len(asyncio.run(walk_circle())) == rows


def test_garbage_is_a_failed_collection_and_never_another_exception(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # pysnmp's own complaints about the datagrams

    async def ask_often() -> list[str]:
        card, seen = Garbled(VALUES), []
        async with served(card) as at, Session(at) as session:
            await session.get(MANY[:2])
            session.access = access(at.port, timeout=0.02)
            card.spoil = True
            for _ in range(30):
                try:
                    found = await session.get(MANY[:3])
                except CollectError as problem:
                    seen.append(problem.reason)
                else:
                    seen.append("answer")
                    assert all(isinstance(value, int | bytes | str) for value in found.values())
            card.spoil = False
            session.access = at
            assert len(await session.get(MANY[:3])) == 3
        return seen

    assert set(asyncio.run(ask_often())) <= {"answer", "timed_out", "bad_data"}


@pytest.mark.parametrize("garbage", [b"", b"\0", b"\xff" * 1000, b"GET / HTTP/1.0\r\n\r\n", b"\x30\x80\x00\x00"])
def test_a_port_that_talks_nonsense_times_out(garbage: bytes) -> None:
    card = Card(VALUES)
    card.garbage = garbage
    with pytest.raises((TimedOut, BadData)):
        asyncio.run(_get(card, [DESCR]))


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    async def ask() -> None:
        async with Session(Access(host="no-such-card.invalid", timeout_seconds=0.5)) as session:
            await session.get([DESCR])

    with pytest.raises((Unreachable, TimedOut)):
        asyncio.run(ask())


def test_a_port_where_nothing_listens_is_a_failed_collection() -> None:
    async def ask() -> None:
        card = Card({})
        port = await card.serve()
        card.close()
        async with Session(access(port)) as session:
            await session.get([DESCR])

    with pytest.raises(CollectError):
        asyncio.run(ask())


def test_two_sessions_of_one_loop_do_not_mix_their_answers() -> None:
    async def both() -> list[dict[str, Value]]:
        one, other = Card({DESCR: "one"}), Card({DESCR: "other"})
        async with served(one) as first, served(other) as second, Session(first) as a, Session(second) as b:
            return list(await asyncio.gather(a.get([DESCR]), b.get([DESCR])))

    assert asyncio.run(both()) == [{DESCR: b"one"}, {DESCR: b"other"}]


def test_questions_of_one_session_stand_in_line() -> None:
    async def many() -> list[dict[str, Value]]:
        async with served(Card(VALUES)) as at, Session(at) as session:
            return list(await asyncio.gather(*(session.get([oid]) for oid in MANY)))

    assert [list(found) for found in asyncio.run(many())] == [[oid] for oid in MANY]


def test_a_closed_session_opens_again_with_the_next_question() -> None:
    async def close_between() -> dict[str, Value]:
        async with served(Card(VALUES)) as at, Session(at) as session:
            await session.get([DESCR])
            session.close()
            return await session.get([DESCR])

    assert asyncio.run(close_between()) == {DESCR: b"Simulated UPS card"}


def test_secrets_do_not_show_in_an_access() -> None:
    shown = repr(Access(host="h", community="c0mmun1ty", user="u", auth_key="authpass1", priv_key="privpass1"))
    assert not any(secret in shown for secret in ("c0mmun1ty", "authpass1", "privpass1"))


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("authpass123\nsecond line\n")
    assert read_secret(str(file)) == "authpass123"


@pytest.mark.parametrize("content", [None, b"", b" \n\n", b"\xff\xfe"])
def test_a_secret_that_cannot_be_read_names_its_file_and_what_is_allowed(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_secret(str(file))
    assert (caught.value.file, bool(caught.value.allowed)) == (str(file), True)
