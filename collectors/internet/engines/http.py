"""The default engine: four TCP flows against a plain web server, as long as the rate needs to settle.

Down: GET /blob; counted at the interface where that can be seen (other people's traffic is part of
the line), else at the socket. Up: POST /up; counted by TCP_INFO's delivered segments, never by what
the socket has swallowed. Runs alone in a child process; one thread, one selector.
Far end: any web server with a large /blob and an /up that reads and forgets (deploy/central/nginx).
"""

import selectors
import socket
import statistics
import struct
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import msgspec

from collectors.internet.engines import Direction, Measured, Request, empty
from collectors.internet.engines.plateau import PAYLOAD_SHARE, Plateau
from collectors.internet.route import default_route, interface_bytes
from telemetry.errors import CollectError, TimedOut, Unreachable

FLOWS = 4
TICK_SECONDS = 0.02
MAX_SECONDS = {"quick": 5.0, "sustained": 8.0}
MIN_SECONDS = {"quick": 0.0, "sustained": 3.0}
_CONNECT_SECONDS = 5.0
_FIRST_BYTE_SECONDS = 6.0
_LATENCY_EVERY = 0.1
_BLOCK = bytes(256 * 1024)
_TCP_INFO_BYTES = 232


def main() -> int:
    """Child entry: Request on stdin, one JSON object on stdout."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    result = empty(request)
    for direction in request.directions:
        try:
            measured = measure(request, direction, result.spent_bytes)
            result = msgspec.structs.replace(result, **{direction: measured})
        except CollectError as problem:
            result.failed[direction] = problem.reason
        except OSError as problem:
            result.failed[direction] = f"os_error_{problem.errno}"
    sys.stdout.write(msgspec.json.encode(result.plain()).decode())
    return 0


def measure(request: Request, direction: Direction, spent: dict[str, int]) -> Measured:
    """One direction; notes its bytes in `spent`; raises CollectError when there is nothing to report."""
    url = urlsplit(request.server)
    address = _address(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    flows, rtt = _connect(address, FLOWS)
    try:
        test = Transfer(request, direction, flows, rtt, address)
        try:
            return test.run(_request_head(direction, url.path.rstrip("/"), url.netloc))
        finally:
            spent[direction] = test.spent()
    finally:
        for flow in flows:  # RST: the server must stop at once
            flow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            flow.close()


class Transfer:
    """The flows of one direction, sampled until the plateau knows."""

    def __init__(
        self, request: Request, direction: Direction, flows: list[socket.socket], rtt: float, address: tuple[str, int]
    ) -> None:
        self._request, self._direction, self._flows, self._rtt, self._address = request, direction, flows, rtt, address
        self._plateau = Plateau(rtt=rtt, min_seconds=MIN_SECONDS[request.test_class])
        self._own = 0
        self._own_samples: list[tuple[float, int]] = []
        self._loaded: list[float] = []
        self._probe: tuple[socket.socket, float] | None = None
        self._interface = request.interface or (route.interface if (route := default_route()) else "")
        self._watch = False

    def run(self, head: bytes) -> Measured:
        """Fill the line until it is known, or the time or the bytes are spent."""
        before = self._before = self._counter()
        cpu = time.process_time()
        begun = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for flow in self._flows:
                flow.send(head)
                selector.register(flow, selectors.EVENT_READ if self._direction == "down" else selectors.EVENT_WRITE)
            stop = self._pump(selector, begun, before)
        seconds = time.monotonic() - begun
        busy = (time.process_time() - cpu) / seconds
        return self._measured(stop, seconds, before, cpu_limited=busy > 0.85)

    def _pump(self, selector: selectors.BaseSelector, begun: float, before: int | None) -> str:
        next_tick = begun + TICK_SECONDS
        deadline = begun + MAX_SECONDS[self._request.test_class] + (1.0 if self._rtt > 0.06 else 0.0)
        while True:
            for key, _ in selector.select(max(0.0, next_tick - time.monotonic())):
                self._serve(cast("socket.socket", key.fileobj))
            now = time.monotonic()
            if now < next_tick:
                continue
            next_tick = now + TICK_SECONDS
            self._probe_latency(now)
            if self._sample(now, begun, before) is not None:
                return "converged"
            if self._spent(before) >= self._request.max_bytes:
                return "cap"
            if now > deadline:
                return "time"

    def _serve(self, flow: socket.socket) -> None:
        try:
            if self._direction == "down":
                got = len(flow.recv(len(_BLOCK)))
                if got == 0:
                    raise Unreachable("the server closed the flow", reason="closed")
                self._own += got
            else:
                flow.send(_BLOCK)
        except BlockingIOError:
            return
        except OSError as problem:
            raise Unreachable("a flow broke", reason="reset") from problem

    def _sample(self, now: float, begun: float, before: int | None) -> float | None:
        if self._direction == "up":
            self._own = sum(_delivered(flow) for flow in self._flows)
        if self._own == 0:
            if now - begun > _FIRST_BYTE_SECONDS:
                raise TimedOut("no byte came", reason="no_data")
            return None
        self._own_samples.append((now, self._own))
        signal = self._own
        if self._direction == "down" and before is not None:
            counted = (self._counter() or 0) - before
            self._watch = self._watch or counted >= self._own  # hardware offload hides bytes from the counter
            signal = int(counted * PAYLOAD_SHARE) if self._watch else self._own
        return self._plateau.add(now, signal)

    def _measured(self, stop: str, seconds: float, before: int | None, *, cpu_limited: bool) -> Measured:
        rate = self._plateau.rate or self._plateau.last_resort()
        if not rate and stop == "cap":  # so fast that the bytes were spent before a second look: at least this
            rate = self._own / seconds
        if not rate:
            raise TimedOut("too little came to tell a rate", reason="no_data")
        signal = "delivered" if self._direction == "up" else "interface" if self._watch else "app"
        return Measured(
            line_bytes_per_second=round(rate),
            own_bytes_per_second=round(_own_rate(self._own_samples) or rate),
            converged=stop == "converged",
            stop=stop,
            seconds=round(seconds, 3),
            wire_bytes=self._spent(before),
            rtt_idle_seconds=round(self._rtt, 5),
            rtt_loaded_seconds=self._loaded_median(),
            retransmit_ratio=_retransmits(self._flows) if self._direction == "up" else None,
            cpu_limited=cpu_limited,
            variable=self._plateau.variable(),
            signal=signal,
        )

    def spent(self) -> int:
        """Bytes on the line so far, in the direction tested."""
        return self._spent(self._before)

    _before: int | None = None

    def _counter(self) -> int | None:
        counts = interface_bytes(self._interface) if self._interface else None
        return None if counts is None else counts[0 if self._direction == "down" else 1]

    def _spent(self, before: int | None) -> int:
        own = int(self._own / PAYLOAD_SHARE)
        counted = (self._counter() or 0) - before if before is not None else 0
        return max(counted, own)

    def _probe_latency(self, now: float) -> None:
        if self._probe is None:
            if not self._own_samples or now - self._last_probe < _LATENCY_EVERY:
                return
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(self._address)
            self._probe, self._last_probe = (sock, now), now
            return
        sock, begun = self._probe
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_WRITE)
            done = bool(selector.select(0))
        if done or now - begun > 2:
            self._loaded.append(now - begun)
            sock.close()
            self._probe = None

    _last_probe = 0.0

    def _loaded_median(self) -> float | None:
        rest = self._loaded[len(self._loaded) // 3 :]
        return round(statistics.median(rest), 5) if rest else None


def _own_rate(samples: list[tuple[float, int]]) -> float | None:
    rest = samples[len(samples) // 3 :]
    if len(rest) < 2 or rest[-1][0] <= rest[0][0]:
        return None
    return (rest[-1][1] - rest[0][1]) / (rest[-1][0] - rest[0][0])


def _address(host: str, port: int) -> tuple[str, int]:
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as problem:
        raise Unreachable(f"{host}: no such name", reason="no_such_name") from problem
    return str(found[0][4][0]), port


def _connect(address: tuple[str, int], count: int) -> tuple[list[socket.socket], float]:
    flows, rtt = [], 0.0
    for number in range(count):
        begun = time.monotonic()
        try:
            flow = socket.create_connection(address, _CONNECT_SECONDS)
        except TimeoutError as problem:
            raise TimedOut("the server does not answer") from problem
        except OSError as problem:
            raise Unreachable("the server refuses or cannot be reached") from problem
        rtt = time.monotonic() - begun if number == 0 else rtt
        flow.setblocking(False)
        flows.append(flow)
    return flows, rtt


def _request_head(direction: Direction, path: str, host: str) -> bytes:
    if direction == "down":
        return f"GET {path}/blob HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    return (
        f"POST {path}/up HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4000000000\r\nConnection: close\r\n\r\n".encode()
    )


def _tcp_info(flow: socket.socket) -> bytes:
    return flow.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)


def _delivered(flow: socket.socket) -> int:
    """tcpi_delivered x tcpi_snd_mss (linux/tcp.h; Linux 4.19 and newer)."""
    info = _tcp_info(flow)
    return int(struct.unpack_from("<I", info, 192)[0] * struct.unpack_from("<I", info, 16)[0])


def _retransmits(flows: list[socket.socket]) -> float | None:
    infos = [_tcp_info(flow) for flow in flows]
    again = sum(struct.unpack_from("<I", info, 100)[0] * struct.unpack_from("<I", info, 16)[0] for info in infos)
    sent = sum(struct.unpack_from("<Q", info, 200)[0] for info in infos)
    return round(again / sent, 5) if sent else None


if __name__ == "__main__":
    sys.exit(main())
