"""One target of an uplink: how it is asked, how often, and what came of it."""

import asyncio
import random

from collectors.internet.asker import Asker, HopAsker
from collectors.internet.fault import Witness
from collectors.internet.targets import Target
from collectors.internet.window import Window, evidence_probes


class Probed:
    """What is known of it while it is asked; `task` asks it."""

    def __init__(self, target: Target, asker: Asker | HopAsker, period_seconds: float) -> None:
        self.target, self.asker, self.period = target, asker, period_seconds
        self.window = Window(evidence_probes(period_seconds))
        self.phase = random.random()
        self.answered_at = 0.0
        """When the newest probe that was answered had been sent, monotonic."""
        self.failing_since: float | None = None
        """When the first of those was sent that were lost after it, on an idle line."""
        self.mute = False
        """It never answered, and what lies behind it did: its silence says nothing."""
        self.task: asyncio.Task[None] | None = None

    def heard(self, rtt: float | None, sent: float, *, loaded: bool, again: bool) -> None:
        """One probe: its round trip in seconds, or None if it was lost. See Window.add."""
        self.window.add(rtt, loaded=loaded, again=again)
        if rtt is not None:
            self.mute, self.answered_at, self.failing_since = False, sent, None
        elif self.failing_since is None and not loaded:
            self.failing_since = sent

    @property
    def answers(self) -> bool | None:
        """What the last minute says of it; None when that is not enough, or when its silence says nothing."""
        return None if self.mute else self.window.answers()

    def witness(self) -> Witness:
        """Its word on the last minute."""
        return Witness(self.target.name, self.target.role, *self.window.evidence(), answers=self.answers)
