"""What the store has taken but may still lose: held, then acknowledged or forgotten. Pure.

A batch may be acknowledged once it was held long enough and the store's start time is still the
one known before the write. Otherwise it is forgotten, and the agent sends it again.
"""

from collections import deque
from collections.abc import Iterable

from msgspec import Struct


class Held(Struct, frozen=True):
    """A batch that the store answered 2xx for."""

    centre: str
    epoch: int
    seq: int
    arrived: float
    stored: float
    store_start: str


class HoldList:
    """In order of writing."""

    def __init__(self, hold_seconds: float) -> None:
        self._hold_seconds = hold_seconds
        self._held: deque[Held] = deque()

    def add(self, batches: Iterable[Held]) -> None:
        """Batches just written."""
        self._held.extend(batches)

    def due(self, now: float) -> bool:
        """Whether one has been held long enough."""
        return bool(self._held) and now - self._held[0].stored >= self._hold_seconds

    def release(self, now: float, store_start: str) -> list[Held]:
        """Take out what has been held long enough; return what survived in this life of the store."""
        ready = []
        while self.due(now):
            ready.append(self._held.popleft())
        return [one for one in ready if one.store_start == store_start]

    def __len__(self) -> int:
        return len(self._held)
