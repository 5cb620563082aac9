"""deploy/central/run-local: up, filled by the simulation, a text shown, and all of it gone again after SIGTERM."""

import json
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

from stage.parts import ROOT
from stage.process import free_port, listens
from tests.e2e.chain import wait_until


def test_run_local_brings_up_the_chain_and_takes_it_down(tmp_path: Path) -> None:
    mqtt, prometheus, alertmanager = (free_port() for _ in range(3))
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nkind = "mains_cut"\n')
    words = [
        str(ROOT / "deploy/central/run-local"), "--directory", str(tmp_path / "run"), "--mqtt-port", str(mqtt),
        "--prometheus-port", str(prometheus), "--alertmanager-port", str(alertmanager), "--simulate", "2",
        "--faults", str(faults),
    ]  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=out) as running:
        try:
            wait_until(lambda: "Ctrl-C ends everything" in log.read_text(), 90, log.read_text())
            wait_until(lambda: known_centres(prometheus) == 2, 60, "the simulated centres never arrived")
            # The simulated cut has a short battery as well: that is a second, later text to each.
            wait_until(lambda: log.read_text().count("mains power is off") == 2, 120, "the technicians were not told")
            assert log.read_text().count("SMS to +92300") >= 2
        finally:
            running.terminate()
            running.wait(60)
    deadline = time.monotonic() + 10
    while any(listens(port)() for port in (mqtt, prometheus, alertmanager)):
        assert time.monotonic() < deadline, "a part was left running"


def known_centres(port: int) -> int:
    with urlopen(f"http://127.0.0.1:{port}/api/v1/query?query=centre_online", timeout=10) as answer:
        return len(json.load(answer)["data"]["result"])
