"""A run that was cut off is told with its gap; a gateway that does not know the time tells it later."""

from datetime import UTC, datetime
from pathlib import Path

from agent.heartbeat import Heartbeat
from telemetry.event import Event
from tests.unit.agent.test_clock import NOW, Machine


def _told(file: Path, machine: Machine) -> Event | None:
    return Heartbeat(file, machine.clock()).restart()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def _seconds(event: Event) -> tuple[float, float]:
    assert event.end is not None
    start, end = (round((at - _at(0)).total_seconds()) for at in (event.start, event.end))
    return start, end


def test_a_run_that_was_cut_off_is_told_with_its_gap_and_a_planned_stop_is_clean(tmp_path: Path) -> None:
    file, machine = tmp_path / "running", Machine(NOW, synchronised=True)
    Heartbeat(file, machine.clock()).beat()
    machine.passes(120)
    event = _told(file, machine)
    assert event is not None
    assert _seconds(event) == (0, 120)
    assert (event.evidence["clean"], event.evidence["gap_seconds"]) == (False, 120)
    Heartbeat(file, machine.clock()).end()
    planned = _told(file, machine)
    assert planned is not None
    assert planned.evidence["clean"] is True


def test_a_clock_behind_the_last_beat_gives_no_negative_gap_and_is_not_taken_for_a_clean_stop(tmp_path: Path) -> None:
    file = tmp_path / "running"
    Heartbeat(file, Machine(NOW + 500, synchronised=True).clock()).beat()
    event = _told(file, Machine(NOW, synchronised=True))
    assert event is not None
    assert event.start == event.end
    assert event.evidence["clean"] is False
    assert "gap_seconds" not in event.evidence


def test_before_the_time_is_known_nothing_is_told_and_the_last_beat_stays(tmp_path: Path) -> None:
    file = tmp_path / "running"
    Heartbeat(file, Machine(NOW, synchronised=True).clock()).beat()
    machine = Machine(60.0, boot="second")
    clock = machine.clock()
    heartbeat = Heartbeat(file, clock)
    assert heartbeat.restart() is None
    heartbeat.beat()
    assert file.read_text() == f"{NOW:.0f}\n"
    clock.told(NOW + 3600, 0.0)
    event = heartbeat.restart()
    assert event is not None
    assert _seconds(event) == (0, 3600)
    assert heartbeat.restart() is None
