"""One run: faults until enough has happened, then peace until the store has everything or patience ends."""

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bench.oracle.country import Country, Size
from bench.oracle.faults import Fault, Trial, endless
from bench.oracle.verdict import Book, Outcome, judge

Say = Callable[[str], None]
_STANDS_SECONDS = 60.0
"""Longer than a row waits before it is sent again the first time."""


class Course(Struct, frozen=True):
    """One run: where to, how big, how long. The faults go on until kills and rows are both reached."""

    store: str
    kills: int
    rows: int
    seed: int
    size: Size = Size()
    control: bool = False
    ingests: int = 1
    peace_seconds: float = 240.0
    """At most."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.store}, control" if self.control else self.store


class Result(Struct, frozen=True):
    """What happened, and what became of it."""

    course: Course
    kills: int
    faults: dict[str, int]
    stormy_seconds: float
    peaceful_seconds: float
    quarantined: int
    crashes: list[str]
    """Programs that ended by themselves, and their exit code; they were started again."""
    fallen: dict[str, str]
    """Centres whose agent raised what nobody caught, and what."""
    late: int
    """Of the lost: still on a gateway's disk when patience ended."""
    outcome: Outcome


def run(directory: Path, course: Course, faults: list[Fault], say: Say = lambda _: None) -> Result:
    """Faults, peace, verdict; `say` is told how it goes."""
    dice = random.Random(f"{course.seed}/{course.name}")
    happened: Counter[str] = Counter()
    country = Country(directory, course.store, course.size, control=course.control, ingests=course.ingests)
    with country.running():
        trial = Trial(country, dice, set(), [])
        begun = time.monotonic()
        plan = endless(faults, dice)
        while country.kills < course.kills or len(country.ledger.rows) < course.rows:
            trial.wait(0.2, 1.5)
            fault = next(plan)
            trial.crashes += country.raise_the_dead()
            fault.act(trial)
            happened[fault.name] += 1
            say(f"{country.kills} kills, {len(country.ledger.rows)} rows, {fault.name}")
        country.kill(country.central.broker)  # the last fault, which also has the agents begin their sending anew
        country.central.broker.start()
        peace = time.monotonic()
        for one in country.gateways:
            one.quiet()
        time.sleep(2.0)
        outcome = settle(trial, course.peace_seconds, say)
        end = time.monotonic()
        return Result(
            course=course,
            kills=country.kills,
            faults=dict(happened),
            stormy_seconds=round(peace - begun, 1),
            peaceful_seconds=round(end - peace, 1),
            quarantined=country.quarantine().messages,
            crashes=trial.crashes,
            fallen=dict(country.ledger.fallen),
            late=len(country.still_there() & set(outcome.lost)),
            outcome=outcome,
        )


def settle(trial: Trial, seconds: float, say: Say) -> Outcome:
    """Ask until everything is there, or what is missing has its reason and nothing more comes, or patience ends."""
    deadline = time.monotonic() + seconds
    best, moved = -1, time.monotonic()
    while True:
        trial.crashes += trial.country.raise_the_dead()
        outcome = judge(book(trial), trial.country.stored(), trial.country.counts())
        say(f"peace, {outcome.committed - outcome.once} of {outcome.committed} ticks are not in the store yet")
        now = time.monotonic()
        if outcome.once > best:
            best, moved = outcome.once, now
        stands = not outcome.lost and (trial.country.waiting() == 0 or now - moved > _STANDS_SECONDS)
        if outcome.committed == outcome.once or stands or now > deadline:
            return outcome
        time.sleep(5.0)


def book(trial: Trial) -> Book:
    """What the oracle knows at this moment."""
    ledger, country = trial.country.ledger, trial.country
    quarantined = country.quarantine()
    with ledger.lock:
        centres = list(ledger.counted)
        return Book(
            meant=dict(ledger.meant),
            on_disk={tick: seen.epoch for tick, seen in ledger.on_disk.items()},
            epochs=dict(ledger.epochs),
            rows=len(ledger.rows),
            damaged=frozenset(trial.damaged),
            given_up={one: ledger.dropped(one) for one in centres},
            refused=quarantined.values,
            unreadable=quarantined.unreadable,
        )
