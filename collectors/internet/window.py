"""Round trips of one target since the last reading -> percentiles, jitter, loss. Pure."""

from collections import deque
from itertools import pairwise

from msgspec import Struct

RECENT_ROUNDS = 3


class Summary(Struct, frozen=True):
    """Seconds. Percentiles are absent when nothing was answered; jitter needs two answers."""

    p50: float | None
    p95: float | None
    max: float | None
    jitter: float | None


class Window:
    """One target. `sent` and `lost` count since the agent started."""

    def __init__(self) -> None:
        self.sent = 0
        self.lost = 0
        self._rtts: list[float] = []
        self._recent: deque[bool] = deque(maxlen=RECENT_ROUNDS)

    def add(self, rtt: float | None) -> None:
        """One probe: its round trip in seconds, or None if it was lost."""
        self.sent += 1
        self.lost += rtt is None
        self._recent.append(rtt is not None)
        if rtt is not None:
            self._rtts.append(rtt)

    def answers(self) -> bool | None:
        """Whether one of the last 3 probes was answered; None before the first."""
        return any(self._recent) if self._recent else None

    def take(self) -> Summary:
        """The Summary since the last `take`."""
        rtts, self._rtts = self._rtts, []
        if not rtts:
            return Summary(None, None, None, None)
        steps = [abs(later - earlier) for earlier, later in pairwise(rtts)]
        ordered = sorted(rtts)
        return Summary(
            p50=_rank(ordered, 0.5),
            p95=_rank(ordered, 0.95),
            max=ordered[-1],
            jitter=sum(steps) / len(steps) if steps else None,
        )


def _rank(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
