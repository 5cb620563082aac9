"""The default engine: four TCP flows against a plain web server, as long as the rate needs to settle.

Down: counted at the interface where that can be seen (other people's traffic is part of the line),
else at the socket. Up: what TCP has delivered, never what the socket has swallowed; to it comes what
the interface sent for others. One thread, one selector, alone in a child process.
Rules: plateau.py. Far end: any web server with a large /blob and an /up that reads and forgets
(deploy/central/speed), or a LibreSpeed back-end.
"""

import selectors
import sys
import time
from contextlib import ExitStack, closing
from functools import lru_cache

import msgspec

from collectors.internet.engines import Direction, Measured, Request
from collectors.internet.engines.connect import connect, resolve
from collectors.internet.engines.counter import open_counter
from collectors.internet.engines.far_end import FarEnd, far_end
from collectors.internet.engines.flows import Body, Download, Flow, Upload, reset
from collectors.internet.engines.harness import Spent, answer, tell
from collectors.internet.engines.latency import Latency
from collectors.internet.engines.plateau import Plateau
from collectors.internet.engines.trace import Trace
from telemetry.errors import TimedOut

_FLOWS, _FLOWS_OF_A_SLOW_LINE, _SLOW_LINE = 4, 2, 500_000
_MAX_SECONDS = {"quick": 5.0, "sustained": 8.0}
_LONG_RTT, _MORE_SECONDS = 0.06, 1.0
"""One more second for a long line, and one to settle for a test that has a length of its own."""
_SILENCE_SECONDS = 3.0
_TICK_SECONDS, _REST_SECONDS, _TELL_SECONDS = 0.02, 0.002, 0.1
_BUSY = 0.85
_MEMORY_BYTES = 256 * 2**20


def main() -> int:
    """Child entry."""
    return answer(measure, memory_bytes=_MEMORY_BYTES)


@lru_cache(maxsize=1)
def _addresses(far: FarEnd, interface: str) -> list[str]:
    return resolve(far, interface)


def measure(request: Request, direction: Direction, spent: Spent) -> Measured:
    """One direction; notes its bytes in `spent`; raises CollectError when there is nothing to report."""
    far = far_end(request.server, request.test_id)
    addresses = _addresses(far, request.interface)
    slow = 0 < request.contract(direction) <= _SLOW_LINE
    flows_wanted = _FLOWS_OF_A_SLOW_LINE if slow else _FLOWS
    sockets, rtt = connect(addresses, far.port, flows_wanted, direction, request.interface)
    with ExitStack() as stack:
        stack.callback(reset, sockets)
        counter = open_counter(request.interface, direction, sockets[0].family)  # before the first byte can come
        body = stack.enter_context(closing(Body())) if direction == "up" else None
        if counter:
            stack.callback(counter.close)
        flows: list[Flow] = [Upload(one, far, body) if body else Download(one, far) for one in sockets]
        trace = Trace(flows, direction, counter)
        stack.callback(lambda: spent.setdefault(direction, trace.wire_bytes()))
        test = _Test(request, direction, flows, trace, rtt)
        found = test.run()
        reset(sockets)
        spent[direction] = found.wire_bytes + trace.tail_bytes(test.draining_seconds(), test.loaded_rtt())
    return msgspec.structs.replace(found, wire_bytes=spent[direction])


