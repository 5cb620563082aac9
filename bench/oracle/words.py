"""What the gateways' processes tell the ledger, a JSON object a line, and the plan that they run by."""

import msgspec
from msgspec import Struct


class Plan(Struct, frozen=True):
    """One process of gateways: whose they are, how fast they tick, and how they send."""

    centres: tuple[str, ...]
    directory: str
    ledger: str
    broker_port: int
    certificates: str
    control: bool = False
    tick_seconds: float = 0.5
    batch_seconds: float = 1.8
    resend_seconds: float = 23.0
    spread_seconds: float = 1.0
    keepalive_seconds: int = 6


class Meant(Struct, frozen=True, tag="meant"):
    """A value is about to be given to the outbox; `true_clock`: the process believed the right time."""

    centre: str
    lane: str
    value: int
    at: int
    true_clock: bool


class OnDisk(Struct, frozen=True, tag="disk"):
    """A witness has read the value from the outbox's file, in this row of this epoch."""

    centre: str
    lane: str
    value: int
    epoch: int
    row: int


class Counted(Struct, frozen=True, tag="counted"):
    """What an agent says of itself: batches given up in this process, for whatever reason.

    A bit that flipped may look like damage, like a row of another boot, or like one too old.
    """

    centre: str
    run: int
    dropped: int


class Fallen(Struct, frozen=True, tag="fallen"):
    """The code under test has raised what nobody caught: in the field this agent is gone, or its uplink is."""

    centre: str
    problem: str


Word = Meant | OnDisk | Counted | Fallen
encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(Word)
