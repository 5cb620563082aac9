"""A card that refused us is asked again after five minutes, and says so in every tick between."""

import asyncio
from pathlib import Path

import pytest

from agent.scheduler import Task, Tick, run_all
from collectors.snmp import Access, Session
from collectors.ups import Config, build
from collectors.ups.patience import Patient
from collectors.ups.state import UpsState
from telemetry import catalogue as names
from telemetry.errors import AccessDenied, TimedOut
from tests.devices.snmpd import COMMUNITY, PRIV_KEY, USER

WRONG_DIGESTS = "1.3.6.1.6.3.15.1.1.5.0"


class Doorkeeper:
    """A Reader that gives what `answers` holds, one after another, the last for ever."""

    def __init__(self, *answers: UpsState | Exception) -> None:
        self.asked = 0
        self.closed = False
        self._answers = answers

    async def read(self) -> UpsState:
        self.asked += 1
        answer = self._answers[min(self.asked, len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def read_source(self) -> UpsState:
        return await self.read()

    def close(self) -> None:
        self.closed = True


DENIED = AccessDenied("192.0.2.10 refuses the auth key (WrongDigest)")


def _tried(door: Doorkeeper, *moments: float) -> list[str]:
    """What each attempt at these seconds gave."""
    now = [0.0]
    patient = Patient(door, lambda: now[0])

    async def act() -> list[str]:
        found = []
        for now[0] in moments:
            try:
                found.append((await patient.read()).status or "")
            except (AccessDenied, TimedOut) as problem:
                found.append(str(problem))
        return found

    return asyncio.run(act())


def test_a_refusal_is_repeated_and_the_card_not_asked_for_five_minutes() -> None:
    door = Doorkeeper(DENIED)
    said = _tried(door, 0, 1, 10, 299)
    assert door.asked == 1
    assert len(set(said)) == 1
    assert said[0].startswith(str(DENIED))
    assert "asked again each 5 minutes, at once after a reload" in said[0]
    assert door.asked == 1
    _tried(door, 0)
    assert door.asked == 2  # a reload makes a new one


def test_after_five_minutes_it_is_asked_once_more_and_then_left_in_peace_again() -> None:
    door = Doorkeeper(DENIED)
    said = _tried(door, 0, 301, 302, 600, 602)
    assert door.asked == 3
    assert len(set(said)) == 1  # the sentence does not grow


def test_keys_that_were_mended_on_the_card_are_noticed() -> None:
    assert _tried(Doorkeeper(DENIED, UpsState(status="online")), 0, 301, 302)[1:] == ["online", "online"]


def test_any_other_failure_is_asked_again_at_once() -> None:
    door = Doorkeeper(TimedOut("no answer"), UpsState(status="online"))
    assert _tried(door, 0, 1) == ["no answer", "online"]


def test_a_quick_reading_waits_as_well() -> None:
    door = Doorkeeper(DENIED)

    async def act() -> None:
        patient = Patient(door, lambda: 0.0)
        for ask in (patient.read, patient.read_source, patient.read_source):
            with pytest.raises(AccessDenied):
                await ask()
        patient.close()

    asyncio.run(act())
    assert (door.asked, door.closed) == (1, True)


def _wrong_digests(port: int) -> int:
    """How many messages with a wrong signature the agent has counted (RFC 3414, usmStatsWrongDigests)."""

    async def ask() -> int:
        async with Session(Access(host="127.0.0.1", port=port, community=COMMUNITY)) as session:
            count = (await session.get([WRONG_DIGESTS]))[WRONG_DIGESTS]
            assert isinstance(count, int)
            return count

    return asyncio.run(ask())


def test_a_real_agent_is_asked_once_and_each_tick_says_that_the_card_gives_nothing(
    snmpd_port: int, tmp_path: Path
) -> None:
    (tmp_path / "auth").write_text("another-key")
    (tmp_path / "priv").write_text(PRIV_KEY)
    config = Config(
        name="rack", host="127.0.0.1", port=snmpd_port, snmp="3", user=USER, auth="SHA", priv="AES128",
        auth_key_file=str(tmp_path / "auth"), priv_key_file=str(tmp_path / "priv"),
        interval_seconds=1.0,
    )  # fmt: skip
    collector = build(config, tmp_path)
    task = Task("ups", config, collector)
    ticks: list[Tick] = []

    async def act() -> None:
        enough = asyncio.Event()

        async def note(tick: Tick) -> None:
            ticks.append(tick)
            if len(ticks) < 5:
                collector._trapped()  # traps do not hurry it
            else:
                enough.set()

        running = asyncio.create_task(run_all([task], note))
        async with asyncio.timeout(20):
            await enough.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    before = _wrong_digests(snmpd_port)
    asyncio.run(act())
    assert _wrong_digests(snmpd_port) - before == 1
    assert task.record.problem.startswith("access_denied: 127.0.0.1 refuses the auth key")
    assert "each 5 minutes" in task.record.problem
    assert task.record.errors == {"access_denied": 5}
    assert all([(one.metric, one.value) for one in tick.readings] == [(names.UPS_UP, 0)] for tick in ticks)
