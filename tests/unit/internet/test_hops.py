"""Which of the hops on the way is the provider's first."""

import asyncio

import pytest

from collectors.internet.hops import Hop, find_access, first_of_provider, hop, provider_owns


def way(*addresses: str) -> list[Hop]:
    return [Hop(address, ttl, 0.01) for ttl, address in enumerate(addresses, 1) if address]


@pytest.mark.parametrize(
    ("hops", "found"),
    [
        (way("192.168.1.1", "100.64.3.1", "59.103.1.1"), "100.64.3.1"),
        (way("192.168.1.1", "59.103.1.1"), "59.103.1.1"),
        (way("192.168.1.1", "192.168.0.1", "59.103.1.1"), "59.103.1.1"),  # a modem that is a router as well
        (way("192.168.1.1", "10.20.0.1", "10.20.0.9"), "10.20.0.1"),  # a provider with private addresses
        (way("192.168.1.1", "", "59.103.1.1"), "59.103.1.1"),
        (way("59.103.1.1", "59.103.2.1"), "59.103.2.1"),
        (way("192.168.1.1"), None),
        (way(), None),
    ],
)
def test_the_first_hop_outside_private_networks_is_the_providers(hops: list[Hop], found: str | None) -> None:
    first = first_of_provider(hops)
    assert (first.address if first else None) == found


@pytest.mark.parametrize(
    ("address", "theirs"),
    [("59.103.0.1", True), ("100.64.0.1", True), ("192.168.0.1", False), ("10.0.0.1", False), ("127.0.0.53", False)],
)
def test_an_address_of_a_private_network_is_not_known_to_be_the_providers(address: str, theirs: bool) -> None:
    assert provider_owns(address) is theirs


def test_a_destination_that_refuses_is_no_hop_on_the_way() -> None:
    """Loopback has none."""
    assert asyncio.run(hop("127.0.0.1", 1)) is None
    assert asyncio.run(find_access("127.0.0.1", "lo")) is None


def test_an_interface_that_is_not_there_has_no_hops() -> None:
    assert asyncio.run(hop("127.0.0.1", 1, "none-such")) is None
