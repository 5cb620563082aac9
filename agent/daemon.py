"""The daemon: builds the parts from a Config, runs them, re-reads the file on SIGHUP, ends on SIGTERM."""

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIServer

from agent import VERSION
from agent.clock import Clock
from agent.config import Config, read_config
from agent.health import Health, HealthConfig, tell_systemd, watchdog_seconds
from agent.heartbeat import Heartbeat
from agent.identity import Identity
from agent.memory import keep_small
from agent.outbox import Outbox
from agent.renewal import Renewal, renewal_config
from agent.scheduler import Task, Tick, run_all
from agent.snapshot import Snapshot
from agent.states import states
from agent.uplink import Uplink
from agent.web import Site, serve
from collectors import load
from telemetry import catalogue as names
from telemetry.errors import ConfigError
from telemetry.event import Event

log = logging.getLogger(__name__)
_UPS_GONE = frozenset(
    metric for metric in names.owned_by("ups") if metric not in (names.UPS_UP, names.UPS_REJECTED, names.UPS_TRANSFERS)
)
_MAINS = frozenset(names.owned_by("mains"))


class Daemon:
    """One agent. `uplink_class` is a seam for the tests' control run."""

    def __init__(self, config: Config, *, uplink_class: type[Uplink] = Uplink) -> None:
        self.config = config
        self.snapshot = Snapshot()
        self._clock = Clock(config.state_directory / "clock.json")
        self.outbox = _outbox(config, self._clock)
        self._disk = ThreadPoolExecutor(1, "disk")  # one writer: ticks never wait for each other's locks
        self.server: WSGIServer | None = None
        self._heartbeat = Heartbeat(config.state_directory / "running", self._clock)
        self._uplink_class = uplink_class
        self._uplink: Uplink | None = None
        self._health = Health([], self.outbox, None, self._heartbeat)
        self._tasks: list[Task] = []
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self.listening = asyncio.Event()

    async def run(self, file: Path | None = None) -> None:
        """Until `stop` or SIGTERM; SIGHUP reads `file` again. Raises ConfigError before anything runs."""
        tasks = self._prepare(self.config)
        self._listen()
        self._on_signals(file)
        tell_systemd("READY=1")
        log.info("the agent runs centre=%s version=%s", self.config.centre, VERSION)
        beside = [asyncio.create_task(_watchdog()), asyncio.create_task(keep_small())]
        try:
            while not self._stop.is_set():
                self._reload.clear()
                await self._run_until_told(tasks)
                if not self._stop.is_set() and file is not None:
                    tasks = self._reread(file)
        finally:
            for task in beside:
                task.cancel()
            tell_systemd("STOPPING=1")
            await asyncio.to_thread(self._shut_down)

    def stop(self) -> None:
        """End `run` within a few seconds, as planned."""
        self._stop.set()

    def _prepare(self, config: Config) -> list[Task]:
        """Put the parts of `config` in place; raises ConfigError and changes nothing if one cannot be made."""
        tasks = [
            Task(one.subject, one.config, load(one.subject).build(one.config, config.state_directory))
            for one in config.sections
        ]
        uplink = identity = None
        if config.uplink is not None:
            identity = Identity(config.state_directory, config.uplink)
            uplink = self._uplink_class(config.centre, config.uplink, self.outbox, VERSION, identity)
            settings = renewal_config(identity)
            tasks.append(Task("agent", settings, Renewal(identity, settings.interval_seconds)))
        if self._uplink is not None:
            self._uplink.stop()
        if uplink is not None:
            uplink.start()
        self.config, self._uplink = config, uplink
        self._health = Health([task.record for task in tasks], self.outbox, uplink, self._heartbeat, identity)
        self._tasks = tasks
        self.snapshot.keep_only([*(task.record.source for task in tasks), "agent/self"])
        return [*tasks, Task("agent", HealthConfig(), self._health)]

    def _listen(self) -> None:
        config = self.config
        site = Site(config.centre, self.snapshot, self._report, self._notes, simulated=config.simulated)
        self.server = serve(site, config.listen.host, config.listen.port)
        self.listening.set()

    def _notes(self) -> dict[str, Any]:
        return {task.record.source: task.notes for task in self._tasks if task.notes}

    def _report(self) -> dict[str, Any]:
        return self._health.report()

    async def _run_until_told(self, tasks: list[Task]) -> None:
        collecting = asyncio.create_task(run_all(tasks, self._hand_on))
        told = [asyncio.create_task(event.wait()) for event in (self._stop, self._reload)]
        await asyncio.wait([collecting, *told], return_when=asyncio.FIRST_COMPLETED)
        for task in (*told, collecting):
            task.cancel()
        ended = await asyncio.gather(collecting, return_exceptions=True)
        if isinstance(ended[0], Exception) and not isinstance(ended[0], asyncio.CancelledError):
            raise ended[0]

    async def _hand_on(self, tick: Tick) -> None:
        self.snapshot.put(tick.source, tick.readings, at_least_seconds=2.5 * tick.interval_seconds)
        if any(one.metric is names.UPS_UP and one.value == 0 for one in tick.readings):
            self.snapshot.forget(tick.source, _UPS_GONE)
        if not any(one.metric in _MAINS for one in tick.readings):
            self.snapshot.expire(tick.source, _MAINS)
        if self._uplink is not None and any(one.metric.urgent for one in tick.readings):
            self._uplink.tell(states(self.snapshot))
        if tick.readings:
            append, loop = self.outbox.append, asyncio.get_running_loop()
            await loop.run_in_executor(self._disk, append, tick.source, tick.readings, _known(tick.events))

    def _reread(self, file: Path) -> list[Task]:
        """The tasks of the file as it is now, or of the old config if the new one is wrong."""
        try:
            tasks = self._prepare(read_config(file))
        except ConfigError as problem:
            log.error("the new configuration is wrong, the old one stays problem=%s", problem)
            return self._prepare(self.config)
        log.info("configuration read again centre=%s", self.config.centre)
        return tasks

    def _on_signals(self, file: Path | None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        if file is not None:
            loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    def _shut_down(self) -> None:
        if self._uplink is not None:
            self._uplink.stop()
        self.outbox.close()
        self._heartbeat.end()


def _known(events: list[Event]) -> list[Event]:
    for event in events:
        log.info("event kind=%s id=%s ended=%s", event.kind, event.id, event.end is not None)
    return events


def _outbox(config: Config, clock: Clock) -> Outbox:
    return Outbox(
        config.state_directory / "outbox.sqlite",
        max_bytes=config.outbox.max_megabytes * 2**20,
        max_age_seconds=config.outbox.max_days * 86400,
        batch_seconds=config.uplink.batch_seconds if config.uplink else 120.0,
        clock=clock,
    )


async def _watchdog() -> None:
    seconds = watchdog_seconds()
    while seconds:
        tell_systemd("WATCHDOG=1")
        await asyncio.sleep(seconds)
