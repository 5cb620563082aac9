"""A country with its own authority: the shipped broker configuration, the enrol server, ingest and a store."""

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Engine

from central.database import open_database
from stage import parts
from stage.process import Part, answers, free_port, listens, program
from tests.deploy.shipped import CENTRAL

ONE, OTHER = "PK-PB-00001", "PK-PB-00002"
COLUMNS = "id,name,province,district,isp,feeder,contract_down_mbps,contract_up_mbps,opening_hours,technicians"


def command(
    *words: str, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One of our programs, to its end."""
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=parts.ROOT, input=stdin, text=True, capture_output=True, timeout=120,
        check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip


class Country:
    """Everything on loopback under `directory`. `life_seconds`: of a centre's certificate; 0: as shipped."""

    def __init__(self, directory: Path, *, life_seconds: float = 0) -> None:
        self.directory, self.tls = directory, directory / "tls"
        self.port, self.cut_port, self.enrol_port, self.metrics_port = (free_port() for _ in range(4))
        self.url = f"https://127.0.0.1:{self.enrol_port}"
        self.store, self.store_url = parts.prometheus(directory / "store")
        self._config = directory / "central.toml"
        self._write_config(life_seconds)
        self._make_certificates()
        self._register()
        self.broker = self._broker()
        words = ["central", "ingest", "--config", str(self._config)]
        self.ingest = parts.python("ingest", directory / "ingest", words)
        words = ["central", "enrol-server", "--config", str(self._config)]
        ready = answers(f"http://127.0.0.1:{self.metrics_port}/metrics")
        self.enrol = parts.python("enrol-server", directory / "enrol", words, ready)

    def monitor(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`centre-monitor`, with this country's configuration."""
        return command("central", *words, "--config", str(self._config))

    def token(self, centre: str) -> str:
        """A new one, as it is printed."""
        done = self.monitor("tokens", "new", centre)
        assert done.returncode == 0, done.stderr
        return next(line.strip() for line in done.stdout.splitlines() if line.count("-") == 7 and " -" not in line)

    def database(self) -> Engine:
        return open_database(f"sqlite:///{self.directory}/central.sqlite")

    def gateway(self, centre: str, *, extra: str = "") -> "Gateway":
        return Gateway(self, centre, extra)

    def _write_config(self, life_seconds: float) -> None:
        own = f"certificate_days = {life_seconds / 86400:.9f}\nbackdate_days = 0\n" if life_seconds else ""
        self._config.write_text(
            f'[broker]\nport = {self.port}\nca_file = "{self.tls}/ca.crt"\n'
            f'cert_file = "{self.tls}/ingest.crt"\nkey_file = "{self.tls}/ingest.key"\n'
            f'[store]\nurl = "{self.store_url}"\nhold_seconds = 2\n'
            f'[database]\nurl = "sqlite:///{self.directory}/central.sqlite"\n'
            f'[ingest]\nquarantine_directory = "{self.directory}/quarantine"\n'
            f'[enrol]\ndirectory = "{self.directory}/ca"\ncrl_file = "{self.directory}/crl/ca.crl"\n'
            f'url = "{self.url}"\nhost = "127.0.0.1"\nport = {self.enrol_port}\ncut_port = {self.cut_port}\n'
            f'cert_file = "{self.tls}/enrol.crt"\nkey_file = "{self.tls}/enrol.key"\n'
            f"metrics_port = {self.metrics_port}\n{own}"
        )

    def _make_certificates(self) -> None:
        hosts = ["--host", "127.0.0.1", "--output", str(self.tls)]
        for words in (
            ["ca", "init"], ["ca", "server", "server", *hosts], ["ca", "server", "enrol", *hosts],
            ["ca", "client", "ingest", "--output", str(self.tls)],
        ):  # fmt: skip
            done = self.monitor(*words)
            assert done.returncode == 0, done.stderr
        shutil.copy(self.directory / "ca/ca.crt", self.tls)

    def _register(self) -> None:
        file = self.directory / "centres.csv"
        rows = [f"{one},{one},Punjab,Lahore,PTCL,F-7,20,5,09:00-21:00," for one in (ONE, OTHER)]
        file.write_text("\n".join([COLUMNS, *rows]) + "\n")
        done = command("central", "centres", "import", str(file), "--config", str(self._config))
        assert done.returncode == 0, done.stderr

    def _broker(self) -> Part:
        shipped = (CENTRAL / "mosquitto.conf").read_text(encoding="utf-8")
        for old, new in (
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            ("listener 8884", f"listener {self.cut_port}"),
            ("/etc/centre-monitor/tls", str(self.tls)),
            ("/etc/centre-monitor/acl", str(CENTRAL / "acl")),
            ("/var/lib/centre-monitor/crl", str(self.directory / "crl")),
        ):
            assert old in shipped
            shipped = shipped.replace(old, new)
        config = self.directory / "mosquitto.conf"
        config.write_text(f"user {pwd.getpwuid(os.getuid()).pw_name}\n{shipped}", encoding="utf-8")
        mosquitto = Path(program("mosquitto", "mosquitto"))
        environment = {
            "CRL_FILE": f"{self.directory}/crl/ca.crl",
            "PATH": f"{mosquitto.parent}:{os.environ['PATH']}",
        }
        words = ["sh", CENTRAL / "broker", config]
        return Part("broker", words, self.directory / "broker", listens(self.port), environment=environment)


class Gateway:
    """An agent that is told the broker's host and nothing of certificates."""

    def __init__(self, country: Country, centre: str, extra: str) -> None:
        self.country, self.centre = country, centre
        self.directory = country.directory / centre
        self.directory.mkdir()
        self.state, self.web_port = self.directory / "state", free_port()
        self.pair = self.state / "identity/centre.pem"
        self.config = self.directory / "agent.toml"
        self.config.write_text(
            f'centre = "{centre}"\nstate_directory = "{self.state}"\n[listen]\nport = {self.web_port}\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {country.port}\nbatch_seconds = 2\nresend_seconds = 8\n'
            f"connect_spread_seconds = 0\n{extra}[collect.host]\ninterval_seconds = 1\n"
        )

    def enrol(self, token: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`centre-agent enrol`, the token by standard input."""
        trust = more or ("--ca", str(self.country.tls / "ca.crt"))
        words = ("agent", "enrol", "--url", self.country.url, "--config", str(self.config), *trust)
        return command(*words, stdin=f"{token}\n", environment=environment)

    def running(self) -> AbstractContextManager[Part]:
        return parts.python("agent", self.directory, ["agent", "run", "--config", str(self.config)])

    def give_to(self, folder: Path) -> None:
        """The pair where tests.deploy.test_broker.Client looks for one."""
        for suffix in (".crt", ".key"):
            shutil.copy(self.pair, folder / f"{self.centre}{suffix}")
