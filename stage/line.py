"""A line between a gateway and the centre of the country, on loopback: slow, cut, black or half-open at will.

A TCP proxy in a thread of its own. It counts what a real line would have carried: payload and segments come
from TCP_INFO of the gateway's side, with 52 bytes of IPv4 and TCP header a segment (time stamps on) and
segments of an Ethernet's size.
"""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from msgspec import Struct

T = TypeVar("T")
_SEGMENT_BYTES = 1460
_HEADER_BYTES = 52
_SYN_EXTRA_BYTES = 16  # two SYNs carry 8 bytes of options more
_FAREWELL_SEGMENTS = 3  # FIN and what answers it come after the last look
_CHUNK = 4096
_INFO = struct.Struct("=128xQII56xQ")
"""linux/tcp.h, struct tcp_info: bytes_received, segs_out, segs_in, bytes_sent."""


class Carried(Struct, frozen=True):
    """What a line has carried: connections, segments both ways, bytes up and down with their headers."""

    connections: int = 0
    segments: int = 0
    up: int = 0
    down: int = 0

    @property
    def total(self) -> int:
        """Bytes in both directions."""
        return self.up + self.down

    def plus(self, other: "Carried", sign: int = 1) -> "Carried":
        """Both together; what came since `other` with the sign -1."""
        return Carried(
            self.connections + sign * other.connections,
            self.segments + sign * other.segments,
            self.up + sign * other.up,
            self.down + sign * other.down,
        )


class _Bucket:
    """At most `rate` bytes a second in one direction, for all connections together; no rate: no limit."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def pay(self, payload: int) -> None:
        if self._rate is not None:
            now = time.monotonic()
            size = payload + _HEADER_BYTES * -(-payload // _SEGMENT_BYTES)
            self._free_at = max(self._free_at, now) + size / self._rate
            await asyncio.sleep(self._free_at - now)


class Line:
    """Listens on `port` and carries to the port `target`; rates in bytes a second, headers counted."""

    def __init__(self, target: int, *, up_rate: float | None = None, down_rate: float | None = None) -> None:
        self._target = target
        self._up, self._down = _Bucket(up_rate), _Bucket(down_rate)
        self._flows: set[_Flow] = set()
        self._ended = Carried()
        self._loop = asyncio.new_event_loop()
        self._clear = asyncio.Event()
        self._clear.set()
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
        self.port: int = self._sock.getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # ── what can happen to a line ──────────────────────────────────────────────────────────────
    def black(self) -> None:
        """Nothing gets through in either direction, and nobody is told; new connections are not answered."""
        self._loop.call_soon_threadsafe(self._clear.clear)

    def clear(self) -> None:
        """What was held up arrives."""
        self._loop.call_soon_threadsafe(self._clear.set)

    def half_open(self) -> None:
        """The far end loses every connection; the gateway hears nothing of it."""
        self._run(self._each(_Flow.lose_far_end))

    def cut(self) -> None:
        """Both ends lose every connection."""
        self._run(self._each(_Flow.end))

    def carried(self) -> Carried:
        """So far, with the connections that are up."""
        return self._run(self._count())

    # ── in the thread ──────────────────────────────────────────────────────────────────────────
    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, sock=self._sock, limit=_CHUNK)

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        self._clear.set()
        await self._each(_Flow.end)
        await asyncio.gather(*(flow.gone.wait() for flow in self._flows))

    async def _each(self, act: Any) -> None:
        for flow in list(self._flows):
            act(flow)

    async def _count(self) -> Carried:
        total = self._ended
        for flow in self._flows:
            total = total.plus(flow.carried())
        return total

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = _Flow(writer)
        self._flows.add(flow)
        try:
            await self._clear.wait()
            far_reader, flow.far = await asyncio.open_connection("127.0.0.1", self._target, limit=_CHUNK)
            await flow.wait_for_end(
                self._pump(reader, flow.far, self._up),
                self._pump(far_reader, writer, self._down),
            )
        except OSError:
            pass  # the broker is away: the gateway sees its connection end
        finally:
            self._ended = self._ended.plus(flow.carried(ended=True))
            self._flows.discard(flow)
            flow.close()
            flow.gone.set()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bucket: _Bucket) -> None:
        while chunk := await reader.read(_CHUNK):
            await bucket.pay(len(chunk))
            await self._clear.wait()
            writer.write(chunk)
            await writer.drain()


class _Flow:
    """One connection: the gateway's side, and the far side once it is there."""

    def __init__(self, near: asyncio.StreamWriter) -> None:
        self._near = near
        self.far: asyncio.StreamWriter | None = None
        self._over = asyncio.Event()
        self.gone = asyncio.Event()
        self._half = False
        near.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def end(self) -> None:
        self._half = False
        self._over.set()

    def lose_far_end(self) -> None:
        if self.far is not None:
            self._half = True
            self.far.close()

    async def wait_for_end(self, *pumps: Coroutine[Any, Any, None]) -> None:
        """Until either side ends, or `end`; half open: until `end` or the gateway itself gives up."""
        tasks = [asyncio.create_task(pump) for pump in pumps]
        over = asyncio.create_task(self._over.wait())
        waiting = {over, *tasks}
        while over in waiting:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not self._half:
                break
            if len(waiting) == 1 and not self._near_lives():
                break
            if len(waiting) == 1:
                waiting |= {asyncio.create_task(asyncio.sleep(0.5))}
        for task in (over, *tasks, *waiting):
            task.cancel()
        await asyncio.gather(over, *tasks, return_exceptions=True)

    def _near_lives(self) -> bool:
        """Whether the gateway still holds its end: TCP_ESTABLISHED is 1."""
        sock = self._near.get_extra_info("socket")
        state: int = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state == 1

    def carried(self, *, ended: bool = False) -> Carried:
        sock = self._near.get_extra_info("socket")
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
        except OSError:
            return Carried(connections=1)
        received, out, into, sent = _INFO.unpack(info)
        farewell = _FAREWELL_SEGMENTS if ended else 0
        up = received + _HEADER_BYTES * (into + farewell // 2) + _SYN_EXTRA_BYTES // 2
        down = sent + _HEADER_BYTES * (out + farewell - farewell // 2) + _SYN_EXTRA_BYTES // 2
        return Carried(1, out + into + farewell, up, down)

    def close(self) -> None:
        for writer in (self._near, self.far):
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.transport.abort()
