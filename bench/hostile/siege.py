"""The real ingest under every hostile kind, honest centres beside it: what it costs, and whether anybody suffers."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from bench.hostile.attack import THROWER, Attacker, attack
from bench.hostile.everything import FOREIGN, KINDS, OWN
from bench.hostile.honest import Honest
from bench.measure.central_side import CentralSide
from bench.measure.processes import peak
from bench.measure.progress import say
from central.simulate.centre import make_centre
from stage.process import Part
from telemetry import catalogue as names

PEAK_BAR_MB = 200.0
KINDS_BAR, TIMES_BAR = 200, 10
_TRESPASSER = "PK-XX-99999"
_TRESPASSER_ACL = f"user {_TRESPASSER}\ntopic write centres/#\n"
"""An account that may write anywhere, for the topics that no centre may: the broker's word is worth nothing there."""
_OWN_SERIES_SECONDS = 17.0
"""Ingest writes its own counts each 15 s."""
_QUIET_SECONDS = 15.0


class Plan(Struct, frozen=True):
    """How many hostile and honest centres, how long, how many messages a second, and the seed."""

    seconds: float
    rate: float
    seed: int
    hostile: int = 20
    honest: int = 10
    hold_seconds: float = 5.0
    patience_seconds: float = 180.0


class Outcome(Struct, frozen=True):
    """What was sent, what it came to, and what it cost; `fewest`: messages of the kind that was sent least."""

    kinds: int
    messages: int
    fewest: int
    refused_by_broker: dict[str, int]
    rejected: dict[str, int]
    quiet_mb: float
    peak_mb: float
    same_process: bool
    bugs: int
    samples: int
    missing: int
    rows_left: int

    @property
    def met(self) -> bool:
        """All bars."""
        return all(met for _, met, _ in bars(self))


def bars(one: Outcome) -> list[tuple[str, bool, str]]:
    """What is asked, whether it is met, what was seen."""
    return [
        (f"at least {KINDS_BAR} hostile kinds", one.kinds >= KINDS_BAR, f"{one.kinds} kinds"),
        (f"each kind at least {TIMES_BAR} times", one.fewest >= TIMES_BAR, f"{one.fewest} times"),
        (f"peak RSS below {PEAK_BAR_MB:.0f} MB", one.peak_mb < PEAK_BAR_MB, f"{one.peak_mb:.1f} MB"),
        ("the same process to the end", one.same_process, "alive" if one.same_process else "ended"),
        ("no bug in its log", one.bugs == 0, f"{one.bugs} bugs"),
        ("no honest sample lost", one.samples > 0 and one.missing == 0 and one.rows_left == 0,
         f"{one.missing} of {one.samples:,} missing, {one.rows_left} rows left"),
    ]  # fmt: skip


def besiege(directory: Path, plan: Plan) -> Outcome:
    """One run from an empty store to the last ack."""
    hostile = [f"PK-XX-{number:05}" for number in range(plan.hostile)]
    honest = [make_centre(number, 1).id for number in range(1, plan.honest + 1)]
    central = CentralSide(
        directory, "victoria-metrics", [*honest, *hostile, _TRESPASSER, THROWER], hold_seconds=plan.hold_seconds,
        acl=_TRESPASSER_ACL,
    )  # fmt: skip
    with central.running():
        return _measured(directory, central, hostile, plan)


def _measured(directory: Path, central: CentralSide, hostile: Sequence[str], plan: Plan) -> Outcome:
    ingest = central.ingests[0]
    watch = _Watch(ingest)
    beside = Honest(directory / "honest", central, plan.honest)
    beside.start()
    time.sleep(_QUIET_SECONDS)
    quiet = watch.peak()
    attackers = [Attacker(central.certificates, central.port, name) for name in (*hostile, _TRESPASSER)]
    arms = [(one, FOREIGN if one.name == _TRESPASSER else OWN) for one in attackers]
    attack(arms, beside.centres, random.Random(plan.seed), plan.seconds, plan.rate, watch.tell)
    for one in attackers:
        one.close()
    say("waiting for the last acks ...")
    left = beside.finish(plan.patience_seconds)
    time.sleep(_OWN_SERIES_SECONDS)
    said, missing = beside.missing()
    say("")
    sent = sum((one.sent for one in attackers), Counter[str]())
    return Outcome(
        kinds=len(sent), messages=sent.total(), fewest=min(sent[kind.name] // kind.times for kind in KINDS),
        refused_by_broker=dict(sum((one.refused for one in attackers), Counter[str]())), rejected=_rejected(central),
        quiet_mb=quiet, peak_mb=watch.peak(), same_process=watch.alive,
        bugs=ingest.log.read_text(encoding="utf-8").count("has a bug"), samples=said, missing=missing, rows_left=left,
    )  # fmt: skip


class _Watch:
    """The peak of a process in MB, also when it has ended since it was last looked at."""

    def __init__(self, part: Part) -> None:
        self._part, self._peak = part, 0.0
        self._due = 0.0

    @property
    def alive(self) -> bool:
        """Still the process that was started: nothing starts it again."""
        return self._part.process is not None and self._part.process.poll() is None

    def peak(self) -> float:
        """So far."""
        if self.alive:
            self._peak = peak(self._part.pid)
        return self._peak

    def tell(self, left: float) -> None:
        """One line each 5 s."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + 5.0
            say(f"under siege, {left:.0f} s left, ingest's peak {self.peak():.0f} MB")


def _rejected(central: CentralSide) -> dict[str, int]:
    found = central.ask(f"max_over_time({names.INGEST_REJECTED.name}[10m])")
    return {one["metric"]["reason"]: int(float(one["value"][1])) for one in found}
