"""A scraper as Prometheus is one: kept connections, gzip, the same Accept; one thread for all targets."""

import gzip
import heapq
import http.client
import threading
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
}


class Target(Struct):
    """A URL, a text that a good answer contains, and what became of the scrapes."""

    url: str
    proof: str
    good: int = 0
    bad: int = 0
    samples: int = 0
    problem: str = ""


class Scraper(threading.Thread):
    """Scrapes every target each `interval` seconds, spread over the interval, until `stop`."""

    def __init__(self, targets: Iterable[Target], interval: float = 10.0) -> None:
        super().__init__(name="scraper", daemon=True)
        self._targets, self._interval = list(targets), interval
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Thread body."""
        begun, spread = time.monotonic(), self._interval / len(self._targets)
        plan = [(begun + spread * place, place) for place in range(len(self._targets))]
        while not self._stopping.wait(max(0.0, plan[0][0] - time.monotonic())):
            due, place = plan[0]
            heapq.heapreplace(plan, (due + self._interval, place))
            self._scrape(self._targets[place])

    def stop(self) -> None:
        """End after the scrape under way."""
        self._stopping.set()
        self.join()
        for one in self._connections.values():
            one.close()

    def _scrape(self, target: Target) -> None:
        try:
            body = self._get(target.url)
        except (OSError, http.client.HTTPException) as problem:
            target.bad += 1
            target.problem = repr(problem)
            return
        target.samples = sum(1 for line in body.splitlines() if line and not line.startswith("#"))
        if target.proof in body:
            target.good += 1
        else:
            target.bad += 1
            target.problem = f"no {target.proof!r} in {len(body)} characters"

    def _get(self, url: str) -> str:
        parts = urlsplit(url)
        known = self._connections.get(parts.netloc)
        if known is None:
            known = self._connections[parts.netloc] = http.client.HTTPConnection(parts.netloc, timeout=8)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            return _body(known, path)
        except (http.client.RemoteDisconnected, ConnectionError):  # it closed a connection that we kept
            known.close()
            return _body(known, path)


def _body(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path, headers=_HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise http.client.HTTPException(f"status {answer.status}: {body[:200]!r}")
    if answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return body.decode()
