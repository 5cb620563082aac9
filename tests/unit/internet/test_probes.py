"""One question, one answer, against real servers on loopback."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from collectors.probes import Web, connect, generate_204, resolve
from stage.process import free_port
from tests.unit.internet import servers

NAME = "example.com"
GARBAGE: list[Callable[[bytes], bytes | None]] = [
    lambda _: b"",
    lambda _: b"\x00",
    lambda query: query,  # an echo: the answer bit is not set
    lambda query: bytes(2) + b"\x81\x80" + query[4:],  # another question's answer
    lambda query: query[:2] + b"\x81",
]


def test_a_tcp_connect_is_timed() -> None:
    async def story() -> float | None:
        async with servers.listening(servers.saying(b"")) as port:
            return await connect("127.0.0.1", port)

    rtt = asyncio.run(story())
    assert rtt is not None
    assert 0 < rtt < 1


def test_a_refusal_is_an_answer_of_the_machine() -> None:
    rtt = asyncio.run(connect("127.0.0.1", free_port()))
    assert rtt is not None
    assert 0 < rtt < 1


@pytest.mark.parametrize("host", ["", "no such host", "256.0.0.1"])
def test_an_address_that_cannot_be_is_no_answer_and_no_error(host: str) -> None:
    assert asyncio.run(connect(host, 80)) is None
    assert asyncio.run(resolve(host, NAME)) is None


def test_an_interface_that_is_not_there_is_no_answer_and_no_error() -> None:
    async def story() -> list[object]:
        async with servers.listening(servers.saying(servers.NO_CONTENT)) as port, servers.names() as dns:
            return [
                await connect("127.0.0.1", port, "none-such"),
                await resolve(f"127.0.0.1#{dns}", NAME, "none-such"),
                await generate_204("127.0.0.1", port, "/", "none-such"),
            ]

    assert asyncio.run(story()) == [None, None, ("failed", None)]


def test_each_question_can_be_bound_to_an_interface() -> None:
    async def story() -> tuple[float | None, float | None, Web]:
        async with servers.listening(servers.saying(servers.NO_CONTENT)) as port, servers.names() as dns:
            page, _ = await generate_204("127.0.0.1", port, "/", "lo")
            return await connect("127.0.0.1", port, "lo"), await resolve(f"127.0.0.1#{dns}", NAME, "lo"), page

    tcp, dns, page = asyncio.run(story())
    assert tcp is not None
    assert dns is not None
    assert page == "ok"


@pytest.mark.parametrize("code", [0, 3])
def test_a_name_server_that_says_yes_or_no_such_name_is_timed(code: int) -> None:
    async def story() -> float | None:
        async with servers.names(lambda query: query[:2] + bytes((0x81, 0x80 | code)) + query[4:]) as port:
            return await resolve(f"127.0.0.1#{port}", NAME)

    rtt = asyncio.run(story())
    assert rtt is not None
    assert 0 < rtt < 1


@pytest.mark.parametrize("code", [1, 2, 5])
def test_a_name_server_that_fails_or_refuses_resolves_nothing(code: int) -> None:
    async def story() -> float | None:
        async with servers.names(lambda query: query[:2] + bytes((0x81, 0x80 | code)) + query[4:]) as port:
            return await resolve(f"127.0.0.1#{port}", NAME)

    assert asyncio.run(story()) is None


def test_the_question_is_a_recursive_a_query_for_the_name() -> None:
    seen: list[bytes] = []

    def answer(query: bytes) -> bytes:
        seen.append(query)
        return query[:2] + b"\x81\x83" + query[4:]

    async def story() -> None:
        async with servers.names(answer) as port:
            await resolve(f"127.0.0.1#{port}", "example.com.")

    asyncio.run(story())
    assert seen[0][2:] == b"\x01\x00\x00\x01" + bytes(6) + b"\x07example\x03com\x00\x00\x01\x00\x01"


def test_nobody_at_the_name_servers_port_is_known_at_once() -> None:
    begun = time.monotonic()
    assert asyncio.run(resolve(f"127.0.0.1#{free_port()}", NAME)) is None
    assert time.monotonic() - begun < 1


def test_silence_and_garbage_are_no_answer_within_their_time() -> None:
    """All at once: each of them takes its full 2 or 4 seconds."""

    async def story() -> list[object]:
        async with contextlib.AsyncExitStack() as stack:
            mute = await stack.enter_async_context(servers.listening(servers.mute))
            deaf = stack.enter_context(servers.deaf())
            ports = [await stack.enter_async_context(servers.names(answer)) for answer in (lambda _: None, *GARBAGE)]
            return list(
                await asyncio.gather(
                    connect("127.0.0.1", deaf),
                    generate_204("127.0.0.1", mute, "/"),
                    generate_204("127.0.0.1", deaf, "/"),
                    *(resolve(f"127.0.0.1#{port}", NAME) for port in ports),
                )
            )

    begun = time.monotonic()
    found = asyncio.run(story())
    assert found == [None, ("failed", None), ("failed", None), *[None] * (1 + len(GARBAGE))]
    assert time.monotonic() - begun < 5.5


def test_garbage_before_the_answer_is_passed_over() -> None:
    class Twice(servers.Parrot):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self._transport.sendto(b"noise", addr)
            super().datagram_received(data, addr)

    async def story() -> float | None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Twice(lambda query: query[:2] + b"\x81\x80" + query[4:]), local_addr=("127.0.0.1", 0)
        )
        try:
            return await resolve(f"127.0.0.1#{transport.get_extra_info('sockname')[1]}", NAME)
        finally:
            transport.close()
            await asyncio.sleep(0)

    assert asyncio.run(story()) is not None


@pytest.mark.parametrize(
    ("answer", "web"),
    [
        (servers.NO_CONTENT, "ok"),
        (b"HTTP/1.0 204 No Content\r\n\r\n", "ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlogin", "captive"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", "captive"),
        (b"HTTP/1.1 511 Network Authentication Required\r\n\r\n", "captive"),
        (b"", "failed"),
        (b"\r\n", "failed"),
        (b"204 No Content\r\n", "failed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "failed"),
        (b"HTTP/1.1\r\n", "failed"),
        (b"HTTP/1.1 " + b"2" * 9000, "failed"),
    ],
)
def test_a_page_that_should_be_204_tells_line_portal_and_failure_apart(answer: bytes, web: Web) -> None:
    async def story() -> tuple[Web, float | None]:
        async with servers.listening(servers.saying(answer)) as port:
            return await generate_204("127.0.0.1", port, "/generate_204")

    found, took = asyncio.run(story())
    assert found == web
    assert (took is None) == (web == "failed")


def test_a_page_whose_server_is_closed_has_failed() -> None:
    assert asyncio.run(generate_204("127.0.0.1", free_port(), "/")) == ("failed", None)
