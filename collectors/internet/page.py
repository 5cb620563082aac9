"""Whether the web is reached, or a sign-in page in its place: a page that answers 204, asked again and again."""

import time
from urllib.parse import urlsplit

from collectors.internet.names import Spend
from collectors.internet.targets import PAGE_COST, page_period
from collectors.probes import Web, generate_204

_BAD_AFTER = 2


class Page:
    """`says` is ok at the first good answer; captive and failed need two in a row. None: not known, or not asked."""

    def __init__(self, url: str, interface: str, spend: Spend) -> None:
        self.says: Web | None = None
        self._url, self._interface, self._spend = urlsplit(url), interface, spend
        self._asked = -1e9
        self._last: Web | None = None
        self._row = 0

    @property
    def well(self) -> bool:
        """Whether the last answer was good, or nobody is asked."""
        return self._last in (None, "ok")

    @property
    def turning(self) -> bool:
        """Whether the last answer was another than it says, and waits to be confirmed."""
        return self._last != self.says

    async def ask_if(self, wrong: bool, *, near_seconds: float, metered: bool) -> None:
        """Ask when it is time, or at once when something looks wrong."""
        if wrong or time.monotonic() - self._asked >= page_period(near_seconds, metered=metered):
            await self.ask()

    async def ask(self) -> None:
        """One look at the page."""
        if not self._url.hostname:
            return
        self._asked = time.monotonic()
        path = self._url.path or "/"
        found, _ = await generate_204(self._url.hostname, self._url.port or 80, path, self._interface)
        self._spend(PAGE_COST, answered=found != "failed")
        self._row = self._row + 1 if found == self._last else 1
        self._last = found
        if found == "ok" or self._row >= _BAD_AFTER:
            self.says = found
