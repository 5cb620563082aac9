"""The http engine against stock nginx with the shipped configuration."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

from collectors.internet.engines import Request, measure
from stage.parts import ROOT
from stage.process import Part, answers, free_port, program


@pytest.fixture(scope="module")
def far_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("nginx")
    port = free_port()
    with (directory / "blob").open("wb") as blob:
        blob.truncate(4 * 2**30)
    shipped = (ROOT / "deploy/central/nginx/speedtest.conf").read_text()
    server = shipped.replace("listen 80 default_server", f"listen 127.0.0.1:{port}").replace(
        "/srv/speedtest", str(directory)
    )
    server = server.replace("location = /blob {", "location = /blob { limit_rate 5m;")  # a line of 4 x 40 Mbit/s
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(
        f"{user}daemon off;\npid {directory}/pid;\nerror_log {directory}/error.log;\n"
        f"events {{}}\nhttp {{\n{temporary}{server}}}\n"
    )
    command = [program("nginx", "nginx-light"), "-c", directory / "nginx.conf", "-p", directory]
    url = f"http://127.0.0.1:{port}"
    with Part("nginx", command, directory, answers(url + "/ip")):
        yield url


def plain_rate(url: str) -> float:
    """The referee: four curls' worth of reading for six seconds, all bytes over all time."""

    def read() -> int:
        with urlopen(url + "/blob", timeout=10) as answer:
            until, count = time.monotonic() + 6, 0
            while time.monotonic() < until:
                count += len(answer.read1(65536))
            return count

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(lambda _: read(), range(4))) / 6


def test_a_limited_line_is_measured_as_a_plain_reader_sees_it(far_end: str) -> None:
    request = Request(far_end, interface="no-such", directions=("down",), test_class="sustained")
    result = asyncio.run(measure(request))
    assert result["failed"] == {}
    assert result["down"]["own_bytes_per_second"] == pytest.approx(plain_rate(far_end), rel=0.15)
    assert result["down"]["signal"] == "app"
    assert result["down"]["wire_bytes"] > 0


def test_upload_is_counted_by_what_tcp_delivered(far_end: str) -> None:
    result = asyncio.run(measure(Request(far_end, directions=("up",), max_bytes=20_000_000)))
    assert result["failed"] == {}
    assert result["up"]["signal"] == "delivered"
    assert result["up"]["stop"] in ("converged", "cap", "time")
    assert result["up"]["wire_bytes"] < 400_000_000


def test_a_dead_server_is_a_reason_never_a_zero_rate() -> None:
    result = asyncio.run(measure(Request("http://127.0.0.1:9")))
    assert (result["down"], result["up"]) == (None, None)
    assert result["failed"] == {"down": "unreachable", "up": "unreachable"}


def test_the_command_prints_one_object_and_exits_6_when_nothing_was_measured() -> None:
    words = [sys.executable, "-m", "agent", "speedtest", "--server", "http://127.0.0.1:9", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 6
    found = json.loads(done.stdout)
    assert set(found) == {"engine", "server", "interface", "class", "down", "up", "failed"}


def test_the_command_measures(far_end: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "agent", "speedtest", "--server", far_end, "--direction", "down", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    fields = (
        "line_bytes_per_second own_bytes_per_second converged stop seconds wire_bytes rtt_idle_seconds"
        " rtt_loaded_seconds retransmit_ratio cpu_limited variable signal"
    )
    assert set(found["down"]) == set(fields.split())
