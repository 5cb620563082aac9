"""When a throughput test knows enough. Pure: samples of a byte counter in, a rate or "go on" out.

A plateau is a window whose halves agree within 4 % and whose quarters span less than 24 %, three
ticks in a row. On a fat, long line the first plateau may be slow start overshooting: it must be
found again, within 3 %, half a second later.
"""

from msgspec import Struct

_HALVES, _QUARTERS, _AGREE = 0.04, 0.24, 0.03
_TICKS_IN_A_ROW = 3
_OVERSHOOT_BYTES = 400_000
PAYLOAD_SHARE = 1448 / 1514


class Plateau(Struct):
    """Feed with `add`; `rate` is set once it knows. Times in seconds, counts in bytes."""

    rtt: float
    min_seconds: float = 0.0
    rate: float | None = None
    samples: list[tuple[float, int]] = []
    _steady: int = 0
    _first: tuple[float, float] | None = None

    def add(self, at: float, count: int) -> float | None:
        """One sample of a growing counter; returns the rate once it holds still."""
        self.samples.append((at, count))
        rate = self._window_rate()
        self._steady = self._steady + 1 if rate is not None else 0
        if rate is None or self._steady < _TICKS_IN_A_ROW:
            return None
        if at - self.samples[0][0] < self.min_seconds:
            return None
        self.rate = self._confirmed(at, rate)
        return self.rate

    def last_resort(self) -> float | None:
        """The slope over the last two thirds: for a test that ran out of time or bytes."""
        if len(self.samples) < 3:
            return None
        start = self.samples[0][0] + (self.samples[-1][0] - self.samples[0][0]) / 3
        return _slope([one for one in self.samples if one[0] >= start])

    def variable(self) -> bool:
        """Whether the rate over the whole test differs from the last third's by more than 25 %."""
        whole, rest = _slope(self.samples), self.last_resort()
        return bool(whole and rest and abs(whole - rest) / rest > 0.25)

    def _confirmed(self, at: float, rate: float) -> float | None:
        if rate * self.rtt <= _OVERSHOOT_BYTES:
            return rate
        if self._first is None:
            self._first = (at, rate)
            return None
        begun, before = self._first
        if at - begun < max(0.5, 8 * self.rtt):
            return None
        if abs(rate - before) / before < _AGREE:
            return rate
        self._first = (at, rate)
        return None

    def _window_rate(self) -> float | None:
        first, last = self.samples[0], self.samples[-1]
        mean = (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else 0.0
        if mean <= 0:
            return None
        width = min(2.0, max(0.3, 8 * self.rtt, 60 * 1448 / mean))
        if last[0] - first[0] < width + max(0.04, 3 * self.rtt):
            return None
        window = [one for one in self.samples if one[0] >= last[0] - width]
        if len(window) < 8:
            return None
        slope = _slope(window)
        half, quarter = len(window) // 2, len(window) // 4
        halves = [_slope(window[: half + 1]), _slope(window[half:])]
        quarters = [_slope(window[i * quarter : (i + 1) * quarter + 1]) for i in range(4)]
        steady = max(halves) - min(halves) < _HALVES * slope and max(quarters) - min(quarters) < _QUARTERS * slope
        return slope if steady else None


def _slope(samples: list[tuple[float, int]]) -> float:
    (begun, first), (ended, last) = samples[0], samples[-1]
    return (last - first) / (ended - begun) if ended > begun else 0.0
