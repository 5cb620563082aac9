"""What goes wrong, by weight and by a seed. Each leaves all running again; the country counts SIGKILLs."""

import contextlib
import random
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from bench.oracle.country import FAKETIME, Country, Gateways

_DAMAGED_AT_ONCE = 3
CLOCKS = {"1970": "@1970-01-01 00:10:00", "an hour ahead": "+1h", "a day behind": "-1d"}


class Trial(Struct):
    """What a fault works with: country, dice; whose files were damaged on purpose; who ended by itself, and how."""

    country: Country
    dice: random.Random
    damaged: set[str]
    crashes: list[str]

    def some(self) -> Gateways:
        """One process of gateways."""
        return self.dice.choice(self.country.gateways)

    def wait(self, least: float, most: float) -> None:
        """A random while."""
        time.sleep(self.dice.uniform(least, most))


class Fault(Struct, frozen=True):
    """How often (by weight), and what."""

    name: str
    weight: int
    act: Callable[[Trial], None]


def gateways_killed(trial: Trial) -> None:
    """SIGKILL of a process of gateways."""
    one = trial.some()
    trial.country.kill(one.part)
    trial.wait(0.0, 1.0)
    one.start()


def broker_killed(trial: Trial) -> None:
    """SIGKILL of the broker, which keeps nothing."""
    trial.country.kill(trial.country.central.broker)
    trial.wait(0.2, 3.0)
    trial.country.central.broker.start()


def ingest_killed(trial: Trial) -> None:
    """SIGKILL of an ingest: what it held is forgotten."""
    one = trial.dice.choice(trial.country.central.ingests)
    trial.country.kill(one)
    trial.wait(0.2, 6.0)
    one.start()


def store_killed(trial: Trial) -> None:
    """SIGKILL of the store, with what it had only in memory."""
    trial.country.kill(trial.country.central.store)
    trial.wait(0.5, 5.0)
    trial.country.central.store.start()


def central_killed(trial: Trial) -> None:
    """The power of the capital: broker, store and ingest at once."""
    trial.country.kill(*trial.country.central.parts)
    trial.wait(1.0, 8.0)
    for part in trial.country.central.parts:
        part.start()


def line_black(trial: Trial) -> None:
    """Packets vanish."""
    trial.country.line.black()
    trial.wait(2.0, 12.0)
    trial.country.line.clear()


def line_half_open(trial: Trial) -> None:
    """The broker forgot the gateways, and they do not know."""
    trial.country.line.half_open()
    trial.wait(1.0, 4.0)


def line_cut(trial: Trial) -> None:
    """Every connection is reset."""
    trial.country.line.cut()
    trial.wait(0.2, 1.0)


def disk_full(trial: Trial) -> None:
    """Nothing can be written in one process (RLIMIT_FSIZE 0), then it can again."""
    one = trial.some()
    one.wait_until_up()  # the oracle's own file must be written first
    _, hard = resource.prlimit(one.part.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(one.part.pid, resource.RLIMIT_FSIZE, (0, hard))
    trial.wait(2.0, 5.0)
    resource.prlimit(one.part.pid, resource.RLIMIT_FSIZE, (hard, hard))
    trial.wait(0.5, 1.0)


def certificate_expired(trial: Trial) -> None:
    """The certificates of one process run out; later it gets new ones."""
    one = trial.some()
    trial.country.expire(one, days=-1)
    trial.country.line.cut()
    trial.wait(3.0, 6.0)
    trial.country.expire(one, days=1)


def _clock(name: str) -> Callable[[Trial], None]:
    def act(trial: Trial) -> None:
        one = trial.some()
        trial.country.kill(one.part)
        one.start(CLOCKS[name])
        trial.wait(3.0, 6.0)
        trial.country.kill(one.part)
        one.start()

    return act


def _damage(suffix: str, hurt: Callable[[random.Random, bytearray], None]) -> Callable[[Trial], None]:
    """Of a few files while their process is dead: the file itself, all of its log taken in, or its log."""

    def act(trial: Trial) -> None:
        one = trial.some()
        trial.country.kill(one.part)
        files = one.outboxes()
        for file in trial.dice.sample(files, min(_DAMAGED_AT_ONCE, len(files))):
            if not suffix:
                _take_in_the_log(file)
            target = file.with_name(file.name + suffix)
            content = bytearray(target.read_bytes()) if target.exists() else bytearray()
            if len(content) > 4096:
                hurt(trial.dice, content)
                target.write_bytes(content)
                trial.damaged.add(file.parent.name)
        one.start()

    return act


def _take_in_the_log(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as db, contextlib.suppress(sqlite3.Error, ValueError):
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _torn(dice: random.Random, content: bytearray) -> None:
    del content[dice.randrange(len(content) // 4, len(content)) :]


def _flipped(dice: random.Random, content: bytearray) -> None:
    for _ in range(8):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def faults() -> list[Fault]:
    """All that can happen here; without libfaketime the clock stays right."""
    clocks = [Fault(f"clock {name}", 2, _clock(name)) for name in CLOCKS] if FAKETIME.exists() else []
    return [
        Fault("gateways killed", 40, gateways_killed),
        Fault("broker killed", 16, broker_killed),
        Fault("ingest killed", 14, ingest_killed),
        Fault("store killed", 6, store_killed),
        Fault("whole central side killed", 4, central_killed),
        Fault("line black", 4, line_black),
        Fault("line half-open", 4, line_half_open),
        Fault("line cut", 4, line_cut),
        Fault("disk full", 4, disk_full),
        Fault("certificate expired", 2, certificate_expired),
        *clocks,
        Fault("file torn", 2, _damage("", _torn)),
        Fault("file bits flipped", 2, _damage("", _flipped)),
        Fault("log torn", 2, _damage("-wal", _torn)),
        Fault("log bits flipped", 2, _damage("-wal", _flipped)),
    ]


def endless(known: list[Fault], dice: random.Random) -> Iterator[Fault]:
    """Each once, in random order; then for ever by weight."""
    first = list(known)
    dice.shuffle(first)
    yield from first
    while True:
        yield dice.choices(known, [one.weight for one in known])[0]
