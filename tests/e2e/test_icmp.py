"""Echo and hops with a real kernel at both ends: here, where ICMP may be used, and with routers on the way."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stage.hops import PROVIDER, Hops

ECHO = """
import asyncio, json
from collectors.echo import Echo, icmp_allowed

async def main():
    assert icmp_allowed()
    echo, said, ids = Echo({host!r}, {interface!r}), [], []
    for _ in range({times}):
        said.append(await echo.ask())
        if echo._sock is not None:
            ids.append(echo._sock.getsockname()[1])
        await asyncio.sleep({pause})
    print(json.dumps({{"said": said, "ids": ids, "late": echo.late, "renewals": echo.renewals}}))
    echo.close()

asyncio.run(main())
"""
HOPS = """
import asyncio, json
from collectors.internet.hops import find_access, hop

async def main():
    ways = [await hop("1.1.1.1", ttl, "lan") for ttl in (1, 2, 3, 4)]
    access = await find_access("1.1.1.1")
    print(json.dumps({"ways": [one and one.address for one in ways], "access": [access.address, access.ttl]}))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def hops() -> Iterator[Hops]:
    with Hops() as bed:
        yield bed


def ask(hops: Hops, host: str, *, interface: str = "", times: int = 1, pause: float = 0.0) -> dict[str, Any]:
    text = ECHO.format(host=host, interface=interface, times=times, pause=pause)
    said: dict[str, Any] = json.loads(hops.run_python("site", text))
    return said


def test_the_world_answers_from_one_socket_with_one_id(hops: Hops) -> None:
    found = ask(hops, "1.1.1.1", interface="lan", times=4)
    assert all(0 < rtt < 1 for rtt in found["said"])
    assert len(set(found["ids"])) == 1
    assert (found["late"], found["renewals"]) == (0, 0)


def test_after_three_losses_the_id_is_another(hops: Hops) -> None:
    """A firewall that has lost the mapping of an id swallows every answer to it."""
    hops.run("world", "ip addr add 203.0.113.99/32 dev lo", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
    try:
        found = ask(hops, "203.0.113.99", times=4)
    finally:
        hops.mend()
    assert found["said"] == [None] * 4
    assert found["renewals"] == 1
    first, second, last = found["ids"]
    assert first == second != last


def test_an_answer_after_two_seconds_is_lost_and_counted_as_late(hops: Hops) -> None:
    hops.answer_late(2.3)
    try:
        found = ask(hops, "1.1.1.1", times=4, pause=1.0)
    finally:
        hops.mend()
    assert found["said"] == [None] * 4
    assert found["late"] >= 3
    assert found["renewals"] == 0, "its id works"


def test_no_way_is_known_at_once(hops: Hops) -> None:
    assert ask(hops, "1.1.1.1", interface="none-such")["said"] == [None]


def test_each_hop_says_who_it_is_and_the_destination_is_none(hops: Hops) -> None:
    found = json.loads(hops.run_python("site", HOPS))
    assert found["ways"] == ["192.168.10.1", PROVIDER, None, None]
    assert found["access"] == [PROVIDER, 2]
