"""A line without IPv4, with routers on the way: found, asked and judged as one of IPv4."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.measure.line import Watch
from collectors.internet.targets import ANYCAST_OF_IPV6
from stage.hops import Hops

PATIENCE_SECONDS = 90.0
PROVIDER, NAME_SERVER, PAGE = "2001:db8:2::1", "2401:1d00::53", "2001:db8:80::80"
ADDRESSES = (
    ("site", "2001:db8:1::2/64", "lan"),
    ("gateway", "2001:db8:1::1/64", "lan"),
    ("gateway", "2001:db8:2::2/64", "access"),
    ("provider", f"{PROVIDER}/64", "access"),
    ("provider", "2001:db8:3::1/64", "core"),
    ("provider", f"{NAME_SERVER}/128", "lo"),
    ("world", "2001:db8:3::2/64", "core"),
    ("world", f"{PAGE}/128", "lo"),
    *(("world", f"{one.host}/128", "lo") for one in ANYCAST_OF_IPV6),
)
ROUTES = (
    ("site", "default via 2001:db8:1::1"),
    ("gateway", f"default via {PROVIDER}"),
    ("provider", "default via 2001:db8:3::2"),
    ("provider", "2001:db8:1::/64 via 2001:db8:2::2"),
    ("world", "default via 2001:db8:3::1"),
)
ASK = """
import asyncio, json
from collectors.echo import Echo, icmp_allowed
from collectors.internet.hops import find_access, hop
from collectors.internet.route import default_route

async def main():
    assert icmp_allowed()
    echo = Echo("2001:db8:80::80", "lan")
    rtts = [await echo.ask() for _ in range(4)]
    echo.close()
    ways = [await hop("2001:db8:80::80", ttl, "lan") for ttl in (1, 2, 3, 4)]
    access = await find_access("2001:db8:80::80")
    route = default_route()
    print(json.dumps({
        "rtts": rtts, "ways": [one and one.address for one in ways], "access": [access.address, access.ttl],
        "route": [route.interface, route.gateway],
    }))

asyncio.run(main())
"""


class Bed(NamedTuple):
    hops: Hops
    watch: Watch


def well(line: dict[str, Any]) -> bool:
    return line["fault"] == "none"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with ExitStack() as stack:
        hops = stack.enter_context(Hops())
        for part, address, interface in ADDRESSES:
            hops.run(part, f"ip -4 addr flush dev {interface}", f"ip -6 addr add {address} dev {interface} nodad")
        for part in ("gateway", "provider", "world"):
            hops.run(part, "sysctl -qw net.ipv6.conf.all.forwarding=1", "sysctl -qw net.ipv6.icmp.ratelimit=0")
        for part, route in ROUTES:
            hops.run(part, f"ip -6 route add {route}")
        hops.serve("names of IPv6", "provider", "names", NAME_SERVER)
        hops.serve("page of IPv6", "world", "page", PAGE)
        config = {
            "interface": "lan",
            "resolvers": [NAME_SERVER],
            "check_url": f"http://[{PAGE}]/",
            "probe_seconds": 0.5,
            "interval_seconds": 2.0,
        }
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        watch = stack.enter_context(Watch(hops, config, Path(scratch)))
        assert watch.until(well, PATIENCE_SECONDS) is not None, watch.last
        yield Bed(hops, watch)


def test_echo_and_hops_are_answered_over_ipv6(bed: Bed) -> None:
    found = json.loads(bed.hops.run_python("site", ASK))
    assert all(0 < rtt < 1 for rtt in found["rtts"])
    assert found["ways"] == ["2001:db8:1::1", PROVIDER, None, None]
    assert found["access"] == [PROVIDER, 2]
    assert found["route"] == ["lan", "2001:db8:1::1"]


def test_everybody_on_the_way_answers_and_all_is_well(bed: Bed) -> None:
    line = bed.watch
    assert line.until(lambda now: "access" in now["targets"] and well(now), PATIENCE_SECONDS) is not None, line.last
    assert {one["method"] for name, one in line.last["targets"].items() if name != "access"} == {"icmp"}
    assert line.last["evidence"]["web"] == "ok"
    assert line.last["evidence"]["dns"] == "1/1"


def test_a_cut_behind_the_provider_is_his(bed: Bed) -> None:
    bed.watch.forget()
    bed.hops.run("provider", "ip -6 route del default via 2001:db8:3::2", "ip -6 route add blackhole default")
    try:
        assert bed.watch.wait("isp", PATIENCE_SECONDS) is not None, bed.watch.last
        assert bed.watch.seen <= {"none", "isp"}
    finally:
        bed.hops.run("provider", "ip -6 route del blackhole default", "ip -6 route add default via 2001:db8:3::2")
    assert bed.watch.until(well, PATIENCE_SECONDS) is not None, bed.watch.last
