"""Several batches in one message on `samples`: the JSON of each on a line of its own, one zlib stream around them.

What the collectors of a centre have to say at one moment shares one way: compressed together, one PUBACK, one ack.
A single batch is a letter of one line. `mosquitto_sub | zlib-flate -uncompress | jq` shows either.
"""

import zlib
from collections.abc import Sequence

from telemetry.errors import Rejected
from telemetry.wire import inflate

MAX_BATCHES = 32


def sealed(lines: Sequence[bytes]) -> bytes:
    """The message of these batches, each as `inflate` gives it."""
    # Z_FILTERED: for small numbers without long repeats; a little shorter here, and any inflater reads it.
    packer = zlib.compressobj(9, strategy=zlib.Z_FILTERED)
    return packer.compress(b"\n".join(lines)) + packer.flush()


def opened(body: bytes) -> list[bytes]:
    """The batches of a message, for `wire.parse_line`; raises Rejected (oversized, malformed)."""
    lines = inflate(body).split(b"\n", MAX_BATCHES)
    if len(lines) > MAX_BATCHES:
        raise Rejected(f"more than {MAX_BATCHES} batches", reason="malformed")
    return lines
