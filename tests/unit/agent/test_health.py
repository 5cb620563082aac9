"""The agent about itself: what works, what does not, in a sentence, and to systemd."""

import asyncio
import socket
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import VERSION
from agent.clock import Clock
from agent.health import Health, tell_systemd, watchdog_seconds
from agent.heartbeat import Heartbeat
from agent.outbox import Outbox
from agent.scheduler import Record
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import Reading, reading
from tests.unit.agent.identity.test_identity import identity, pair

HEARTBEAT = Heartbeat(Path(tempfile.mkdtemp()) / "running", Clock())


def _record(**changes: object) -> Record:
    record = Record("ups", "rack", 10.0, started=time.monotonic())
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def _ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def _collect(health: Health) -> tuple[dict[tuple[str, tuple[str, ...]], float], list[Event]]:
    readings: dict[tuple[str, tuple[str, ...]], float] = {}
    events: list[Event] = []

    async def run() -> None:
        async with health:
            async for one in health.collect():
                if isinstance(one, Reading):
                    readings[one.metric.name, one.series.labels] = one.value
                else:
                    events.append(one)

    asyncio.run(run())
    return readings, events


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.sqlite")


def test_collectors_and_outbox_are_told_as_they_are(outbox: Outbox) -> None:
    record = _record(up=True, last_success=_ago(3), duration_seconds=0.25, errors={"timed_out": 2, "bug": 1})
    found, _ = _collect(Health([record], outbox, None, HEARTBEAT))
    assert found["centre_agent_build_info", (VERSION,)] == 1
    assert found["centre_agent_collector_up", ("ups", "rack")] == 1
    assert found["centre_agent_collector_duration_seconds", ("ups", "rack")] == 0.25
    assert found["centre_agent_collector_errors_total", ("ups", "rack", "timed_out")] == 2
    assert found["centre_agent_collector_errors_total", ("ups", "rack", "bug")] == 1
    assert found["centre_agent_outbox_rows", ()] == 0
    assert names.AGENT_UPLINK_CONNECTED.name not in {name for name, _ in found}
    outbox.close()


def test_a_collector_that_never_ran_is_neither_up_nor_down(outbox: Outbox) -> None:
    found, _ = _collect(Health([_record()], outbox, None, HEARTBEAT))
    assert not any(name.startswith("centre_agent_collector") for name, _ in found)
    outbox.close()


def test_a_start_is_one_event(outbox: Outbox) -> None:
    health = Health([], outbox, None, Heartbeat(Path(tempfile.mkdtemp()) / "running", Clock()))
    _, first = _collect(health)
    _, second = _collect(health)
    assert ([event.kind for event in first], second) == (["restart"], [])
    assert first[0].evidence == {"version": VERSION, "clean": True}
    outbox.close()


def test_all_is_well_while_everything_has_made_progress(outbox: Outbox) -> None:
    outbox.append("ups/rack", [reading(names.UPS_UP, 1, datetime.now(UTC), ups="rack")])
    report = Health([_record(up=True, last_success=_ago(20))], outbox, None, HEARTBEAT).report()
    assert report == {"ok": True, "problems": []}
    outbox.close()


@pytest.mark.parametrize(
    ("silent", "interval", "late"), [(80, 10, False), (100, 10, True), (800, 300, False), (1000, 300, True)]
)
def test_a_collector_is_late_after_three_intervals_and_ninety_seconds(
    outbox: Outbox, silent: float, interval: float, late: bool
) -> None:
    record = _record(last_success=_ago(silent), interval_seconds=interval, problem="timed_out: no answer")
    problems = Health([record], outbox, None, HEARTBEAT).report()["problems"]
    assert any("ups/rack has given nothing" in text and "timed_out" in text for text in problems) is late
    outbox.close()


def test_a_collector_that_never_gave_anything_is_late_from_the_start_of_the_agent(outbox: Outbox) -> None:
    problems = Health([_record(started=time.monotonic() - 100)], outbox, None, HEARTBEAT).report()["problems"]
    assert any("no attempt has ended" in text for text in problems)
    outbox.close()


def test_a_disk_that_takes_nothing_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outbox = Outbox(tmp_path / "file" / "outbox.sqlite")
    report = Health([], outbox, None, HEARTBEAT).report()
    assert report["ok"] is False
    assert any("do not reach the disk" in text for text in report["problems"])


def test_systemd_hears_what_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        tell_systemd("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_systemd_in_the_abstract_namespace_hears_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"centre-agent-test-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        tell_systemd("WATCHDOG=1")
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_without_systemd_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_systemd("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    tell_systemd("READY=1")


@pytest.mark.parametrize(("micros", "seconds"), [("30000000", 15.0), ("", None), ("soon", None), ("-1", None)])
def test_the_watchdog_is_fed_at_half_its_time(
    monkeypatch: pytest.MonkeyPatch, micros: str, seconds: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", micros)
    assert watchdog_seconds() == seconds


def test_the_end_of_the_certificate_is_told_and_becomes_a_problem_in_time(outbox: Outbox, tmp_path: Path) -> None:
    made = identity(tmp_path)
    end = _ago(0).replace(microsecond=0) + timedelta(days=10)
    made.folder.pair.write_bytes(pair(tmp_path, end - timedelta(days=372), end))
    health = Health([], outbox, None, HEARTBEAT, made)
    found, _ = _collect(health)
    assert found["centre_agent_certificate_expiry_timestamp_seconds", ()] == end.timestamp()
    said = f"The certificate of this centre runs out on {end:%Y-%m-%d %H:%M} UTC, and was not renewed yet."
    assert said in health.report()["problems"]


def test_without_a_certificate_nothing_is_said_of_its_end(outbox: Outbox, tmp_path: Path) -> None:
    found, _ = _collect(Health([], outbox, None, HEARTBEAT, identity(tmp_path)))
    assert ("centre_agent_certificate_expiry_timestamp_seconds", ()) not in found
