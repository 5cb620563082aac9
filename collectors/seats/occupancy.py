"""One seat: occupied, free or unknown, and why. Pure: signals and monotonic times come in.

Ranked rules, not probabilities: the answer can be explained to a centre manager. The best fresh
source decides; nothing fresh is unknown, never free. A seat that was occupied stays so for the
hold time of its sensor; a conflict is counted and changes nothing.
"""

from typing import Literal

from msgspec import Struct

State = Literal["occupied", "free", "unknown"]
Mode = Literal["presence", "checkins", "motion"]


class Rule(Struct, frozen=True):
    """rank: lower decides first. hold: occupied -> free waits. confirm: free -> occupied waits. stale: believed for."""

    rank: int
    hold_seconds: float
    confirm_seconds: float
    stale_seconds: float


RULES: dict[Mode, Rule] = {
    "presence": Rule(1, hold_seconds=120, confirm_seconds=5, stale_seconds=660),
    "checkins": Rule(2, hold_seconds=0, confirm_seconds=0, stale_seconds=900),
    "motion": Rule(3, hold_seconds=900, confirm_seconds=0, stale_seconds=7200),
}
BATTERY_STALE_SECONDS = 7200.0


class Signal(Struct):
    """The last word of one source about one seat. `verdict` None: it has not spoken, or must not be believed."""

    mode: Mode
    verdict: bool | None = None
    at: float = 0.0
    true_since: float | None = None
    false_since: float | None = None
    online: bool | None = None
    low_battery: bool = False
    ever_heard: bool = False
    stale_seconds: float = 0.0
    unconfirmed: bool = False
    """Retained by the broker: true once, and counted only while the sensor's status says online."""
    lives_by_status: bool = False
    """On-change sensors with a will: silence is normal while they are online."""

    def say(self, verdict: bool, now: float, *, unconfirmed: bool = False) -> None:
        """The source speaks."""
        if verdict:
            self.true_since = self.true_since if self.verdict and self.true_since is not None else now
            self.false_since = None
        else:
            self.true_since = None
            self.false_since = now if self.false_since is None else self.false_since
        self.verdict, self.at, self.ever_heard, self.unconfirmed = verdict, now, True, unconfirmed

    def status(self, now: float) -> Literal["ok", "stale", "offline", "low_battery", "never_seen"]:
        """How far it can be trusted."""
        if self.online is False:
            return "offline"
        if not self.ever_heard or (self.unconfirmed and not self.online):
            return "never_seen"
        if self.verdict is None or (
            not (self.lives_by_status and self.online) and now - self.at > self._believed_for()
        ):
            return "stale"
        return "low_battery" if self.low_battery else "ok"

    def usable(self, now: float) -> bool:
        """Whether it may vote."""
        return self.status(now) in ("ok", "low_battery")

    def _believed_for(self) -> float:
        return self.stale_seconds or RULES[self.mode].stale_seconds


class Decision(Struct, frozen=True):
    """reason: the mode that decided, hold, confirm, no_source, stale or offline. age: of the evidence, seconds."""

    state: State
    reason: str
    age_seconds: float | None
    conflict: bool


class Occupancy(Struct):
    """A seat over time."""

    signals: list[Signal]
    state: State = "unknown"
    reason: str = "no_source"

    def decide(self, now: float) -> Decision:
        """The state now; remembers it."""
        decision = self._decision(now)
        self.state, self.reason = decision.state, decision.reason
        return decision

    def _decision(self, now: float) -> Decision:
        usable = [one for one in self.signals if one.usable(now)]
        if not usable:
            return Decision("unknown", self._why_unknown(now), None, conflict=False)
        best = min(usable, key=lambda one: RULES[one.mode].rank)
        conflict = len({one.verdict for one in usable}) > 1
        state, reason = self._held(best, now)
        return Decision(state, reason, now - best.at, conflict)

    def _held(self, best: Signal, now: float) -> tuple[State, str]:
        rule = RULES[best.mode]
        if best.verdict:
            waits = (
                self.state == "free" and best.true_since is not None and now - best.true_since < rule.confirm_seconds
            )
            return ("free", "confirm") if waits else ("occupied", best.mode)
        held = self.state == "occupied" and best.false_since is not None and now - best.false_since < rule.hold_seconds
        return ("occupied", "hold") if held else ("free", best.mode)

    def _why_unknown(self, now: float) -> str:
        statuses = [one.status(now) for one in self.signals]
        return next((status for status in ("offline", "stale") if status in statuses), "no_source")
