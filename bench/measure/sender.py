"""One centre that sends in compressed time: outbox and uplink of the product, every period divided by one factor.

The readings carry the times that they would have; only the waiting between them is short.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agent.outbox import Outbox
from agent.snapshot import Snapshot
from agent.states import State, states
from agent.uplink import Uplink
from bench.measure.central_side import CentralSide, uplink_config
from stage.line import Carried, Line
from telemetry.reading import Reading

Readings = Mapping[str, list[Reading]]


class Sender:
    """`batch_seconds` and `keepalive_seconds` as in the configuration; `one_lane`: as if there were one collector."""

    def __init__(
        self, name: str, directory: Path, central: CentralSide, centre: str, factor: float,
        batch_seconds: float, keepalive_seconds: float, *, one_lane: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.batch_seconds = batch_seconds
        self.line = Line(central.port)
        self._one_lane = one_lane
        self._flips = 0
        self._states: dict[str, State] = {}
        self._outbox = Outbox(directory / centre / "outbox.sqlite", batch_seconds=batch_seconds / factor)
        config = uplink_config(
            central.certificates, centre, self.line.port, batch_seconds=batch_seconds / factor,
            resend_seconds=180 / factor, keepalive_seconds=int(keepalive_seconds / factor),
            connect_spread_seconds=1.0,
        )  # fmt: skip
        self._uplink = Uplink(centre, config, self._outbox, "bench")

    @contextmanager
    def running(self) -> Iterator["Sender"]:
        """Connected from the first moment; disconnected at the end."""
        with self.line:
            self._uplink.start()
            try:
                yield self
            finally:
                self._uplink.stop()
                self._outbox.close()

    def take(self, readings: Readings, snapshot: Snapshot) -> None:
        """A tick of every lane."""
        if not self._states:
            self._states = states(snapshot)
            self._uplink.tell(self._states)
        if self._one_lane:
            self._outbox.append("all", [one for lane in readings.values() for one in lane])
        else:
            for lane, found in readings.items():
                self._outbox.append(lane, found)
        self._uplink.wake()

    def flip(self) -> None:
        """Urgent news: the mains go, or come back."""
        self._flips += 1
        power = self._states["power"]
        status = ("online", "on_battery")[self._flips % 2]
        cards = {name: {**card, "status": status} for name, card in power.fields["ups"].items()}
        self._states = {**self._states, "power": State(power.ts + self._flips, {"ups": cards})}
        self._uplink.tell(self._states)

    def carried(self) -> Carried:
        """So far."""
        return self.line.carried()
