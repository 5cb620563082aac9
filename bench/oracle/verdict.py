"""What became of every tick that was on a gateway's disk: pure, from the ledger's book and the store's samples.

A tick is found by its value, which is never used twice, so that a tick with a corrected time is found as well.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from bench.oracle.ledger import Tick
from bench.oracle.words import Meant

Samples = Mapping[tuple[str, str], Sequence[tuple[int, int]]]


class Book(Struct, frozen=True):
    """What the oracle knows without asking the store."""

    meant: Mapping[Tick, Meant]
    on_disk: Mapping[Tick, int]
    """Of each tick that a witness saw, the epoch of the file."""
    epochs: Mapping[str, int]
    """Of each centre, the epoch that it has now."""
    rows: int
    damaged: frozenset[str]
    """Centres whose file was damaged on purpose."""
    given_up: Mapping[str, int]
    """Of each centre, batches that its agent gave up, and counted."""
    refused: frozenset[tuple[str, int]]
    """Centre and value of what ingest refused, counted and set aside."""
    unreadable: frozenset[str]
    """Centres with a message that ingest could not read, counted and set aside."""


class Outcome(Struct, frozen=True):
    """Ticks. `lost` and `uncounted` must be empty, `twice` and `wrong` as well."""

    committed: int
    rows: int
    once: int
    lost: tuple[Tick, ...]
    """Missing, nobody said so, and the file was whole."""
    uncounted: tuple[Tick, ...]
    """Missing from a file that was damaged, and the agent counted nothing."""
    set_aside: int
    """Missing from a file that was damaged; given up by the agent or set aside by ingest, and counted."""
    refused: int
    """Taken under a wrong clock; refused, counted and set aside by ingest."""
    redated: int
    """In the store at another time than the gateway believed when it was taken."""
    twice: int
    """In the store more than once."""
    wrong: int
    """In the store, but never meant."""
    shown: int
    """What count_over_time says beyond the samples that are there once: 0."""

    @property
    def clean(self) -> bool:
        """Nothing lost that was not counted, nothing shown twice, nothing made up."""
        return not (self.lost or self.uncounted or self.twice or self.wrong or self.shown)


def judge(book: Book, stored: Samples, counts: Mapping[tuple[str, str], int]) -> Outcome:
    """The Outcome of a run."""
    times = {(*own, value): at for own, samples in stored.items() for at, value in samples}
    often = Counter((*own, value) for own, samples in stored.items() for _, value in samples)
    missing = book.on_disk.keys() - often.keys()
    kinds = {tick: _kind(book, tick) for tick in missing}
    tally = Counter(kinds.values())
    return Outcome(
        committed=len(book.on_disk),
        rows=book.rows,
        once=sum(often[tick] == 1 for tick in book.on_disk),
        lost=tuple(sorted(tick for tick, kind in kinds.items() if kind == "lost")),
        uncounted=tuple(sorted(tick for tick, kind in kinds.items() if kind == "uncounted")),
        set_aside=tally["set aside"],
        refused=tally["refused"],
        redated=sum(tick in book.meant and abs(book.meant[tick].at - at) > 1000 for tick, at in times.items()),
        twice=sum(count > 1 for count in often.values()),
        wrong=len(often.keys() - book.meant.keys()),
        shown=sum(abs(count - len(stored.get(own, ()))) for own, count in counts.items()),
    )


def _kind(book: Book, tick: Tick) -> str:
    centre, _, value = tick
    meant = book.meant.get(tick)
    if meant is not None and not meant.true_clock and (centre, value) in book.refused:
        return "refused"
    if centre not in book.damaged:
        return "lost"
    aside = book.given_up.get(centre, 0) > 0 and book.on_disk[tick] != book.epochs[centre]
    return "set aside" if aside or centre in book.unreadable else "uncounted"
