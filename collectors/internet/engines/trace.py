"""The counts of a test, tick by tick: what came of ours, and what the line carried for everybody.

The interface's counter is believed as long as it has seen all that is ours: accelerated forwarding
hides bytes from it, some drivers bring it up to date once a second. After that only our own count.
"""

import socket
import time
from bisect import bisect_left
from typing import NamedTuple

from collectors.internet.engines import Direction
from collectors.internet.engines.counter import Counter
from collectors.internet.engines.flows import Flow
from collectors.internet.engines.tcp_info import tcp_info

_FRAME = 1514
_PAYLOAD = {socket.AF_INET: 1448, socket.AF_INET6: 1428}


class Sample(NamedTuple):
    """own, line: bytes of payload since the start. cpu: seconds that this process has worked."""

    at: float
    own: int
    line: int
    cpu: float


class Trace:
    """`take` a sample each tick; `samples` begin with the first byte."""

    def __init__(self, flows: list[Flow], direction: Direction, counter: Counter | None) -> None:
        self._flows, self._direction, self._counter = flows, direction, counter
        self.samples: list[Sample] = []
        self.frame_of_payload = _FRAME / _PAYLOAD[flows[0].sock.family]
        self._infos = [tcp_info(flow.sock) for flow in flows]
        self._segments_before = sum(info.out_of_order for info in self._infos)

    @property
    def signal(self) -> str:
        """What `line` counts: interface, delivered (what TCP delivered, and what others sent), app."""
        if self._direction == "up":
            return "delivered"
        return "interface" if self._counter else "app"

    @property
    def sees_the_line(self) -> bool:
        """Whether the traffic of others is counted."""
        return self._counter is not None

    def take(self, at: float) -> int:
        """One sample, at this moment of the monotonic clock; returns the bytes of ours so far."""
        self._infos = [tcp_info(flow.sock) for flow in self._flows]
        own = self._arrived()
        if self._counter is not None and self._counter.frames() < own:
            self._counter = None
            self.samples = [one._replace(line=one.own) for one in self.samples]
        if own > 0:
            self.samples.append(Sample(at, own, self._line(own), time.process_time()))
        return own

    def _arrived(self) -> int:
        return sum(flow.arrived(info) for flow, info in zip(self._flows, self._infos, strict=True))

    def _line(self, own: int) -> int:
        if self._counter is None:
            return own
        if self._direction == "down":
            return self._counter.payload()
        return own + self._counter.payload() - self._sent()

    def _sent(self) -> int:
        return sum(info.sent for info in self._infos)

    @property
    def lossy(self) -> bool:
        """Whether packets had to be sent again, or came behind a hole."""
        holes = sum(info.out_of_order for info in self._infos) - self._segments_before
        return holes > 0 if self._direction == "down" else any(info.repeated for info in self._infos)

    @property
    def retransmit_ratio(self) -> float | None:
        """Segments sent again, of all; None for a download: only its sender knows."""
        sent = self._sent()
        if self._direction == "down" or not sent:
            return None
        return round(sum(info.repeated * info.segment for info in self._infos) / sent, 5)

    def rate(self, since: float) -> float:
        """Of the line from a moment to the last sample, bytes/s."""
        first, last = self._between(since)
        return (last.line - first.line) / (last.at - first.at) if last.at > first.at else 0.0

    def busy(self, since: float) -> float:
        """The share of a processor that this process has used."""
        first, last = self._between(since)
        return (last.cpu - first.cpu) / (last.at - first.at) if last.at > first.at else 0.0

    def own_share(self) -> float:
        """Our part of what the line carried, 0-1; at the best moment, for a lost packet holds back those after it."""
        later = self.samples[len(self.samples) // 2 :]
        return max((min(1.0, one.own / one.line) for one in later if one.line > 0), default=0.0)

    def _between(self, since: float) -> tuple[Sample, Sample]:
        return self.samples[min(bisect_left(self.samples, (since,)), len(self.samples) - 1)], self.samples[-1]

    def wire_bytes(self) -> int:
        """What the line has carried for us so far, headers and repeats too."""
        if self._direction == "up":
            return int(self._sent() * self.frame_of_payload)
        return int(self._arrived() * self.frame_of_payload)

    def tail_bytes(self, seconds: float, round_trip: float) -> int:
        """What still comes after the reset: looks for so long; where nothing can be seen, one round trip's worth."""
        if self._direction == "up" or not self.samples:
            return 0
        line, share = self.rate(self.samples[-1].at - 0.3), self.own_share()
        if self._counter is None:
            return int(line * round_trip * self.frame_of_payload)
        before, begun = self.samples[-1].line, self.samples[-1].at
        time.sleep(seconds)
        others = line * (1 - share) * (time.monotonic() - begun)
        return max(0, int((self._counter.payload() - before - others) * self.frame_of_payload))
