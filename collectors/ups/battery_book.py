"""The battery's history on disk, fed with every reading of a UPS.

A discharge counts when the agent saw it begin and end: one that a restart or a silent card cut in
two, and a self-test, show nothing.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from collectors import kept
from collectors.ups.battery import Battery, Running
from collectors.ups.state import UpsState
from telemetry import catalogue as names
from telemetry.reading import Reading, reading

_LONGEST_SILENCE_SECONDS = 60.0
_CHARGED = ("online", "bypass", "boost", "trim", "eco")


class BatteryBook:
    """Keeps a Battery in `file`."""

    def __init__(self, file: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file, self._monotonic = file, monotonic
        self.battery = kept.read(file, Battery) or Battery()
        self._running: Running | None = None
        self._on_mains = False
        self._seen = 0.0
        self._load: float | None = None

    def see(self, state: UpsState, at: datetime) -> None:
        """Take one reading; a discharge that ends with it is written down."""
        now = self._monotonic()
        unbroken = now - self._seen < _LONGEST_SILENCE_SECONDS
        load = max((one for one in state.load_ratio if one is not None), default=None)
        self._load = load if load is not None else self._load
        if not unbroken:
            self._running, self._on_mains = None, False
        if state.status == "on_battery":
            if self._running is None and self._on_mains:
                self._running = Running()
            if self._running is not None:
                self._running.see(now, state.charge_ratio, load)
        elif self._running is not None:
            self._end(at, usable=state.status in _CHARGED)
        self._on_mains, self._seen = state.status in _CHARGED, now

    def readings(self, ups: str, at: datetime) -> Iterator[Reading]:
        """What there is evidence for."""
        battery = self.battery
        replace = battery.replace_before_summer(at)
        for metric, value in (
            (names.UPS_MEASURED_RUNTIME, battery.runtime_seconds(self._load)),
            (names.UPS_CAPACITY, battery.health_ratio()),
            (names.UPS_CAPACITY_TREND, battery.trend_per_month()),
            (names.UPS_REPLACE_SOON, None if replace is None else float(replace)),
        ):
            if value is not None:
                yield reading(metric, value, at, ups=ups)

    def notes(self, at: datetime) -> dict[str, Any]:
        """What the verdict stands on."""
        return self.battery.evidence(at, self._load)

    def _end(self, at: datetime, *, usable: bool) -> None:
        found = self._running.end(at.timestamp()) if self._running and usable else None
        self._running = None
        if found is not None:
            self.battery.add(found)
            with contextlib.suppress(OSError):  # it is known until the next restart
                kept.write(self._file, self.battery)
