"""The whole agent at a centre without an SNMP card: NUT, and mains inferred from a machine on the wall."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage import parts
from stage.process import answers, free_port, wait_for
from tests.devices.host import Host
from tests.devices.nut import NAME, Nut

PATIENCE_SECONDS = 60.0
ON_MAINS = {"ups.status": "OL", "battery.charge": "93", "battery.runtime": "1740", "input.voltage": "231.0"}
ON_BATTERY = ON_MAINS | {"ups.status": "OB DISCHRG", "input.voltage": "0.0"}


class Agent:
    """A running agent with these collectors; it reports to nobody."""

    def __init__(self, directory: Path, collectors: str) -> None:
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        directory.mkdir()
        config = directory / "agent.toml"
        head = f'centre = "PK-PB-00042"\nstate_directory = "{directory}/state"\n[listen]\nport = {port}\n'
        config.write_text(head + collectors, encoding="utf-8")
        words = ["agent", "run", "--config", str(config)]
        self.part = parts.python("agent", directory, words, answers(f"{self._url}/metrics"))

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def series(self, name: str, label: str = "") -> list[float]:
        """Values of a metric on /metrics."""
        lines = self.get("/metrics").splitlines()
        return [float(one.split()[-1]) for one in lines if one.startswith(name + "{") and label in one]

    def until(self, name: str, values: list[float], label: str = "") -> None:
        wait_for(lambda: self.series(name, label) == values, PATIENCE_SECONDS, f"{name} {label} never {values}\n")


@pytest.fixture
def nut(tmp_path: Path) -> Iterator[Nut]:
    with Nut(tmp_path / "nut", ON_MAINS) as one:
        yield one


def test_an_outage_behind_nut_shows_and_a_dead_driver_leaves_no_value_anywhere(nut: Nut, tmp_path: Path) -> None:
    agent = Agent(
        tmp_path / "agent",
        f'[[collect.ups]]\nname = "desk"\nprotocol = "nut"\nhost = "127.0.0.1"\nport = {nut.port}\n'
        f'nut_name = "{NAME}"\ninterval_seconds = 1\n',
    )
    with agent.part:
        agent.until("centre_ups_status", [1], 'status="online"')
        assert agent.series("centre_ups_battery_charge_ratio") == [0.93]
        nut.say(ON_BATTERY)
        agent.until("centre_ups_status", [1], 'status="on_battery"')
        assert "Mains power is off" in agent.get("/")
        nut.driver.kill()
        agent.until("centre_ups_up", [0])
        left = {line.partition("{")[0] for line in agent.get("/metrics").splitlines() if line.startswith("centre_ups_")}
        assert left == {"centre_ups_up", "centre_ups_transfers_total"}
        assert "desk does not answer" in agent.get("/")


def test_mains_of_a_centre_without_any_ups_shows_its_outage_and_its_ignorance(tmp_path: Path) -> None:
    with Host() as printer, Host() as switch:
        agent = Agent(
            tmp_path / "agent",
            '[[collect.mains]]\nname = "printer"\ninterval_seconds = 1\n[collect.mains.ping]\nhost = "127.0.0.1"\n'
            f'port = {printer.port}\nreference = "127.0.0.1"\nreference_port = {switch.port}\n'
            'method = "tcp"\nmisses = 1\n',
        )
        with agent.part:
            agent.until("centre_mains_up", [1], 'source="printer"')
            assert 'data-tile="power" data-level="good"' in agent.get("/")
            printer.lose_power()
            agent.until("centre_mains_up", [0])
            assert "how long the power lasts is unknown" in agent.get("/")
            assert agent.series("centre_ups_status") == []
            switch.lose_power()
            agent.until("centre_mains_up", [])
            assert 'data-tile="power" data-level="unknown"' in agent.get("/")
            switch.regain_power()
            printer.regain_power()
            agent.until("centre_mains_up", [1])
    log = agent.part.log.read_text()
    assert log.count("event kind=outage id=outage-mains-printer-") == 2
