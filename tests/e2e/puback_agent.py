"""The control: the same agent, but a row is deleted when the broker says PUBACK."""

import asyncio
import sys
from pathlib import Path

from agent.config import read_config
from agent.daemon import Daemon
from bench.oracle.control import PubackUplink

if __name__ == "__main__":
    asyncio.run(Daemon(read_config(Path(sys.argv[1])), uplink_class=PubackUplink).run())
