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


def test_only_configured_addresses_count_and_at_most_one_a_second() -> None:
    now, woken = [100.0], []
    listener = Listener(lambda: now[0])
    listener.register("192.0.2.1", lambda: woken.append(now[0]))
    for address, after in (("192.0.2.9", 0.0), ("192.0.2.1", 0.0), ("192.0.2.1", 0.5), ("192.0.2.1", 0.6)):
        now[0] += after
        listener.datagram_received(trap(1, 0xA7), (address, 162))
    assert woken == [100.0, 101.1]


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
