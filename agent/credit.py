"""How many rows may be under way without ingest's word. Pure: counts and times in.

A line without acks costs little: 32 rows, then only the newest now and then. Where acks come, the
credit grows with them, so that days of backlog go in minutes; where they stay out, it halves. It is
TCP's congestion window, counted in batches.
"""

_FIRST, _MOST = 32, 1024
_HALVE_EVERY_SECONDS = 60.0


class Credit:
    """Of one connection."""

    def __init__(self) -> None:
        self.size = _FIRST
        self._halved = float("-inf")

    def spent(self, waiting: int) -> bool:
        """Whether nothing more may go while so many wait for their ack."""
        return waiting >= self.size

    def left(self, waiting: int) -> int:
        """How many more may go."""
        return max(0, self.size - waiting)

    def acknowledged(self, rows: int) -> None:
        """So many rows are in the store."""
        self.size = min(_MOST, self.size + rows)

    def overdue(self, now: float) -> None:
        """Rows had no ack in time; many at once are one piece of news."""
        if now - self._halved >= _HALVE_EVERY_SECONDS:
            self.size, self._halved = max(_FIRST, self.size // 2), now
