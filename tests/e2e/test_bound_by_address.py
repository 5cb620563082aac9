"""An uplink that is bound by its address, as before Linux 5.7: tests leave from there, by policy routing."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stage.hops import PAGE, Hops
from stage.parts import ROOT

LTE, SERVER = "192.168.20.2", f"http://{PAGE}:81"
FAR_END = f"""
import asyncio, sys

async def talk(reader, writer):
    print(writer.get_extra_info("peername")[0], flush=True)
    try:
        if (await reader.readuntil(b"\\r\\n\\r\\n")).startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4000000000\\r\\n\\r\\n")
            while True:
                writer.write(bytes(16384))
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
        while await reader.read(16384):
            await asyncio.sleep(0.02)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(talk, "{PAGE}", 81, limit=16384)
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
BIND = """
import errno, socket
from collectors.via import leave_by
from tests.devices import old_kernel

old_kernel.grow_old()
for family in (socket.AF_INET, socket.AF_INET6):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        leave_by(sock, "lte")
        print(sock.getsockname()[0])
with socket.socket() as sock:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
"""
MEASURE = f"""
import asyncio, json
from collectors.internet.engines import Request, child
from tests.devices import old_kernel

child.command = old_kernel.command
result = asyncio.run(child.measure(Request("{SERVER}", interface="lte", max_bytes=20_000_000)))
print(json.dumps(result.plain()))
"""
TEST = """
import asyncio, json, subprocess, tempfile, time
from datetime import UTC, datetime
from pathlib import Path
from collectors.internet import Config, ThroughputConfig
from collectors.internet.budget import Budget
from collectors.internet.engines import child
from collectors.internet.history import History
from collectors.internet.throughput import Throughput
from telemetry import catalogue as names
from tests.devices import old_kernel

async def main(folder):
    child.command = old_kernel.command
    settings = ThroughputConfig({server!r}, opens_hour=0, closes_hour=24, hold_after_start_seconds=0)
    config = Config(interface="lte", throughput=settings)
    history = History(folder / "tests.json")
    history.lessons.first_test = history.lessons.last_pair = time.time()
    line = Throughput(config, Budget(folder / "b.json", 10**10), history, "site", asyncio.Event(), clean=lambda: True)
    line.start_if_due(datetime.now(UTC))
    await asyncio.sleep(0.3)
    for words in {meanwhile!r}:
        subprocess.run(words.split(), check=True)
    await line.task
    found = list(line.readings(datetime.now(UTC)))
    print(json.dumps({{
        "rates": sum(one.metric is names.NET_THROUGHPUT for one in found),
        "results": [one.series.labels[1] for one in found if one.metric is names.NET_TESTS],
        "bytes": sum(one.value for one in found if one.metric is names.NET_TEST_BYTES),
    }}))

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
"""


@pytest.fixture(scope="module")
def hops() -> Iterator[Hops]:
    """`lan` has the default route; what comes from the address of `lte` goes by `lte`."""
    with Hops() as bed:
        bed.cable("lte", "site", f"{LTE}/24", "provider", "192.168.20.1/24")
        bed.run(
            "site", "ip route add default via 192.168.20.1 dev lte metric 700", f"ip rule add from {LTE} table 20",
            "ip route add default via 192.168.20.1 dev lte table 20", "ip -6 addr add 2001:db8:20::2/64 dev lte nodad",
        )  # fmt: skip
        yield bed


@pytest.fixture
def far_end(hops: Hops, tmp_path: Path) -> Iterator[Path]:
    """A server of 4 x 6 Mbit/s behind the provider; the file holds from where it was asked."""
    peers = tmp_path / "peers"
    with peers.open("w") as file:
        server = subprocess.Popen(
            hops.inside("world", [sys.executable, "-c", FAR_END]), stdout=file, stdin=subprocess.DEVNULL, cwd=ROOT
        )
    try:
        until = time.monotonic() + 30
        while "ready" not in peers.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        yield peers
    finally:
        server.kill()
        server.wait(10)


def received(hops: Hops, interface: str) -> int:
    return int(hops.run_python("site", f"print(open('/sys/class/net/{interface}/statistics/rx_bytes').read())"))


def test_where_the_device_is_refused_a_socket_has_the_address_of_its_interface(hops: Hops) -> None:
    assert hops.run_python("site", BIND).split() == [LTE, "2001:db8:20::2"]


def test_the_test_comes_from_that_address_and_over_that_interface(hops: Hops, far_end: Path) -> None:
    before = {name: received(hops, name) for name in ("lte", "lan")}
    found: dict[str, Any] = json.loads(hops.run_python("site", MEASURE))
    assert found["failed"] == {}
    assert set(far_end.read_text().split()) == {"ready", LTE}
    assert found["down"]["signal"] == "interface", "the counter of lte has seen it"
    assert received(hops, "lte") - before["lte"] >= 0.9 * found["down"]["wire_bytes"] > 100_000
    assert received(hops, "lan") - before["lan"] < 50_000


def test_a_test_whose_uplink_stays_is_told(hops: Hops, far_end: Path) -> None:
    found = json.loads(hops.run_python("site", TEST.format(server=SERVER, meanwhile=[])))
    assert found["rates"] == 4
    assert "discarded" not in found["results"]
    assert set(far_end.read_text().split()) == {"ready", LTE}


def test_a_test_whose_carrier_changed_is_discarded_and_paid(hops: Hops, far_end: Path) -> None:
    moved = ["ip route replace default via 192.168.20.9 dev lte metric 700 onlink"]
    try:
        found = json.loads(hops.run_python("site", TEST.format(server=SERVER, meanwhile=moved)))
    finally:
        hops.run("site", "ip route replace default via 192.168.20.1 dev lte metric 700")
    assert (found["rates"], found["results"]) == (0, ["discarded"])
    assert found["bytes"] > 100_000
    assert far_end.read_text().count(LTE) >= 4
