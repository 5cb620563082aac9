"""Honest centres that send beside an attack, and the question whether all that they said is in the store."""

import json
import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from agent.outbox import Outbox
from agent.uplink import Uplink
from bench.measure.central_side import CentralSide, uplink_config
from bench.measure.readings import readings
from central.simulate.centre import make_centre
from telemetry.reading import Reading
from telemetry.wire import epoch_ms, scaled, unscaled

TICK_SECONDS = 2.0
_BATCH_SECONDS, _RESEND_SECONDS = 10.0, 30.0
_Book = dict[tuple[str, frozenset[tuple[str, str]]], dict[int, float]]
"""(name, labels) -> epoch ms -> value, as the store has it."""


class Honest:
    """Outbox and uplink of the product, one of each a centre; a thread ticks them all."""

    def __init__(self, directory: Path, central: CentralSide, count: int) -> None:
        self._numbers = range(1, count + 1)
        self.centres = [make_centre(number, 1).id for number in self._numbers]
        self.ticks = 0
        self._central = central
        self._said: dict[str, _Book] = {centre: defaultdict(dict) for centre in self.centres}
        self._outboxes = {
            centre: Outbox(directory / centre / "outbox.sqlite", batch_seconds=_BATCH_SECONDS)
            for centre in self.centres
        }
        self._uplinks = [self._uplink(centre, outbox) for centre, outbox in self._outboxes.items()]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="honest", daemon=True)

    def _uplink(self, centre: str, outbox: Outbox) -> Uplink:
        config = uplink_config(
            self._central.certificates, centre, self._central.port, batch_seconds=_BATCH_SECONDS,
            resend_seconds=_RESEND_SECONDS, connect_spread_seconds=1.0,
        )  # fmt: skip
        return Uplink(centre, config, outbox, "bench")

    def start(self) -> None:
        """Connect and tick."""
        for uplink in self._uplinks:
            uplink.start()
        self._thread.start()

    def finish(self, seconds: float) -> int:
        """Stop ticking and wait until all is acknowledged; how many rows are left."""
        self._stop.set()
        self._thread.join()
        for outbox in self._outboxes.values():
            outbox.close_all()
        deadline = time.monotonic() + seconds
        while (left := sum(outbox.stats().rows for outbox in self._outboxes.values())) and time.monotonic() < deadline:
            for uplink in self._uplinks:
                uplink.wake()
            time.sleep(0.5)
        for uplink in self._uplinks:
            uplink.stop()
        for outbox in self._outboxes.values():
            outbox.close()
        return left

    def missing(self) -> tuple[int, int]:
        """Samples said, and how many of them the store does not have with their time and value."""
        said = missing = 0
        for centre, book in self._said.items():
            stored = _stored(self._central.url, centre)
            for series, values in book.items():
                there = stored.get(series, {})
                said += len(values)
                missing += sum(there.get(at) != value for at, value in values.items())
        return said, missing

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._stop.wait(max(0.0, begun + self.ticks * TICK_SECONDS - time.monotonic())):
            now = time.time()
            for number, centre in zip(self._numbers, self.centres, strict=True):
                for lane, found in readings(make_centre(number, 1), now, 3600.0 + self.ticks * TICK_SECONDS).items():
                    self._outboxes[centre].append(lane, found)
                    self._write_down(centre, found)
            for uplink in self._uplinks:
                uplink.wake()
            self.ticks += 1

    def _write_down(self, centre: str, found: Sequence[Reading]) -> None:
        for one in found:
            metric = one.series.metric
            labels = frozenset((key, value) for key, value in one.series.label_map().items() if value)
            value = unscaled(scaled(one.value, metric.scale), metric.scale)
            self._said[centre][metric.name, labels][epoch_ms(one.at)] = value


def _stored(url: str, centre: str) -> _Book:
    """All samples of a centre, from VictoriaMetrics' export."""
    query = urllib.parse.urlencode({"match[]": f'{{centre="{centre}"}}'})
    book: _Book = {}
    with urllib.request.urlopen(f"{url}/api/v1/export?{query}", timeout=120) as answer:
        for line in answer:
            one = json.loads(line)
            metric = one["metric"]
            own = frozenset((k, v) for k, v in metric.items() if k not in ("__name__", "centre", "job"))
            book[metric["__name__"], own] = dict(zip(one["timestamps"], one["values"], strict=True))
    return book
