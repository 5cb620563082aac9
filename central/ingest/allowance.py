"""How much one centre may send: a token bucket each, so that a centre that floods costs the others nothing.

What is over the allowance is taken from the broker and forgotten without an ack: a true agent keeps
the row and sends it again, later and less.
"""

from collections import OrderedDict

_MOST = 200_000


class Allowance:
    """`rate` batches (or states) a second on average, `burst` at once, for each key."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Whether one more may pass; `now` in seconds of a clock that does not jump."""
        left, then = self._left.get(key, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        allowed = left >= 1.0
        self._left[key] = (left - 1.0 if allowed else left, now)
        self._left.move_to_end(key)
        if len(self._left) > _MOST:  # the longest silent has its whole burst again anyway
            self._left.popitem(last=False)
        return allowed
