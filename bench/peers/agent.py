"""Our agent as it runs at a centre: `python -m agent run`, its own configuration, one card or none, one broker."""

import sys
from pathlib import Path

from bench.measure.scraper import Target
from bench.peers.contender import Contender
from stage.process import Part, free_port, listens

DEBIAN_PYTHON = Path("/usr/bin/python3")
_CONFIG = """
centre = "{centre}"
state_directory = "{directory}/state"
[listen]
port = {page}
[uplink]
host = "127.0.0.1"
port = {broker}
tls = false
connect_spread_seconds = 1.0
[collect.host]
interval_seconds = 10.0
"""
_UPS = """
[[collect.ups]]
name = "rack"
host = "127.0.0.1"
port = {card}
interval_seconds = 10.0
"""
_LINE = """
[collect.internet]
interface = "lo"
resolvers = ["127.0.0.1#{names}"]
probe_seconds = 10.0
interval_seconds = 10.0
[[collect.internet.targets]]
name = "gateway"
role = "lan"
host = "127.0.0.1"
"""


class Gateway:
    """Where the agents of a run live: what is installed, and the ports of broker and card."""

    def __init__(self, directory: Path, installed: Path, ports: dict[str, int]) -> None:
        self._directory, self._installed, self._ports = directory, installed, ports

    def agent(self, name: str, centre: str, *, debian: bool = False, ups: bool = True, line: bool = False) -> Contender:
        """The agent under this interpreter, or under Debian's; `line` has it probe the line as well."""
        page, directory = free_port(), self._directory / centre
        directory.mkdir(parents=True)
        config = directory / "agent.toml"
        text = _CONFIG + (_UPS if ups else "") + (_LINE if line else "")
        config.write_text(text.format(centre=centre, directory=directory, page=page, **self._ports))
        url = f"http://127.0.0.1:{page}"
        part = Part(
            centre.lower(),
            [*python(debian=debian), "-m", "agent", "run", "--config", config],
            directory,
            listens(page),
            environment={"PYTHONPATH": str(self._installed)},
        )
        proof = "centre_ups_output_voltage_volts{" if ups else "centre_host_memory_total_bytes"
        proof = "centre_internet_probe_rtt" if line else proof
        return Contender(name, part, Target(f"{url}/metrics", proof), f"centres/{centre}")


def python(*, debian: bool) -> list[str | Path]:
    """Debian's interpreter, or this one without its own site-packages."""
    return [DEBIAN_PYTHON] if debian else [sys.executable, "-S"]


def debian_runs_it() -> bool:
    """Whether Debian's interpreter is of the version that the libraries were built for."""
    return DEBIAN_PYTHON.resolve().name == f"python3.{sys.version_info.minor}"
