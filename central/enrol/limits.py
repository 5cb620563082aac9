"""Token buckets: how often a stranger may ask. Bounded in memory, whoever asks."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_KEYS = 10_000


class Limit:
    """`burst` at once, then `per_second`, for each key apart; the longest unseen keys are forgotten first."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = burst, per_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, key: str = "") -> bool:
        """Whether one more is allowed now; it is counted if so."""
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(key, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            if len(self._left) > _KEYS:
                self._left.popitem(last=False)
            return allowed


def address_key(address: str) -> str:
    """One key for one customer: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
