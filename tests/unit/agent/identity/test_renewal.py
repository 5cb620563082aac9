"""Renewal by the clock and by its failures; the child process is real, the enrol server mostly is not there."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from agent.certificate import Life
from agent.identity import Identity
from agent.renewal import Renewal, due, renewal_config
from stage.process import free_port
from telemetry.errors import AccessDenied, BadData, CollectError, Unreachable
from tests.unit.agent.identity.test_identity import identity, pair

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=300)
END = BEGIN + timedelta(days=372)
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def _collect(renewal: Renewal) -> CollectError | None:
    async def run() -> None:
        assert [one async for one in renewal.collect()] == []

    try:
        asyncio.run(run())
    except CollectError as problem:
        return problem
    return None


@pytest.fixture
def old(tmp_path: Path) -> Identity:
    """A pair that is due now, renewed where nobody listens."""
    made = identity(tmp_path)
    made.folder.pair.write_bytes(pair(tmp_path, BEGIN, END))
    made.folder.url.write_text(f"https://127.0.0.1:{free_port()}\n")
    return made


@pytest.mark.parametrize(("share", "expected"), [(-0.1, False), (0, False), (0.66, False), (0.72, True), (1.1, True)])
def test_it_is_due_after_two_thirds_of_its_life(share: float, expected: bool) -> None:
    life = Life("a1", BEGIN, END)
    assert due(life, BEGIN + (END - BEGIN) * share) is expected


def test_certificates_of_one_day_are_not_renewed_on_one_day() -> None:
    at = BEGIN + (END - BEGIN) * (2 / 3 + 0.025)
    share = sum(due(Life(f"{serial:x}", BEGIN, END), at) for serial in range(1000)) / 1000
    assert 0.4 < share < 0.6


def test_it_looks_hourly_for_a_year_and_oftener_for_less(tmp_path: Path) -> None:
    made = identity(tmp_path)
    assert renewal_config(made).interval_seconds == 3600
    made.folder.pair.write_bytes(pair(tmp_path, BEGIN, BEGIN + timedelta(seconds=90)))
    assert renewal_config(made).interval_seconds == 1.5


def test_nothing_is_done_while_there_is_time_or_nothing_to_renew(tmp_path: Path, old: Identity) -> None:
    assert _collect(Renewal(old, 3600, Clock(BEGIN + timedelta(days=10)))) is None
    assert _collect(Renewal(identity(tmp_path / "nothing-here"), 3600)) is None


def test_a_server_that_is_away_is_a_failure_that_stays_until_the_next_try(
    old: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(BEGIN + timedelta(days=300))
    renewal = Renewal(old, 3600, clock)
    before = old.folder.pair.read_bytes()
    first = _collect(renewal)
    assert isinstance(first, Unreachable)
    assert "cannot be reached" in str(first)
    assert _collect(renewal) is first  # asked again before its time: no second attempt
    clock.now += 2 * HOUR
    assert _collect(renewal) is not first
    assert old.folder.pair.read_bytes() == before
    assert not old.folder.next.exists()
    assert old.folder.pending_key.exists()


def test_waits_grow_up_to_a_day(old: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[datetime] = []
    clock = Clock(BEGIN + timedelta(days=300))

    async def child(*_: str) -> tuple[int, str]:
        tries.append(clock.now)
        return 4, "away"

    monkeypatch.setattr("agent.renewal._child", child)
    renewal = Renewal(old, 3600, clock)
    for _ in range(24 * 12):
        _collect(renewal)
        clock.now += HOUR
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits[0] <= 3 * HOUR
    assert 18 * HOUR <= waits[-1] <= 31 * HOUR
    assert len(tries) < 24


def test_a_new_pair_is_not_asked_for_twice_before_it_was_tried(old: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    clock = Clock(BEGIN + timedelta(days=300))

    async def child(*_: str) -> tuple[int, str]:
        tries.append(1)
        old.folder.next.write_text(f"new {len(tries)}")
        return 0, ""

    monkeypatch.setattr("agent.renewal._child", child)
    renewal = Renewal(old, 3600, clock)
    for _ in range(3):
        assert _collect(renewal) is None
        clock.now += 40 * HOUR
    assert len(tries) == 1
    old.settings()  # tried, and it did not work
    problem = _collect(renewal)
    assert isinstance(problem, BadData)
    assert "did not take the new one" in str(problem)


def test_what_ran_out_cannot_be_renewed_and_is_said(old: Identity) -> None:
    problem = _collect(Renewal(old, 3600, Clock(END + HOUR)))
    assert isinstance(problem, AccessDenied)
    assert "enrol again with a new token" in str(problem)


def test_without_an_address_it_says_which_key_of_the_configuration_has_it(old: Identity) -> None:
    old.folder.url.unlink()
    problem = _collect(Renewal(old, 3600, Clock(BEGIN + timedelta(days=300))))
    assert "[uplink] enrol_url" in str(problem)
