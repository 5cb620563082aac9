"""What everybody sends over the uplink, from its interface's counters each 5 s: the present, and the best of 6 hours.

The best 5 s of ordinary use are a lower bound of what the line can do, for nothing. What our own
throughput tests moved is left out of it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from collectors.internet.route import default_route, interface_bytes

SAMPLE_SECONDS = 5.0
PROOF_SECONDS = 6 * 3600.0


class Rates(Struct, frozen=True):
    """Bytes per second."""

    down: float
    up: float


class Peaks:
    """The largest rates of the last 6 hours and since the last `take`. Pure but for its own memory."""

    def __init__(self) -> None:
        self._down: deque[tuple[float, float]] = deque()
        self._up: deque[tuple[float, float]] = deque()
        self._since: Rates | None = None

    def add(self, now: float, rates: Rates) -> None:
        """One sample at a monotonic time."""
        _push(self._down, now, rates.down)
        _push(self._up, now, rates.up)
        before = self._since or rates
        self._since = Rates(max(before.down, rates.down), max(before.up, rates.up))

    def best(self, now: float) -> Rates | None:
        """Of the last 6 hours; None when nothing was seen."""
        for peaks in (self._down, self._up):
            while peaks and peaks[0][0] < now - PROOF_SECONDS:
                peaks.popleft()
        return Rates(self._down[0][1], self._up[0][1]) if self._down and self._up else None

    def take(self) -> Rates | None:
        """Since the last call; None when nothing was seen."""
        taken, self._since = self._since, None
        return taken


def _push(peaks: deque[tuple[float, float]], now: float, rate: float) -> None:
    """A queue whose rates only fall: what is smaller and older can never be the best again."""
    while peaks and peaks[-1][1] <= rate:
        peaks.pop()
    peaks.append((now, rate))


class Traffic:
    """Samples until cancelled. interface: its name, empty for the default route's. loaded: our own test runs."""

    def __init__(self, interface: str, loaded: Callable[[], bool] = lambda: False) -> None:
        self._interface, self._loaded = interface, loaded
        self.peaks = Peaks()
        self.now: Rates | None = None
        self._before: tuple[str, float, int, int] | None = None

    async def run(self) -> None:
        """Sample each 5 s."""
        while True:
            self.sample(time.monotonic())
            await asyncio.sleep(SAMPLE_SECONDS)

    def carrier(self) -> str:
        """The interface that carries this uplink now, or empty when there is none."""
        route = None if self._interface else default_route()
        return self._interface or (route.interface if route else "")

    def sample(self, now: float) -> None:
        """Read the counters; a rate needs two readings of one interface without a reset or our own test between."""
        carrier = self.carrier()
        counts = interface_bytes(carrier) if carrier else None
        before, self._before, self.now = self._before, None, None
        if counts is None or self._loaded():
            return
        self._before = carrier, now, *counts
        if before is None or before[0] != carrier or now - before[1] < SAMPLE_SECONDS / 2:
            return
        down, up = counts[0] - before[2], counts[1] - before[3]
        if down < 0 or up < 0:
            return
        seconds = now - before[1]
        self.now = Rates(down / seconds, up / seconds)
        self.peaks.add(now, self.now)
