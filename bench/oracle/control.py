"""The control: an uplink that believes the broker. A row is deleted at PUBACK, as many agents do; it must lose."""

from agent.uplink import Uplink


class PubackUplink(Uplink):
    """Deletes at PUBACK."""

    def broker_took(self, seq: int) -> None:
        """The broker has it in memory: gone from the disk."""
        row = self._outbox.row(seq)
        if row is not None:
            self._outbox.settle(row.epoch, [(seq, seq)])
