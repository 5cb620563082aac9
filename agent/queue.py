"""Which row goes next over one connection: live first, then what is overdue, then the backlog, oldest first.

Pure bookkeeping: the outbox is asked, times come in, nothing is sent here.
"""

from collections.abc import Collection, Iterator

from msgspec import Struct

from agent.credit import Credit
from agent.outbox import Outbox, Row

LIVE_ROWS = 8
"""The lanes close together: so many rows are the present."""
_FRESH_ROWS = 64
_DEAF_SECONDS, _LONGEST_DEAF_SECONDS = 5.0, 600.0
_PROBE_SECONDS = 120.0
"""A centre of the country that does not answer is tried with the newest row this often, and costs no more."""


class Sending(Struct):
    """A row that is on its way: when to send it again, and how often that was."""

    due: float
    tries: int = 0


class Queue:
    """Of one connection; `now` is seconds of a clock that does not jump."""

    def __init__(self, outbox: Outbox, now: float) -> None:
        self._outbox = outbox
        self._credit = Credit()
        self._last_ack = float("-inf")
        self._deaf_until, self._deaf = float("-inf"), 0
        self._next_probe = now
        self._sending: dict[int, Sending] = {}
        self.begin_again()

    def begin_again(self) -> None:
        """Nothing is under way: every row is to be sent, but those that cannot go now."""
        self._sending = {seq: one for seq, one in self._sending.items() if one.tries == 0}
        self._looked = (0, self._outbox.dated)

    def went(self, seq: int, now: float, due: float) -> None:
        """The row is under way; if no ack names it, it is to go again at `due`."""
        tries = self._sending[seq].tries if seq in self._sending else 0
        self._sending[seq] = Sending(due, tries + 1)
        self._next_probe = now + _PROBE_SECONDS

    def parked(self, seq: int, due: float) -> None:
        """The row cannot go now; not before `due`."""
        self._sending[seq] = Sending(due)

    def nobody_listens(self, now: float) -> None:
        """The broker has no subscriber: what went is gone, and it costs nothing to wait a growing while."""
        if now < self._deaf_until:
            return
        self._deaf_until = now + min(_LONGEST_DEAF_SECONDS, _DEAF_SECONDS * 2.0**self._deaf)
        self._deaf = min(self._deaf + 1, 10)
        self.begin_again()

    def acknowledged(self, seqs: Collection[int], now: float) -> None:
        """These rows are in the store, and gone from the disk."""
        for seq in seqs:
            self._sending.pop(seq, None)
        if seqs:
            self._credit.acknowledged(len(seqs))
            self._last_ack, self._deaf = now, 0

    def next_resend_seconds(self, now: float) -> float:
        """Until a row is overdue; at most a minute. What is overdue already waits for a packet, not for time."""
        waits = [one.due - now for one in self._sending.values() if one.due > now]
        return min([*waits, 60.0, *([self._deaf_until - now] if self._deaf_until > now else [])])

    def rows(self, now: float) -> Iterator[tuple[Row, int]]:
        """What may go now, in order, none twice; with the times it went before. What is taken from here must go."""
        given: set[int] = set()
        for row, tries in self._candidates(now):
            if row.seq not in given:
                given.add(row.seq)
                yield row, tries

    def _candidates(self, now: float) -> Iterator[tuple[Row, int]]:
        if now < self._deaf_until:
            return
        live = self._outbox.newest(LIVE_ROWS)
        if not live:
            return
        waiting = sum(1 for one in self._sending.values() if one.due > now)
        spent = self._credit.spent(waiting)
        if spent and now - self._last_ack > _PROBE_SECONDS:
            if now >= self._next_probe:
                yield live[0], 0
            return
        yield from ((row, 0) for row in live if row.seq not in self._sending)
        if not spent:
            yield from self._overdue(now)
            yield from self._fresh(self._credit.left(waiting))

    def _overdue(self, now: float) -> Iterator[tuple[Row, int]]:
        overdue = [(seq, one.tries) for seq, one in self._sending.items() if one.due <= now]
        if overdue:
            self._credit.overdue(now)
        for seq, tries in overdue:
            row = self._outbox.row(seq)
            if row is None:  # given up by the bounds
                del self._sending[seq]
            else:
                yield row, tries

    def _fresh(self, limit: int) -> Iterator[tuple[Row, int]]:
        after, dated = self._looked
        if dated != self._outbox.dated:  # rows among those looked at may be sent now
            after, dated = 0, self._outbox.dated
        for row in self._outbox.oldest(min(limit, _FRESH_ROWS), after):
            if row.seq not in self._sending:
                yield row, 0
            self._looked = (row.seq, dated)
