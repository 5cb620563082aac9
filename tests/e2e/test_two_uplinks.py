"""Two uplinks of one gateway: each is judged and counted by what leaves by its own interface."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.measure.line import Watch
from stage.hops import NAME_SERVER, PAGE, Hops

PATIENCE_SECONDS = 90.0
SEND = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lte")
for _ in range(2000):
    sock.sendto(bytes(1000), ("1.1.1.1", 9))
"""


class Bed(NamedTuple):
    """`fibre` has the default route with the lower metric."""

    hops: Hops
    fibre: Watch
    lte: Watch


def config(name: str, interface: str) -> dict[str, Any]:
    return {
        "name": name,
        "interface": interface,
        "resolvers": [NAME_SERVER],
        "check_url": f"http://{PAGE}/",
        "probe_seconds": 0.5,
        "interval_seconds": 2.0,
    }


def well(line: dict[str, Any]) -> bool:
    return line["fault"] == "none"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with ExitStack() as stack:
        hops = stack.enter_context(Hops())
        hops.cable("lte", "site", "192.168.20.2/24", "provider", "192.168.20.1/24")
        hops.run("site", "ip route add default via 192.168.20.1 dev lte metric 700")
        watches = []
        for name, interface in (("fibre", "lan"), ("lte", "lte")):
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            watches.append(stack.enter_context(Watch(hops, config(name, interface), Path(scratch))))
        assert all(watch.until(well, PATIENCE_SECONDS) is not None for watch in watches)
        yield Bed(hops, *watches)


def wan_bytes(watch: Watch, name: str) -> float:
    assert watch.until(lambda line: bool(line["values"]), PATIENCE_SECONDS) is not None
    watch.forget()
    return float(watch.last["values"][f"centre_internet_wan_bytes_total {name} up"])


def test_what_leaves_by_one_uplink_is_counted_on_it_alone(bed: Bed) -> None:
    before = wan_bytes(bed.fibre, "fibre"), wan_bytes(bed.lte, "lte")
    bed.hops.run_python("site", SEND)
    sent = bed.lte.until(
        lambda line: line["values"]["centre_internet_wan_bytes_total lte up"] >= before[1] + 2_000_000, PATIENCE_SECONDS
    )
    assert sent is not None
    assert wan_bytes(bed.fibre, "fibre") < before[0] + 500_000


@pytest.mark.parametrize("silent", [False, True])
def test_a_cut_of_one_uplink_is_no_fault_of_the_other(bed: Bed, silent: bool) -> None:
    bed.fibre.forget()
    bed.lte.forget()
    bed.hops.cut("access", silent=silent)
    assert bed.fibre.wait("access", PATIENCE_SECONDS) is not None, bed.fibre.last
    assert bed.lte.until(well, PATIENCE_SECONDS) is not None
    assert bed.lte.seen <= {"none"}, "since before the cut"
    assert bed.lte.last["up"] is True
    bed.hops.mend()
    assert bed.fibre.until(well, PATIENCE_SECONDS) is not None, bed.fibre.last


def test_an_uplink_whose_default_route_is_not_the_best_still_knows_its_gateway(bed: Bed) -> None:
    assert "gateway" in bed.lte.last["evidence"]["lan"]
    answered, asked = bed.lte.last["evidence"]["lan"].removeprefix("gateway ").split("/")
    assert answered == asked
