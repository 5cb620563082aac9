"""Round trips of one target: percentiles, jitter and loss for people, and enough evidence or not. Pure.

Jitter is the mean difference of successive round trips (the D of RFC 3550 section 6.4.1, not smoothed).
What was asked while our own throughput test filled the line says nothing about the idle line: it is
counted apart.
"""

from collections import deque
from itertools import pairwise

from msgspec import Struct

LOSS_NEEDS_PROBES = 50
_LOSS_PROBES = 180
_A_MINUTE = 60.0
_FEWEST, _MOST = 4, 12
_BAD_SHARE = 10 / 12


class Summary(Struct, frozen=True):
    """Seconds. Percentiles are absent when nothing was answered; jitter needs two answers."""

    p50: float | None
    p95: float | None
    max: float | None
    jitter: float | None


def evidence_probes(period_seconds: float) -> int:
    """How many probes make a verdict: those of a minute, at least 4 and at most 12."""
    return min(_MOST, max(_FEWEST, round(_A_MINUTE / period_seconds)))


class Window:
    """One target. `sent` and `lost` count since the agent started; `loaded` counts what fell into our own tests."""

    def __init__(self, evidence: int = _MOST) -> None:
        self.sent = 0
        self.lost = 0
        self.loaded = 0
        self.ever = False
        self._rtts: list[float] = []
        self._recent: deque[bool] = deque(maxlen=evidence)
        self._outcomes: deque[bool] = deque(maxlen=_LOSS_PROBES)

    def add(self, rtt: float | None, *, loaded: bool = False, again: bool = False) -> None:
        """One probe: its round trip in seconds, or None if it was lost.

        again: it was sent because one before it was lost. It is evidence, and would bend the share of lost ones.
        """
        answered = rtt is not None
        self.ever |= answered
        if loaded:
            self.loaded += 1
            if answered:  # a full line loses probes, but what answers is there
                self._recent.append(True)
            return
        if again:
            self._recent.append(answered)
            return
        self.sent += 1
        self.lost += not answered
        self._recent.append(answered)
        self._outcomes.append(answered)
        if rtt is not None:
            self._rtts.append(rtt)

    def answers(self) -> bool | None:
        """False when 10 of 12 of the last minute's probes were lost; None when there is not enough evidence."""
        answered, asked = self.evidence()
        bad = asked - answered >= _BAD_SHARE * asked
        if asked < (self._recent.maxlen or 0) and (bad or not answered):
            return None
        return not bad

    def evidence(self) -> tuple[int, int]:
        """How many were answered of how many that the verdict rests on."""
        return sum(self._recent), len(self._recent)

    def suspicious(self) -> bool:
        """Whether the last two probes were lost."""
        return len(self._recent) > 1 and not self._recent[-1] and not self._recent[-2]

    def doubtful(self) -> bool:
        """Whether the last probe was lost, and that is not enough evidence yet."""
        return bool(self._recent) and not self._recent[-1] and self.answers() is not False

    def turning(self) -> bool:
        """Whether the last two probes speak against the verdict of the minute: it may be another one soon."""
        if len(self._recent) < 2 or self._recent[-1] != self._recent[-2]:
            return False
        return self.answers() is not None and self._recent[-1] != self.answers()

    def loss_ratio(self) -> float | None:
        """Share lost of the last 180 probes (15 minutes at 5 s); None below 50: one lost of five is not 20 %."""
        if len(self._outcomes) < LOSS_NEEDS_PROBES:
            return None
        return 1 - sum(self._outcomes) / len(self._outcomes)

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
