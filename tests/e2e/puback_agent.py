"""The control: the same agent, but a row is deleted when the broker says PUBACK."""

import asyncio
import sys
from pathlib import Path

from agent.config import read_config
from agent.daemon import Daemon
from agent.uplink import Uplink


class PubackUplink(Uplink):
    """Believes the broker."""

    def broker_took(self, seq: int) -> None:
        row = self._outbox.row(seq)
        if row is not None:
            self._outbox.settle(row.epoch, [(seq, seq)])


if __name__ == "__main__":
    asyncio.run(Daemon(read_config(Path(sys.argv[1])), uplink_class=PubackUplink).run())
