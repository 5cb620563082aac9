"""A simulated far end of the line: a name server, and the four locations of deploy/central/speed on a DSL line."""

import asyncio
import socket
import time
from typing import Any

DOWN_BYTES_PER_SECOND = 2_500_000  # 20 Mbit/s
_CHUNK = bytes(8 * 1024)
_SLACK_SECONDS = 0.02
_BUFFER_BYTES = 64 * 1024  # what the kernel swallows ahead would be measured as the line
_SEGMENT_BYTES = 1448  # as on a line; loopback's own are 64 KB lumps
_DNS_FLAGS_NXDOMAIN = b"\x81\x83"


class NameServer(asyncio.DatagramProtocol):
    """Answers every question with "no such name", which is an answer."""

    def __init__(self) -> None:
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Asyncio's."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """asyncio's: one query."""
        if len(data) > 12:
            self._transport.sendto(data[:2] + _DNS_FLAGS_NXDOMAIN + data[4:], addr)


class WebServer:
    """GET /blob, POST /up, GET /generate_204, GET /ip; all flows of the first two together share one rate."""

    def __init__(self) -> None:
        self._free_at = 0.0
        self._talks: set[asyncio.Task[None]] = set()

    async def serve(self) -> int:
        """Listen on a free loopback port; returns it."""
        sock = socket.create_server(("127.0.0.1", 0))
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
        self._server = await asyncio.start_server(self._talk, sock=sock, limit=len(_CHUNK))
        port: int = sock.getsockname()[1]
        return port

    async def close(self) -> None:
        """Serve no more."""
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            line = await reader.readline()
            while (await reader.readline()).strip():
                pass
            await self._answer(line.split(), reader, writer)
        except (OSError, ValueError, asyncio.CancelledError):  # the client went away, or the demo ends
            pass
        finally:
            self._talks.discard(task)
            writer.close()

    async def _answer(self, words: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match [word.partition(b"?")[0] for word in words[:2]]:
            case [b"GET", b"/blob"]:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
                writer.transport.set_write_buffer_limits(0)
                while True:
                    await self._turn(len(_CHUNK))
                    writer.write(_CHUNK)
                    await writer.drain()
            case [b"POST", b"/up"]:
                while got := await reader.read(len(_CHUNK)):
                    await self._turn(len(got))
                return
            case [b"GET", b"/generate_204"]:
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            case [b"GET", b"/ip"]:
                address = str(writer.get_extra_info("peername")[0]).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(address), address))
            case _:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def _turn(self, size: int) -> None:
        """Wait until the line has carried what was before us, and this."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - _SLACK_SECONDS) + size / DOWN_BYTES_PER_SECOND
        await asyncio.sleep(max(0.0, self._free_at - now))


async def serve_names() -> int:
    """Start the name server; returns its UDP port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port: int = transport.get_extra_info("sockname")[1]
    return port
