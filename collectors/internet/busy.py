"""Whether other people fill the line, so that a throughput test had better wait."""

import asyncio
from collections.abc import Mapping

from collectors.internet.engines import Direction
from collectors.internet.route import default_route, interface_bytes

_LOOK_SECONDS = 1.0
_BUSY_SHARE = 0.5


async def line_is_busy(interface: str, rates: Mapping[Direction, float]) -> bool:
    """Look at the counters for a second. interface: empty is the default route's; rates: what the line can do, bytes/s.

    Not busy where nothing can be seen, or nothing is known of the line.
    """
    name = interface or (route.interface if (route := default_route()) else "")
    before = interface_bytes(name) if name else None
    if before is None or not rates:
        return False
    await asyncio.sleep(_LOOK_SECONDS)
    after = interface_bytes(name) or before
    used: dict[Direction, int] = {"down": after[0] - before[0], "up": after[1] - before[1]}
    return any(used[way] / _LOOK_SECONDS > _BUSY_SHARE * rate for way, rate in rates.items())
