"""The simulated devices that all compared programs read: `... devices CARD NAMES`, two UDP ports.

A process of its own, not measured. A UPS card with RFC 1628 values of three phases, so that there are
24 numbers to poll, and a name server.
"""

import asyncio
import sys

from agent.demo import ups
from agent.demo.card import Card, CardValue
from agent.demo.far_end import NameServer

_TABLES = "1.3.6.1.2.1.33.1."
_ALARMS_PRESENT = f"{_TABLES}6.1.0"
_LINE_COUNTS: dict[str, CardValue] = {f"{_TABLES}3.2.0": 3, f"{_TABLES}4.3.0": 3}
_OTHER_LINES: dict[str, CardValue] = {
    **{f"{_TABLES}3.3.1.3.{line}": 229 + line for line in (2, 3)},
    **{f"{_TABLES}4.4.1.2.{line}": 230 for line in (2, 3)},
    **{f"{_TABLES}4.4.1.3.{line}": 40 + line for line in (2, 3)},
    **{f"{_TABLES}4.4.1.5.{line}": 30 + line for line in (2, 3)},
}


def values() -> dict[str, CardValue]:
    """Everything the card says."""
    return ups.identity() | ups.on_mains() | _OTHER_LINES | _LINE_COUNTS | {_ALARMS_PRESENT: 0}


def polled() -> list[str]:
    """The 24 numbers that change, in the order of their OIDs."""
    return sorted(set(ups.on_mains()) | set(_OTHER_LINES) | {_ALARMS_PRESENT})


async def _serve(card: int, names: int) -> None:
    loop = asyncio.get_running_loop()
    await Card(values()).serve(card)
    await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", names))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:3])))
