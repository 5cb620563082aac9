"""Far ends on loopback that a test can open, close and make misbehave."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from agent.demo.far_end import NameServer, WebServer
from stage.process import free_port

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextlib.asynccontextmanager
async def listening(talk: Talk, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A TCP server while the block lasts; its port. Clients may break off, and none outlives the block."""
    talks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            writer.close()
            talks.discard(task)

    server = await asyncio.start_server(guarded, host, port)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks)
    await asyncio.sleep(0)  # asyncio closes the sockets at its next turn


def saying(answer: bytes) -> Talk:
    """Reads a request head, answers this, closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while (await reader.readline()).strip():
                pass
            writer.write(answer)
            await writer.drain()
        writer.close()

    return talk


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, hears, never says a word."""
    await reader.read()
    writer.close()


@contextlib.asynccontextmanager
async def far_end() -> AsyncIterator[int]:
    """The demo's throughput server, closed at the end."""
    web = WebServer()
    yield await web.serve()
    await web.close()


@contextlib.asynccontextmanager
async def names(
    answer: Callable[[bytes], bytes | None] | None = None, port: int = 0, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A name server on UDP: the demo's, or one that answers so; its port."""
    protocol = NameServer() if answer is None else Parrot(answer)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: protocol, local_addr=(host, port or free_port(socket.SOCK_DGRAM))
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        await asyncio.sleep(0)  # asyncio closes the socket at its next turn


class Parrot(asyncio.DatagramProtocol):
    """Answers each datagram with what `answer` makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answer(data)
        if reply is not None:
            self._transport.sendto(reply, addr)


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A TCP port whose queue is full: the kernel drops what comes, as a line that is cut."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]
