"""`python -m bench.oracle.gateways PLAN.json RUN`: gateways by the dozen in one process.

Each is the product's own outbox and uplink, over mutual TLS, with its own file. Every tick has a value that was never
used before, as RUN was not; before a tick is given to the outbox the ledger hears of it, and when a witness reads it in
the file, again. SIGUSR1 ends the ticking, not the sending.
"""

import contextlib
import faulthandler
import json
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.outbox import Outbox
from agent.states import State
from agent.uplink import Uplink
from bench.measure.central_side import uplink_config
from bench.oracle.control import PubackUplink
from bench.oracle.witness import Witness
from bench.oracle.words import Counted, Fallen, Meant, Plan, Word, encoder
from telemetry import catalogue as names
from telemetry.reading import reading
from telemetry.wire import epoch_ms

LANES = ("lane-0", "lane-1")
_A_RUN = 1_000_000
_TELL_EVERY = 40


class Gateway:
    """One centre."""

    def __init__(self, plan: Plan, centre: str) -> None:
        file = Path(plan.directory) / centre / "outbox.sqlite"
        self.centre = centre
        self.outbox = Outbox(file, batch_seconds=plan.batch_seconds)
        config = uplink_config(
            Path(plan.certificates), centre, plan.broker_port, batch_seconds=plan.batch_seconds,
            resend_seconds=plan.resend_seconds, keepalive_seconds=plan.keepalive_seconds,
            connect_spread_seconds=plan.spread_seconds, will_delay_seconds=5,
        )  # fmt: skip
        self.uplink = (PubackUplink if plan.control else Uplink)(centre, config, self.outbox, "oracle")
        self._witness = Witness(centre, file)
        self._dropped = 0

    def tick(self, number: int, value: int, *, true_clock: bool) -> list[Word]:
        """One tick into the outbox; what the ledger is to hear after it."""
        at, lane = datetime.now(UTC), LANES[number % len(LANES)]
        self.outbox.append(lane, [reading(names.UPS_RUNTIME, value, at, ups=lane)])
        if true_clock and number % _TELL_EVERY == 0:  # the urgent lane says the same again
            card = {"ts": epoch_ms(at), "up": True, "runtime_seconds": float(value)}
            self.uplink.tell({"power": State(epoch_ms(at), {"ups": {lane: card}})})
        return self.look()

    def look(self) -> list[Word]:
        """What is on disk since, and what is counted."""
        found: list[Word] = list(self._witness.look())
        dropped = self.outbox.stats().dropped
        if dropped != self._dropped:
            self._dropped = dropped
            found.append(Counted(self.centre, os.getpid(), self._dropped))
        return found


class Ledger:
    """The writing end: lines of words."""

    def __init__(self, path: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.connect(path)

    def write(self, words: list[Word]) -> None:
        """All of them in one piece."""
        if words:
            self._sock.sendall(b"".join(encoder.encode(word) + b"\n" for word in words))


class Fleet:
    """The gateways of this process that are well; one that falls is told of, and the others go on."""

    def __init__(self, plan: Plan, ledger: Ledger, first: int, *, true_clock: bool) -> None:
        self._ledger, self._number, self._first, self._true_clock = ledger, 0, first, true_clock
        self._well: dict[str, Gateway] = {}
        for centre in plan.centres:
            with self._telling(centre):
                self._well[centre] = Gateway(plan, centre)
        for one in self._well.values():
            ledger.write(one.look())
            one.uplink.start()

    def tick(self) -> None:
        """One of each gateway."""
        value, lane = self._first + self._number, LANES[self._number % len(LANES)]
        for centre, one in list(self._well.items()):
            self._ledger.write([Meant(centre, lane, value, epoch_ms(datetime.now(UTC)), self._true_clock)])
            with self._telling(centre):
                self._ledger.write(one.tick(self._number, value, true_clock=self._true_clock))
                _see_that_it_lives(one.uplink)
        self._number += 1

    def close(self) -> None:
        """Every batch may be sent now."""
        for centre, one in list(self._well.items()):
            with self._telling(centre):
                one.outbox.close_all()
                self._ledger.write(one.look())
                _see_that_it_lives(one.uplink)

    @contextlib.contextmanager
    def _telling(self, centre: str) -> Iterator[None]:
        try:
            yield
        except (
            ArithmeticError, AssertionError, LookupError, OSError, RuntimeError, TypeError, ValueError, sqlite3.Error,
        ) as problem:  # fmt: skip
            self._well.pop(centre, None)
            where = traceback.extract_tb(problem.__traceback__)[-1]
            what = f"{type(problem).__name__}: {problem} in {where.name}, line {where.lineno} of {where.filename}"
            self._ledger.write([Fallen(centre, what[:400])])
            with contextlib.suppress(OSError):  # the disk may be full
                traceback.print_exc()


def _see_that_it_lives(uplink: Uplink) -> None:
    if not uplink.is_alive():
        raise RuntimeError("the uplink's thread has ended")


def main() -> None:
    faulthandler.enable()
    plan = msgspec.convert(json.loads(Path(sys.argv[1]).read_text()), Plan)
    quiet = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: quiet.set())
    fleet = Fleet(plan, Ledger(plan.ledger), _A_RUN * int(sys.argv[2]), true_clock="FAKETIME" not in os.environ)
    (Path(plan.directory) / "ready").write_text(str(os.getpid()))
    while not quiet.is_set():
        begun = time.monotonic()
        fleet.tick()
        quiet.wait(max(0.0, plan.tick_seconds - (time.monotonic() - begun)))
    while True:
        fleet.close()
        time.sleep(1.0)


if __name__ == "__main__":
    main()
