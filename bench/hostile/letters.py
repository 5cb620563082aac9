"""Several batches in one message: too many, too much in them, a bad one among good ones."""

import zlib
from collections.abc import Callable

from bench.hostile.kinds import Kind, Shot, plain
from telemetry.letter import MAX_BATCHES, sealed
from telemetry.wire import MAX_TICKS


def _letter(*make: Callable[[Shot], bytes]) -> Callable[[Shot], bytes]:
    return lambda shot: sealed([one(shot) for one in make])


def _good(shot: Shot) -> bytes:
    return plain(shot.batch())


def _vast(shot: Shot) -> bytes:
    """As many samples as a batch of this schema can hold, in a few bytes."""
    return plain(shot.batch(n=MAX_TICKS, d=1, c=[1, 900]))


def _rubbish(shot: Shot) -> bytes:
    return shot.octets(1, 40).replace(b"\n", b"")


KINDS = [
    Kind("letter: more batches than it may hold", _letter(*[_good] * (MAX_BATCHES + 1)), "malformed"),
    Kind("letter: empty lines", lambda shot: zlib.compress(b"\n" * shot.dice.randint(1, MAX_BATCHES - 1)), "malformed"),
    Kind("letter: a million empty lines", lambda _: zlib.compress(b"\n" * 2**20), "oversized"),
    Kind("letter: vast batches", _letter(*[_vast] * MAX_BATCHES)),
    Kind("letter: rubbish in every line", _letter(*[_rubbish] * MAX_BATCHES), "malformed"),
    Kind("letter: rubbish after a good batch", _letter(_good, _rubbish), "malformed"),
    Kind("letter: next week after a good batch",
         _letter(_good, lambda shot: plain(shot.batch(t=shot.now_ms + 7 * 86_400_000))), "future"),
    Kind("letter: torn", lambda shot: _letter(*[_good] * 9)(shot)[: -shot.dice.randint(1, 30)], "malformed"),
    Kind("letter: one batch many times", lambda shot: sealed([_good(shot)] * MAX_BATCHES)),
]  # fmt: skip
