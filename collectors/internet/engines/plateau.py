"""When a throughput test knows enough. Pure: samples of a byte counter in, a rate or "go on" out.

A plateau is a window whose halves agree within 4 % and whose quarters span less than 24 %, three
ticks in a row. The rate is the mean since slow start, and only if the plateau agrees with it within
5 %: on a line that jumps, a plateau is a moment. On a fat, long line the first plateau may be slow
start overshooting: it must be found again, within 3 %, half a second later. The window of a sustained
test is its later half, 1.5 s or longer, with quarters within 12 %: a burst bucket at the provider is
empty by then.
"""

from bisect import bisect_left
from typing import Literal

from msgspec import Struct

from collectors.internet.engines import TestClass

MIN_SECONDS = {"quick": 0.0, "sustained": 3.0}
_MIN_WINDOW, _MAX_WINDOW = 0.3, 2.0
_HALVES, _QUARTERS = 0.04, {"quick": 0.24, "sustained": 0.12}
_AGREE, _AGAIN = 0.05, 0.03
_TICKS_IN_A_ROW = 3
_OVERSHOOT_BYTES = 400_000
_SLOW_START_ROUND_TRIPS = 10
_SUFFICIENT_SECONDS = 0.5
_PACKET = 1448
Samples = list[tuple[float, int]]


class Plateau(Struct):
    """Feed with `add`; `stop` and `rate` are set once it knows. Times in seconds, counts in bytes.

    rtt: of the idle line. contract: bytes/s promised, 0 if not known. lossy: packets get lost, so
    that a window must hold more of them; may be set later. min_seconds: where the class asks for less.
    """

    rtt: float
    test_class: TestClass = "quick"
    contract: float = 0.0
    lossy: bool = False
    stop: Literal["", "converged", "sufficient"] = ""
    rate: float | None = None
    samples: Samples = []
    min_seconds: float = 0.0
    _steady: int = 0
    _first: tuple[float, float] | None = None

    def add(self, at: float, count: int) -> str:
        """One sample of a growing counter; returns `stop`."""
        self.samples.append((at, count))
        window = self._window()
        self._steady = self._steady + 1 if window and self._holds_still(window) else 0
        if window and self._steady >= _TICKS_IN_A_ROW and self.elapsed() >= self._least_seconds():
            self._judge(_slope(window))
        return self.stop

    def elapsed(self) -> float:
        """Seconds since the first byte."""
        return self.samples[-1][0] - self.samples[0][0] if self.samples else 0.0

    def last_resort(self) -> float | None:
        """For a test out of time or bytes: the mean since slow start; of a sustained one, of its last two thirds."""
        if len(self.samples) < 3:
            return None
        return self._mean(self._recent_rate(), skip=1 / 3) or None

    def since(self) -> float:
        """The moment from which `rate` is the mean."""
        return self._since(self._recent_rate(), 1 / 2 if self.stop else 1 / 3)

    def variable(self) -> bool:
        """Whether the rate changed after slow start: the last window is 5 % off the mean, or was never steady."""
        if self.stop == "sufficient" or len(self.samples) < 3:
            return False
        last = self._recent_rate()
        whole = _slope(self._from(self._slow_start_end(last) if self._first is None else self._first[0]))
        return (not self.stop and self._steady == 0) or abs(whole - last) > _AGREE * whole

    def _least_seconds(self) -> float:
        return max(self.min_seconds, MIN_SECONDS[self.test_class])

    def _judge(self, rate: float) -> None:
        """A plateau at `rate` is there: is it enough?"""
        recent = _slope(self._from(self.samples[-1][0] - _SUFFICIENT_SECONDS))
        if self.test_class == "quick" and 0 < self.contract <= recent and self.elapsed() > _SUFFICIENT_SECONDS:
            self.stop, self.rate = "sufficient", recent
        elif self._is_no_overshoot(rate):
            mean = self._mean(rate, skip=1 / 2)
            if abs(mean - rate) <= _AGREE * mean:
                self.stop, self.rate = "converged", mean

    def _is_no_overshoot(self, rate: float) -> bool:
        if self.test_class == "sustained" or rate * self.rtt <= _OVERSHOOT_BYTES:
            return True
        at = self.samples[-1][0]
        if self._first is not None and at - self._first[0] < max(0.5, 8 * self.rtt):
            return False
        if self._first is not None and abs(rate - self._first[1]) / self._first[1] < _AGAIN:
            return True
        self._first = (at, rate)
        return False

    def _mean(self, rate: float, skip: float) -> float:
        return _slope(self._from(self._since(rate, skip)))

    def _since(self, rate: float, skip: float) -> float:
        if self.test_class == "sustained":
            return self.samples[0][0] + self.elapsed() * skip
        return self._slow_start_end(rate) if self._first is None else self._first[0]

    def _slow_start_end(self, rate: float) -> float:
        """When the rate first came near to where it is now; slow start is over after ten round trips."""
        begun = self.samples[0][0]
        earliest, latest = begun + self._warm_up(), begun + max(self._warm_up(), _SLOW_START_ROUND_TRIPS * self.rtt)
        latest = min(latest, self.samples[-1][0] - self._width())
        for at, _ in self._from(earliest):
            if at >= latest or _slope(self._from(at, at + max(0.1, 2 * self.rtt))) >= (1 - _AGREE) * rate:
                return at
        return earliest

    def _warm_up(self) -> float:
        return max(0.04, 3 * self.rtt)

    def _width(self) -> float:
        """Of the window: long enough for the round trip, and for so many packets that one more is no difference."""
        if self.test_class == "sustained":
            return self.elapsed() / 2
        mean = _slope(self.samples)
        packets = (120 if self.lossy else 60) * _PACKET / mean if mean > 0 else _MAX_WINDOW
        return min(_MAX_WINDOW, max(_MIN_WINDOW, 8 * self.rtt, packets))

    def _window(self) -> Samples:
        """The last samples, or none before there are enough after the warm-up."""
        width = self._width()
        if self.elapsed() < width + self._warm_up():
            return []
        window = self._from(self.samples[-1][0] - width)
        return window if len(window) >= 8 and window[-1][1] > window[0][1] else []

    def _holds_still(self, window: Samples) -> bool:
        mean = _slope(window)
        half, quarter = len(window) // 2, len(window) // 4
        halves = [_slope(window[: half + 1]), _slope(window[half:])]
        quarters = [_slope(window[i * quarter : (i + 1) * quarter + 1]) for i in range(4)]
        span = max(quarters) - min(quarters)
        return max(halves) - min(halves) < _HALVES * mean and span < _QUARTERS[self.test_class] * mean

    def _recent_rate(self) -> float:
        return _slope(self._from(self.samples[-1][0] - self._width()))

    def _from(self, begun: float, ended: float | None = None) -> Samples:
        first = bisect_left(self.samples, (begun, 0))
        last = len(self.samples) if ended is None else bisect_left(self.samples, (ended, 0)) + 1
        return self.samples[first:last]


def _slope(samples: Samples) -> float:
    if len(samples) < 2:
        return 0.0
    (begun, first), (ended, last) = samples[0], samples[-1]
    return (last - first) / (ended - begun) if ended > begun else 0.0
