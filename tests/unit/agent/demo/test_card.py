"""The simulated card itself, asked by net-snmp's own tools where they are another's work."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo import ber, ups
from agent.demo.card import Card
from collectors.snmp import Session
from collectors.ups.poll import Card as Poll
from tests.devices.cards import served

VALUES = ups.identity() | ups.on_mains()


def _request(*oids: str, tag: int = ber.GET, version: int = 1, community: bytes = b"public") -> bytes:
    rows = b"".join(ber.element(ber.SEQUENCE, ber.oid(ber.dotted(oid)) + ber.element(ber.NULL, b"")) for oid in oids)
    head = ber.integer(77) + ber.integer(0) + ber.integer(0)
    pdu = ber.element(tag, head + ber.element(ber.SEQUENCE, rows))
    return ber.element(ber.SEQUENCE, ber.integer(version) + ber.element(ber.OCTETS, community) + pdu)


def _sent(card: Card, *datagrams: bytes) -> list[bytes | None]:
    """The answer to each datagram; None where there is none within a moment."""

    async def run() -> list[bytes | None]:
        async with served(card) as at:
            loop = asyncio.get_running_loop()
            answers: list[bytes | None] = []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.setblocking(False)
                await loop.sock_connect(client, (at.host, at.port))
                for datagram in datagrams:
                    await loop.sock_sendall(client, datagram)
                    try:
                        async with asyncio.timeout(0.05):
                            answers.append(await loop.sock_recv(client, 65_535))
                    except TimeoutError:
                        answers.append(None)
            return answers

    return asyncio.run(run())


def _error(answer: bytes | None) -> tuple[int, int]:
    assert answer is not None
    (message,) = ber.items(answer)
    _, _, pdu = ber.items(message.body)
    request_id, status, index, _ = ber.items(pdu.body)
    assert (pdu.tag, ber.to_int(request_id.body)) == (ber.RESPONSE, 77)
    return ber.to_int(status.body), ber.to_int(index.body)


def test_a_missing_object_is_an_error_in_version_1_and_a_value_in_version_2c() -> None:
    wanted = ("1.3.6.1.2.1.1.1.0", "1.3.6.1.4.1.99999.1.0")
    first, second = _sent(Card(VALUES), _request(*wanted, version=0), _request(*wanted, version=1))
    assert (_error(first), _error(second)) == ((2, 2), (0, 0))


@pytest.mark.parametrize(
    "datagram",
    [b"", b"\x30", b"\x30\x00", b"\x30\x02\x02\x00", _request("1.3.6")[:-4], _request("1.3", community=b"x"),
     _request("1.3.6.1", tag=ber.SET), b"\xff" * 60],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_question_of_ours_is_not_answered_and_does_no_harm(datagram: bytes) -> None:
    card = Card(VALUES)
    nothing, something = _sent(card, datagram, _request("1.3.6.1.2.1.1.1.0"))
    assert (nothing, _error(something)) == (None, (0, 0))


@given(st.binary(max_size=60))
def test_any_datagram_is_answered_or_dropped(data: bytes) -> None:
    card = Card(VALUES)
    card.connection_made(_Mute())
    for one in (data, ber.element(ber.SEQUENCE, data), _damaged(data)):
        card.datagram_received(one, ("127.0.0.1", 9))


class _Mute:
    """A transport that forgets what it is given to send."""

    def sendto(self, data: bytes, addr: object) -> None:
        """Forget."""


def _damaged(data: bytes) -> bytes:
    whole = _request("1.3.6.1.2.1.1.1.0")
    place = len(data) % len(whole)
    return whole[:place] + data + whole[place + 1 :]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda card: card.update(ups.on_battery(seconds=60, runtime_minutes=4, charge=30)), "on_battery"),
        (lambda card: card.update(ups.on_mains()), "online"),
    ],
)
def test_the_scripted_ups_is_one_that_the_collector_believes(change: Callable[[Card], None], status: str) -> None:
    async def read() -> None:
        card = Card(VALUES)
        change(card)
        async with served(card) as at, Session(at) as session:
            state = await Poll(session).read()
        assert (state.status, [one.rule for one in state.rejected if one.rule != "zero_frequency"]) == (status, [])
        assert "imulated" in (state.model or "")

    asyncio.run(read())
