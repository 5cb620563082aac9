"""A simulated far end of the line: a name server, a 204 page, and a throughput server that is as slow as a DSL line."""

import asyncio
from typing import Any

DOWN_BYTES_PER_SECOND = 2_500_000  # 20 Mbit/s
_CHUNK = bytes(16 * 1024)
_TICK_SECONDS = 0.005
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
    """GET /generate_204, GET /blob, POST /up; all flows together share one rate."""

    def __init__(self) -> None:
        self._credit = asyncio.Semaphore(0)
        self._waiting = 0

    async def serve(self) -> int:
        """Listen on a free loopback port; returns it."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        self._pacer = asyncio.create_task(self._pace())
        return port

    async def _pace(self) -> None:
        """One permit a chunk, at the rate of the line, while somebody waits."""
        owed = 0.0
        while True:
            await asyncio.sleep(_TICK_SECONDS if self._waiting else 0.2)
            owed = min(owed + DOWN_BYTES_PER_SECOND * _TICK_SECONDS / len(_CHUNK), 4.0) if self._waiting else 0.0
            while owed >= 1:
                self._credit.release()
                owed -= 1

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._waiting += 1
        try:
            line = await reader.readline()
            while (await reader.readline()).strip():
                pass
            await self._answer(line.split(), reader, writer)
        except (OSError, ValueError, asyncio.CancelledError):  # the client went away, or the demo ends
            pass
        finally:
            self._waiting -= 1
            writer.close()

    async def _answer(self, words: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match words[:2]:
            case [b"GET", b"/blob"]:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
                while True:
                    await self._credit.acquire()
                    writer.write(_CHUNK)
                    await writer.drain()
            case [b"POST", b"/up"]:
                while True:
                    await self._credit.acquire()
                    if not await reader.read(len(_CHUNK)):
                        return
            case _:
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()


async def serve_names() -> int:
    """Start the name server; returns its UDP port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port: int = transport.get_extra_info("sockname")[1]
    return port
