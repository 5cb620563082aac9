"""A trap makes the agent poll now; whoever else sends, and whatever it says, does nothing."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo import ber, ups
from agent.demo.card import Card
from collectors.snmp import Session
from collectors.ups.traps import Listener, looks_like_a_trap
from stage.process import free_port
from tests.devices.cards import served
from tests.devices.collector import collector


def trap(version: int, pdu: int, community: str = "public") -> bytes:
    body = ber.element(pdu, b"\x02\x01\x00" * 3 + ber.element(ber.SEQUENCE, b""))
    return ber.element(ber.SEQUENCE, ber.integer(version) + ber.element(ber.OCTETS, community.encode()) + body)


@pytest.mark.parametrize(("version", "pdu"), [(0, 0xA4), (1, 0xA7), (1, 0xA6)])
def test_a_trap_is_known_by_its_head(version: int, pdu: int) -> None:
    assert looks_like_a_trap(trap(version, pdu))


@pytest.mark.parametrize("datagram", [b"", b"0", b"hello", trap(1, ber.GET), trap(1, ber.RESPONSE), bytes(1500)])
def test_what_is_no_trap_is_none(datagram: bytes) -> None:
    assert not looks_like_a_trap(datagram)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(datagram: bytes) -> None:
    assert looks_like_a_trap(datagram) in (True, False)


CARD, TRAP = ("192.0.2.1", 161), trap(1, 0xA7)


def _woken(*datagrams: tuple[float, tuple[str, int], bytes], cards: int = 1, until: float = 2.6) -> list[float]:
    """Seconds from the first turn at which `cards` cards of one address were woken."""

    async def act() -> list[float]:
        loop, woken = asyncio.get_running_loop(), []
        listener, begun = Listener(), loop.time()
        for _ in range(cards):
            listener.register(CARD[0], lambda: woken.append(loop.time() - begun))
        for after, address, datagram in datagrams:
            loop.call_later(after, listener.datagram_received, datagram, address)
        await asyncio.sleep(until)
        listener.close()
        return woken

    return asyncio.run(act())


def test_only_configured_addresses_count() -> None:
    assert _woken((0, ("192.0.2.9", 162), TRAP), (0, CARD, b"hello"), until=0.1) == []
    assert len(_woken((0, ("192.0.2.9", 162), TRAP), (0, CARD, TRAP), until=0.1)) == 1


def test_a_flood_wakes_at_once_and_then_once_a_second() -> None:
    woken = _woken(*((number / 100, CARD, TRAP) for number in range(150)))
    assert len(woken) == 3
    assert woken[1] - woken[0] >= 0.99
    assert woken[2] - woken[1] >= 0.99


def test_a_trap_in_the_quiet_second_is_put_off_and_not_lost() -> None:
    # A test has ended, and half a second later mains fails: the card must not wait for the next regular poll.
    noise, cut = _woken((0, CARD, TRAP), (0.5, CARD, TRAP), until=1.5)
    assert cut - noise < 1.4


def test_two_cards_behind_one_address_are_both_woken() -> None:
    assert len(_woken((0, CARD, TRAP), cards=2, until=0.1)) == 2


def test_a_closed_listener_wakes_nobody() -> None:
    async def act() -> int:
        listener, woken = Listener(), []
        listener.register(CARD[0], lambda: woken.append(1))
        for _ in range(2):
            listener.datagram_received(TRAP, CARD)
        listener.close()
        await asyncio.sleep(1.2)
        return len(woken)

    assert asyncio.run(act()) == 1


def test_a_trap_of_the_card_wakes_its_collector() -> None:
    async def act() -> bool:
        port = free_port(socket.SOCK_DGRAM)
        async with (
            served(Card(ups.identity() | ups.on_mains())) as at,
            collector("rack", Session(at), trap_port=port) as reader,
        ):
            assert reader.changed is not None
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(trap(1, 0xA7), ("127.0.0.1", port))
            async with asyncio.timeout(5):
                await reader.changed.wait()
            return reader.changed.is_set()

    assert asyncio.run(act())
