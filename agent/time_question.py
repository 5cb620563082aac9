"""Asking the country for the time over one connection: when to ask, what an answer proves, when to go without one.

"I am here" carries the moment at which it was said, and ingest returns it with its own time, as the originate
timestamp of NTP (RFC 5905, section 8): so a question that nobody heard takes nothing from the answer to the next.
`now` is seconds of a clock that does not jump.
"""

from agent.clock import Clock
from telemetry.wire import MAX_INTEGER, Ack

_WAIT_SECONDS = 5.0
"""Ingest tells the time at once; without an answer a plausible clock is believed after this long."""
_ASK_AGAIN_SECONDS = 30.0


class TimeQuestion:
    """Of a connection that begins `now`."""

    def __init__(self, clock: Clock, now: float) -> None:
        self._clock, self._since = clock, now
        self._asked, self._answered = now, False

    def asked(self, now: float) -> int:
        """It is said that we are here; what the answer is to return, in milliseconds."""
        self._asked = now
        return int(now * 1000)

    def heard(self, ack: Ack, now: float) -> None:
        """An answer was written after its question; any other ack, or one that returns nonsense, since we connected."""
        asked = ack.asked / 1000 if 0 < ack.asked < MAX_INTEGER else 0.0
        answers = asked > 0 and self._since - 0.001 <= asked <= now
        if 0 < ack.t < MAX_INTEGER:
            self._clock.told(ack.t / 1000, now - (asked if answers else self._since))
            self._answered |= answers

    def nobody_answers(self, now: float) -> bool:
        """Whether the machine's clock is to be believed, because it is plausible and nobody says better.

        Where somebody has answered, too slowly to prove anything, it is asked again instead.
        """
        return self._clock.plausible and not self._answered and now - self._since > _WAIT_SECONDS

    def is_due(self, now: float) -> bool:
        """Whether to ask again."""
        return now - self._asked > _ASK_AGAIN_SECONDS