class _Test:
    """The flows of one direction, sampled until the plateau knows, or the time or the bytes are spent."""

    def __init__(self, request: Request, direction: Direction, flows: list[Flow], trace: Trace, rtt: float) -> None:
        self._request, self._direction, self._flows, self._trace, self._rtt = request, direction, flows, trace, rtt
        self._plateau = self._fresh_plateau()
        self._saw_the_line = trace.sees_the_line
        self._begun = time.monotonic()
        most = max(_MAX_SECONDS[request.test_class], request.min_seconds + _MORE_SECONDS)
        self._deadline = self._begun + most + (_MORE_SECONDS if rtt > _LONG_RTT else 0.0)
        self._grew, self._own = self._begun, 0
        self._told = self._begun

    def run(self) -> Measured:
        """Raises CollectError when a flow breaks, or nothing comes."""
        with selectors.DefaultSelector() as selector:
            for flow in self._flows:
                selector.register(flow.sock, flow.events, flow)
            self._latency = Latency(self._flows[0].sock, selector, self._request.interface)
            try:
                stop = self._pump(selector)
            finally:
                self._latency.close()
        return self._measured(stop)

    def loaded_rtt(self) -> float:
        """Seconds that a packet needs there and back while the line is full."""
        return max(self._rtt, self._latency.last())

    def draining_seconds(self) -> float:
        """After this long, all that was under way at the reset has come."""
        return min(1.0, 0.05 + 2 * self.loaded_rtt())

    def _pump(self, selector: selectors.BaseSelector) -> str:
        next_tick = self._begun + _TICK_SECONDS
        while True:
            _serve(selector, next_tick - time.monotonic())
            now = time.monotonic()
            if now < next_tick:
                time.sleep(_REST_SECONDS)  # a few packets at a time: a wake-up for each would cost the processor
                continue
            next_tick = now + _TICK_SECONDS
            if stop := self._look(now):
                return stop
            if self._own:
                self._latency.tick(now)

    def _look(self, now: float) -> str:
        """The sample of this tick; why to stop, or nothing."""
        own = self._trace.take(now)
        if own > self._own:
            self._grew, self._own = now, own
        elif now - self._grew > _SILENCE_SECONDS:
            raise TimedOut("nothing more came", reason="stalled" if own else "no_data")
        if not own:
            return ""
        stop = self._judge()
        self._tell(now)
        if stop:
            return stop
        if self._trace.wire_bytes() + self._under_way() >= self._request.max_bytes:
            return "cap"
        return "time" if now > self._deadline else ""

    def _judge(self) -> str:
        self._plateau.lossy = self._trace.lossy
        if self._saw_the_line != self._trace.sees_the_line:  # begin again, with what can be trusted
            self._saw_the_line, self._plateau = self._trace.sees_the_line, self._fresh_plateau()
            for one in self._trace.samples[:-1]:
                self._plateau.add(one.at, one.line)
        last = self._trace.samples[-1]
        return self._plateau.add(last.at, last.line)

    def _fresh_plateau(self) -> Plateau:
        asked = self._request
        return Plateau(self._rtt, asked.test_class, asked.contract(self._direction), min_seconds=asked.min_seconds)

    def _under_way(self) -> int:
        """Bytes that will come even if we stop now."""
        if self._direction == "up":
            return 0  # they are counted as they leave
        rate = self._trace.rate(self._trace.samples[-1].at - 0.1) * self._trace.own_share()
        return int(rate * self._trace.frame_of_payload * (self.loaded_rtt() + _TICK_SECONDS))

    def _tell(self, now: float) -> None:
        if self._request.progress and now - self._told >= _TELL_SECONDS:
            tell(self._direction, now - self._begun, self._trace.rate(now - 0.25))
            self._told = now

    def _measured(self, stop: str) -> Measured:
        seconds = time.monotonic() - self._begun
        rate = self._plateau.rate or self._plateau.last_resort()
        if not rate and stop == "cap":  # so fast that the bytes were spent before a second look: at least this
            rate = self._own / seconds
        if not rate:
            raise TimedOut("too little came to tell a rate", reason="no_data")
        return Measured(
            line_bytes_per_second=round(rate),
            own_bytes_per_second=round(rate * self._trace.own_share()),
            converged=bool(self._plateau.stop),
            stop=stop,
            seconds=round(seconds, 3),
            wire_bytes=self._trace.wire_bytes(),
            rtt_idle_seconds=round(self._rtt, 5),
            rtt_loaded_seconds=self._latency.median(),
            retransmit_ratio=self._trace.retransmit_ratio,
            cpu_limited=self._trace.busy(self._plateau.since()) > _BUSY,
            variable=self._plateau.variable(),
            signal=self._trace.signal,
        )


def _serve(selector: selectors.BaseSelector, seconds: float) -> None:
    """Wait for what is ready, at most so long, and serve it."""
    for key, mask in selector.select(max(0.0, seconds)):
        if isinstance(key.data, Latency):
            key.data.serve(time.monotonic())
            continue
        flow: Flow = key.data
        flow.serve(mask)
        if flow.events != key.events:
            selector.modify(flow.sock, flow.events, flow)


if __name__ == "__main__":
    sys.exit(main())
