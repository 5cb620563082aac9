"""The http engine against stock nginx with the shipped configuration."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

from bench.bed import sink
from collectors.internet.engines import Measured, Request, child
from collectors.internet.engines.child import measure
from stage.parts import ROOT
from stage.process import Part, answers, free_port, program
from tests.devices import blind


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def far_end(directory: Path) -> Iterator[str]:
    port = free_port()
    with (directory / "blob").open("wb") as blob:
        blob.truncate(4 * 2**30)
    server = (ROOT / "deploy/central/speed/nginx.conf").read_text()
    for shipped, here in (
        ("listen 80 default_server", f"listen 127.0.0.1:{port}; listen [::1]:{port}"),
        ("/srv/speed", str(directory)),
        ("/var/log/nginx", str(directory)),
        ("/run/speed-sink", f"{directory}/sink"),
        ("location = /blob {", "location = /blob { limit_rate 5m;"),  # a line of 4 x 40 Mbit/s
    ):
        assert shipped in server
        server = server.replace(shipped, here)
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
    forget = [sys.executable, sink.__file__, f"{directory}/sink"]
    with (
        Part("sink", forget, directory, (directory / "sink").exists),
        Part("nginx", command, directory, answers(url + "/ip")),
    ):
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


def measured(found: Measured | None) -> Measured:
    assert found is not None
    return found


def test_a_limited_line_is_measured_as_a_plain_reader_sees_it(far_end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "command", blind.command)
    request = Request(far_end, directions=("down",), test_class="sustained")
    result = asyncio.run(measure(request))
    assert result.failed == {}
    down = measured(result.down)
    assert down.own_bytes_per_second == pytest.approx(plain_rate(far_end), rel=0.15)
    assert down.signal == "app"
    assert down.wire_bytes > 0


def test_where_the_interface_is_seen_it_is_what_counts(far_end: str) -> None:
    result = asyncio.run(measure(Request(far_end, interface="lo", directions=("down",))))
    assert result.failed == {}
    assert measured(result.down).signal == "interface"


def test_upload_is_counted_by_what_tcp_delivered(far_end: str) -> None:
    result = asyncio.run(measure(Request(far_end, directions=("up",), max_bytes=20_000_000)))
    assert result.failed == {}
    up = measured(result.up)
    assert up.signal == "delivered"
    assert up.stop in ("converged", "cap", "time")
    assert up.wire_bytes < 400_000_000


@pytest.mark.parametrize("interface", ["", "lo"])
def test_a_far_end_of_ipv6_is_measured_as_one_of_ipv4(far_end: str, interface: str) -> None:
    server = far_end.replace("127.0.0.1", "[::1]")
    result = asyncio.run(measure(Request(server, interface=interface, max_bytes=20_000_000)))
    assert result.failed == {}
    down, up = measured(result.down), measured(result.up)
    assert (up.signal, down.rtt_idle_seconds is not None) == ("delivered", True)
    assert 0 < down.wire_bytes < 400_000_000
    assert 0 < up.wire_bytes < 400_000_000


def test_the_referee_has_received_what_was_sent(far_end: str, directory: Path) -> None:
    request = Request(far_end, directions=("up",), max_bytes=20_000_000, test_id="referee1")
    sent = measured(asyncio.run(measure(request)).up).wire_bytes
    log = directory / "speed.log"
    for _ in range(100):
        rows = re.findall(r"POST referee1 \d+ received=(\d+)", log.read_text())
        if len(rows) == 4:
            break
        time.sleep(0.1)
    assert len(rows) == 4, "one a flow"
    received = sum(map(int, rows))
    assert 0 < received <= sent
    assert received >= 0.5 * sent, "the rest was in buffers when the flows were broken off"
    assert "127.0.0.1" not in log.read_text()


def test_progress_is_told_while_it_runs(far_end: str) -> None:
    told: list[float] = []
    request = Request(far_end, directions=("down",), test_class="sustained", max_bytes=10**9, progress=True)
    result = asyncio.run(measure(request, lambda progress: told.append(progress.bytes_per_second)))
    assert result.failed == {}
    assert len(told) >= 10
    assert max(told) > 0


def test_a_dead_server_is_a_reason_never_a_zero_rate() -> None:
    result = asyncio.run(measure(Request("http://127.0.0.1:9")))
    assert (result.down, result.up) == (None, None)
    assert result.failed == {"down": "unreachable", "up": "unreachable"}


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


def test_the_technicians_full_test_lasts_8_seconds_and_is_not_cut_short_by_the_usual_byte_limit(far_end: str) -> None:
    words = [sys.executable, "-m", "agent", "speedtest", "--server", far_end, "--direction", "down", "--full", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["class"] == "sustained"
    assert found["down"]["stop"] in ("converged", "time")
    assert found["down"]["seconds"] >= 8
    assert "8 s or longer each way" in done.stderr
