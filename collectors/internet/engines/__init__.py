"""Throughput engines: each a file here that runs in a child process, JSON in, JSON out.

An engine's `main()` reads a Request from stdin and prints lines of JSON: Progress while it runs, the
Result so far after each direction. A failed direction is null with its reason in `failed`, never a
zero rate. What stands in this file is all that parent and child share, and it is kept light: the
child does not load asyncio.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

Direction = Literal["down", "up"]
Engine = Literal["http", "speedtest_cli"]
LabEngine = Literal["iperf3"]
TestClass = Literal["quick", "sustained"]
INSTALLATION_SECONDS = 8.0
"""How long the first sustained test of a line lasts: a larger bucket at the provider than the usual 3 s find."""
LIMIT_SECONDS = {"http": 15.0, "speedtest_cli": 70.0, "iperf3": 30.0}
"""After this long, a direction, the child is killed."""


class Request(Struct, frozen=True):
    """What to measure. server: URL of a far end (deploy/central/speed); max_bytes a direction, on the line.

    contract_down, contract_up: what is promised, bytes/s of payload; 0: not known. progress: tell it.
    min_seconds: of a direction, where its class asks for less, at most INSTALLATION_SECONDS.
    test_id: a word for the far end's log, [a-z0-9]; empty: none.
    """

    server: str
    engine: Engine | LabEngine = "http"
    interface: str = ""
    directions: tuple[Direction, ...] = ("down", "up")
    test_class: TestClass = "quick"
    max_bytes: int = 60_000_000
    contract_down: float = 0.0
    contract_up: float = 0.0
    progress: bool = False
    test_id: str = ""
    min_seconds: float = 0.0

    def contract(self, direction: Direction) -> float:
        """The promise for one direction, bytes/s; 0: not known."""
        return self.contract_down if direction == "down" else self.contract_up


class Measured(Struct, frozen=True):
    """One direction. Rates in bytes/s of payload; wire_bytes what the line carried for us; round trips in seconds.

    converged: the rate held still. stop: converged, sufficient (the contract is met), cap or time.
    variable: the rate changed while it was measured. cpu_limited: our processor was the limit, not
    the line. signal: what was counted (interface, delivered, app). None: not known.
    """

    line_bytes_per_second: float
    own_bytes_per_second: float
    converged: bool
    stop: str
    seconds: float
    wire_bytes: int
    rtt_idle_seconds: float | None = None
    rtt_loaded_seconds: float | None = None
    retransmit_ratio: float | None = None
    cpu_limited: bool = False
    variable: bool = False
    signal: str = "app"


class Progress(Struct, frozen=True, tag="progress", tag_field="is"):
    """The rate of the last moments, bytes/s, while a direction is being measured."""

    direction: Direction
    seconds: float
    bytes_per_second: float


class Result(Struct, tag="result", tag_field="is"):
    """The speedtest JSON of interfaces.md."""

    engine: str
    server: str
    interface: str
    class_: str = msgspec.field(name="class")
    down: Measured | None = None
    up: Measured | None = None
    failed: dict[str, str] = {}
    spent_bytes: dict[str, int] = {}
    """What each direction has cost on the line, also where it failed."""

    def measured(self, direction: Direction) -> Measured | None:
        """Of one direction."""
        return self.down if direction == "down" else self.up

    def plain(self) -> dict[str, Any]:
        """The object of interfaces.md."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        del fields["is"], fields["spent_bytes"]
        return fields


def empty(request: Request) -> Result:
    """A Result with nothing measured yet."""
    return Result(request.engine, request.server, request.interface, request.test_class)
