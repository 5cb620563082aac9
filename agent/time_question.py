"""Asking the country for the time over one connection: when to ask, what an answer proves, when to go without one.

Ingest answers whoever says "I am here" with an ack that names nothing. `now` is seconds of a clock that does not jump.
"""

from agent.clock import Clock
from telemetry.wire import Ack

_WAIT_SECONDS = 5.0
"""Ingest tells the time at once; without an answer a plausible clock is believed after this long."""
_ASK_AGAIN_SECONDS = 30.0
_LAST_MS = 2**53


class TimeQuestion:
    """Of a connection that begins `now`."""

    def __init__(self, clock: Clock, now: float) -> None:
        self._clock, self._since = clock, now
        self._open_since: float | None = None
        self._asked, self._answered = now, False

    def asked(self, now: float) -> None:
        """It was said that we are here. An answer to a question before may still be on its way."""
        self._asked = now
        if self._open_since is None:
            self._open_since = now

    def heard(self, ack: Ack, now: float) -> None:
        """A bare time answers one of the questions since the last answer; any other ack was written since we connected.

        A question that nobody has heard is never answered: so the answer after it closes them all.
        """
        bare = not (ack.e or ack.a or ack.r or ack.need)
        since = self._open_since if bare and self._open_since is not None else self._since
        if 0 < ack.t < _LAST_MS:
            self._clock.told(ack.t / 1000, now - since)
            self._answered |= bare
        if bare:
            self._open_since = None

    def nobody_answers(self, now: float) -> bool:
        """Whether the machine's clock is to be believed, because it is plausible and nobody says better.

        Where somebody has answered, too slowly to prove anything, it is asked again instead.
        """
        return self._clock.plausible and not self._answered and now - self._since > _WAIT_SECONDS

    def is_due(self, now: float) -> bool:
        """Whether to ask again."""
        return now - self._asked > _ASK_AGAIN_SECONDS
