"""The http engine against far ends that behave, and against those that do not."""

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest

from agent.demo.far_end import DOWN_BYTES_PER_SECOND
from collectors.internet.engines import Request, Result, child
from stage.process import free_port
from tests.devices import blind
from tests.unit.internet import servers

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n"
MEGABYTE = 10**6
FarEnd = Callable[[], AbstractAsyncContextManager[int]]


async def measured(port: int, path: str = "", **asked: object) -> Result:
    request = msgspec.convert({"server": f"http://127.0.0.1:{port}{path}", **asked}, Request)
    return await child.measure(request)


@contextlib.asynccontextmanager
async def dead() -> AsyncIterator[int]:
    yield free_port()


@contextlib.asynccontextmanager
async def black_hole() -> AsyncIterator[int]:
    with servers.deaf() as port:
        yield port


async def stalling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Some of the body, then nothing, for as long as the client stays."""
    writer.write(OK + bytes(300_000))
    with contextlib.suppress(OSError):
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(300_000)
        await asyncio.sleep(60)
    writer.close()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """RST after some of the body."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + bytes(MEGABYTE))
        await asyncio.wait_for(reader.read(MEGABYTE), 0.3)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def listening(talk: servers.Talk) -> FarEnd:
    return lambda: servers.listening(talk)


DRILLS: dict[str, tuple[FarEnd, str]] = {
    "server dead": (dead, "unreachable"),
    "black hole": (black_hole, "timed_out"),
    "reset in the middle": (listening(resetting), "reset"),
    "403": (listening(servers.saying(b"HTTP/1.1 403 Forbidden\r\n\r\n")), "http_403"),
    "busy": (listening(servers.saying(b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\n")), "server_busy"),
    "not HTTP": (listening(servers.saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")), "not_http"),
    "an endless head": (listening(servers.saying(b"HTTP/1.1 200 OK\r\nX: " + bytes(40_000))), "not_http"),
    "silence": (listening(servers.mute), "no_data"),
    "the body stalls": (listening(stalling), "stalled"),
    "nothing but a goodbye": (listening(servers.saying(b"")), "closed"),
}


@pytest.mark.parametrize("drill", DRILLS)
def test_a_far_end_that_fails_is_a_reason_within_15_seconds_and_never_a_number(drill: str) -> None:
    far_end, reason = DRILLS[drill]

    async def story() -> tuple[Result, float]:
        async with far_end() as port:
            begun = time.monotonic()
            return await measured(port, directions=("down",)), time.monotonic() - begun

    result, seconds = asyncio.run(story())
    assert (result.down, result.up) == (None, None)
    assert result.failed["down"] == reason
    assert seconds < 15


@pytest.mark.parametrize("drill", ["server dead", "black hole", "reset in the middle", "403", "the body stalls"])
def test_an_upload_that_fails_is_a_reason_within_15_seconds_and_never_a_number(
    drill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "command", blind.command)  # what this machine sends elsewhere is no part of it
    far_end, reason = DRILLS[drill]

    async def story() -> tuple[Result, float]:
        async with far_end() as port:
            begun = time.monotonic()
            return await measured(port, directions=("up",)), time.monotonic() - begun

    result, seconds = asyncio.run(story())
    assert result.up is None
    assert result.failed["up"] in (reason, "reset"), "a server that closes before it has read resets the flow"
    assert seconds < 15


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("http://no-such-host.invalid/", "no_such_name"),
        ("https://127.0.0.1/", "bad_url"),
        ("ftp://127.0.0.1/", "bad_url"),
        ("127.0.0.1", "bad_url"),
        ("http://", "bad_url"),
        ("http://127.0.0.1:99999/", "bad_url"),
    ],
)
def test_a_server_that_cannot_be_named_is_a_reason(server: str, reason: str) -> None:
    result = asyncio.run(child.measure(Request(server)))
    assert result.failed == {"down": reason, "up": reason}


def test_an_interface_that_does_not_exist_is_a_reason_and_never_another_uplinks_number() -> None:
    async def story() -> Result:
        async with servers.listening(servers.saying(OK + bytes(MEGABYTE))) as port:
            return await measured(port, interface="no-such")

    result = asyncio.run(story())
    assert (result.down, result.up) == (None, None)
    assert result.failed == dict.fromkeys(("down", "up"), f"os_error_{errno.ENODEV}")


def test_one_direction_may_fail_alone() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes uploads, has no blob."""
        with contextlib.suppress(OSError):
            if (await reader.readline()).startswith(b"GET"):
                writer.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
            async for _ in reader:
                pass
        writer.close()

    async def story() -> Result:
        async with servers.listening(talk) as port:
            return await measured(port, max_bytes=5 * MEGABYTE)

    result = asyncio.run(story())
    assert result.failed == {"down": "http_404"}
    assert result.down is None
    assert result.up is not None


def test_a_child_that_hangs_is_killed_and_charged_and_what_it_told_before_stands() -> None:
    """The download is refused at once; the upload has no end for this parent's patience."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readline()).startswith(b"GET"):
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        await asyncio.sleep(60)

    async def story() -> Result:
        async with servers.listening(talk) as port:
            request = Request(f"http://127.0.0.1:{port}", max_bytes=7 * MEGABYTE)
            return await child.measure(request, patience_seconds=2.0)

    result = asyncio.run(story())
    assert result.failed == {"down": "http_403", "up": "timed_out"}
    assert result.spent_bytes["up"] == 7 * MEGABYTE


def test_a_librespeed_back_end_can_be_the_far_end() -> None:
    """Its PHP takes 20 MB a POST: the engine sends one after the other on the same flow."""
    asked: list[bytes] = []
    bodies: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked.append(head.split(b"\r\n")[0])
                if head.startswith(b"GET"):
                    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in range(400):
                        writer.write(bytes(100_000))
                        await writer.drain()
                        await asyncio.sleep(0.01)
                left = length(head)
                while left:
                    left -= len(await reader.readexactly(min(left, 500_000)))
                bodies.append(length(head))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    def length(head: bytes) -> int:
        return int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])

    async def story() -> Result:
        async with servers.listening(talk) as port:
            return await measured(port, "/backend/garbage.php", max_bytes=200 * MEGABYTE, test_class="sustained")

    result = asyncio.run(story())
    assert result.failed == {}
    assert set(asked) == {b"GET /backend/garbage.php?ckSize=1024 HTTP/1.1", b"POST /backend/empty.php HTTP/1.1"}
    assert set(bodies) == {20_000_000}


def test_a_slow_contract_is_tested_with_two_flows() -> None:
    flows: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if line:  # not one of the probes of the round trip
            flows.append(line)
        writer.close()

    async def story(contract: float) -> int:
        flows.clear()
        async with servers.listening(talk) as port:
            await measured(port, directions=("down",), contract_down=contract)
        return len(flows)

    assert asyncio.run(story(4 * 125_000)) == 2
    assert asyncio.run(story(8 * 125_000)) == 4


def test_the_demo_s_far_end_is_measured_as_the_line_that_it_plays() -> None:
    async def story() -> Result:
        async with servers.far_end() as port:
            return await measured(port, test_class="sustained")

    result = asyncio.run(story())
    assert result.failed == {}
    assert result.down is not None
    assert result.up is not None
    assert result.down.own_bytes_per_second == pytest.approx(DOWN_BYTES_PER_SECOND, rel=0.5)
