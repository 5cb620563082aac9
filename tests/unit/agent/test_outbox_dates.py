"""Ticks from before the time was known: kept, not sent, dated at the first word of the time, and never guessed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.outbox import Outbox
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import reading
from tests.unit.agent.outboxes import decoded
from tests.unit.agent.test_clock import NOW, Machine


class Gateway:
    """A machine with an outbox, whose agent can be started anew."""

    def __init__(self, directory: Path, machine: Machine) -> None:
        self.directory, self.machine = directory, machine
        self.start()

    def start(self) -> None:
        self.clock = self.machine.clock(self.directory / "clock.json")
        self.outbox = Outbox(
            self.directory / "outbox.sqlite", clock=self.clock, batch_seconds=60, monotonic=lambda: self.machine.up
        )

    def reboots(self, wall: float) -> None:
        self.outbox.close()
        self.machine = Machine(wall, boot=self.machine.boot + "+")
        self.start()

    def tick(self, number: int, *events: Event) -> None:
        at = datetime.fromtimestamp(self.machine.wall, UTC)
        assert self.outbox.append("ups/rack", [reading(names.UPS_RUNTIME, number, at, ups="rack")], events)
        self.machine.passes(10)

    def told(self) -> None:
        """The true time is NOW plus the time that this machine has been up."""
        self.clock.told(NOW + self.machine.up, 0.0)
        self.outbox.close_due()

    def sendable(self) -> list[tuple[float, int]]:
        """Seconds after the true boot, and number."""
        found = []
        for row in self.outbox.oldest(1000):
            _, batch = decoded(self.outbox, row)
            found += [(at / 1000 - NOW, number) for at, number in zip(batch.times, batch.columns[0], strict=True)]
        return [(round(at), number) for at, number in found if number is not None]


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path, Machine(60.0))  # 1970-01-01 00:01


def test_ticks_of_an_unset_clock_wait_and_go_with_their_true_time_once_it_is_known(gateway: Gateway) -> None:
    for number in (1, 2, 3):
        gateway.tick(number)
    gateway.outbox.close_all()
    assert (gateway.sendable(), gateway.outbox.stats().undated) == ([], 1)
    dated = gateway.outbox.dated
    gateway.told()
    assert gateway.sendable() == [(100, 1), (110, 2), (120, 3)]
    assert (gateway.outbox.stats().undated, gateway.outbox.dated) == (0, dated + 1)
    gateway.tick(4)
    gateway.outbox.close_all()
    assert gateway.sendable()[-1] == (130, 4)


def test_a_batch_that_was_growing_when_the_time_came_is_dated_as_well(gateway: Gateway) -> None:
    gateway.tick(1)
    gateway.told()
    gateway.tick(2)
    gateway.machine.passes(60)
    gateway.outbox.close_due()
    assert gateway.sendable() == [(100, 1), (110, 2)]


def test_a_step_of_a_clock_that_nobody_vouches_for_mixes_nothing(gateway: Gateway) -> None:
    gateway.tick(1)
    gateway.machine.wall += 5000
    gateway.tick(2)
    gateway.machine.wall -= 4000
    gateway.tick(3)
    gateway.told()
    gateway.outbox.close_all()
    assert gateway.sendable() == [(100, 1), (110, 2), (120, 3)]


def test_a_restart_of_the_agent_before_the_time_is_known_loses_no_date(gateway: Gateway) -> None:
    gateway.tick(1)
    gateway.outbox.close()
    gateway.start()
    gateway.tick(2)
    gateway.told()
    gateway.outbox.close_all()
    assert gateway.sendable() == [(100, 1), (110, 2)]


def test_what_an_earlier_boot_never_dated_is_counted_and_told_and_never_sent(gateway: Gateway) -> None:
    gateway.tick(1)
    gateway.tick(2)
    gateway.reboots(60.0)
    assert gateway.outbox.losses_to_tell() == []  # when, is not known either
    gateway.tick(3)
    gateway.told()
    gateway.outbox.close_all()
    assert [number for _, number in gateway.sendable()] == [3]
    (lost,) = gateway.outbox.losses_to_tell()
    assert lost.evidence == {"reason": "undatable", "batches": 1, "ticks": 2}
    assert gateway.outbox.stats().lost == {"undatable": (1, 2)}


def test_a_known_clock_that_somebody_sets_wrong_leaves_the_stamps_right(gateway: Gateway) -> None:
    gateway.told()
    gateway.tick(1)
    gateway.machine.wall -= 86_400
    gateway.tick(2)
    gateway.machine.wall += 2 * 86_400
    gateway.tick(3)
    gateway.outbox.close_all()
    assert gateway.sendable() == [(100, 1), (110, 2), (120, 3)]


def test_events_move_with_their_tick_and_one_that_began_under_another_clock_does_not(gateway: Gateway) -> None:
    cut = datetime.fromtimestamp(gateway.machine.wall, UTC)
    before = datetime.fromtimestamp(NOW - 7200, UTC)
    gateway.tick(1, Event("outage", "outage-rack-60", cut), Event("restart", "restart-1", before, cut))
    gateway.told()
    gateway.outbox.close_all()
    (row,) = gateway.outbox.oldest(9)
    outage, restart = decoded(gateway.outbox, row)[1].events
    true = datetime.fromtimestamp(NOW + 100, UTC)
    assert (outage.start, outage.id) == (true, "outage-rack-60")
    assert (restart.start, restart.end) == (before, true)


def test_an_event_whose_start_nobody_can_date_says_so_instead_of_1970(gateway: Gateway) -> None:
    gateway.told()
    long_ago = datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC) - timedelta(hours=5)
    gateway.tick(1, Event("outage", "outage-rack-30", long_ago))
    gateway.outbox.close_all()
    (row,) = gateway.outbox.oldest(9)
    (event,) = decoded(gateway.outbox, row)[1].events
    assert event.start == datetime.fromtimestamp(NOW + 100, UTC)
    assert event.evidence == {"start_unknown": True}
