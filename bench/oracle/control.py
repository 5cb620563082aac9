"""The control: an uplink that believes the broker. A row is deleted at PUBACK, as many agents do; it must lose."""

from agent.uplink import Uplink


class PubackUplink(Uplink):
    """Deletes at PUBACK."""

    def broker_took(self, seq: int) -> None:
        """The broker has it in memory: gone from the disk."""
        self._outbox.settle(self._outbox.epoch, [(seq, seq)])
