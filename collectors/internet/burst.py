"""Whether a line is faster at first than for long: pairs of a quick and a sustained test. Pure.

A provider's bucket, or a radio line that jumps: a test of half a second reads a moment. A line where
two of the last three pairs differ by more than a tenth is bursty, and is judged by sustained tests only.
"""

from collections.abc import Sequence

_PAIRS, _SUSPICIOUS = 3, 2
_ALIKE = (0.9, 1.1)
Ratios = tuple[float, ...]


def with_pair(ratios: Ratios, quick: float, sustained: float) -> Ratios:
    """The last ratios of quick to sustained, oldest first, and one more; rates in the same unit, above zero."""
    return (*ratios, round(quick / sustained, 3))[-_PAIRS:]


def is_bursty(ratios: Sequence[float]) -> bool:
    """By the last pairs of one direction."""
    return sum(not _ALIKE[0] <= one <= _ALIKE[1] for one in ratios[-_PAIRS:]) >= _SUSPICIOUS
