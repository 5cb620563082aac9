"""The other ways to bring the same series over a line: a scrape, Prometheus in agent mode, collectd's network plugin.

Each tells what its line has carried. No TLS in the first two; collectd encrypts its packets, and nobody answers them.
"""

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from stage.line import Carried, Line
from stage.process import Part, answers, free_port, program
from telemetry.reading import Reading

PACKAGES = ("prometheus", "collectd-core", "libgcrypt20")
_UDP_HEADER_BYTES = 28
_COLLECTD = """
Hostname "{host}"
FQDNLookup false
Interval {interval}
BaseDir "{directory}"
PIDFile "{directory}/collectd.pid"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
LoadPlugin unixsock
LoadPlugin network
<Plugin logfile>
  LogLevel warning
  File STDERR
</Plugin>
<Plugin unixsock>
  SocketFile "{directory}/socket"
</Plugin>
<Plugin network>
  <Server "127.0.0.1" "{port}">
    SecurityLevel "Encrypt"
    Username "bench"
    Password "of no worth"
  </Server>
</Plugin>
"""


class Way(Protocol):
    """Brings readings over a line."""

    name: str

    def take(self, readings: Iterable[Reading]) -> None:
        """A tick; the ways that scrape need none."""

    def carried(self) -> Carried:
        """So far."""


class Scrape:
    """A Prometheus of the country scrapes the agent's page with gzip, through the line."""

    name = "Prometheus scrape, gzip"

    def __init__(self, directory: Path, page: int, interval: float) -> None:
        self._line = Line(page)
        config = f"scrape_configs:\n{_job(self._line.port, interval)}"
        self._part = _prometheus(directory, config, ["--storage.tsdb.path=" + str(directory / "data")])

    @contextlib.contextmanager
    def running(self) -> Iterator["Scrape"]:
        """Started; stopped at the end."""
        with self._line, self._part:
            yield self

    def take(self, readings: Iterable[Reading]) -> None:
        """It comes for them."""

    def carried(self) -> Carried:
        """So far."""
        return self._line.carried()


class AgentMode:
    """Prometheus as an agent at the centre: scrapes beside the line, writes to a store behind it."""

    name = "Prometheus agent, remote write"

    def __init__(self, directory: Path, page: int, store: int, interval: float, factor: float) -> None:
        self._line = Line(store)
        config = (
            f"scrape_configs:\n{_job(page, interval)}remote_write:\n- url: http://127.0.0.1:{self._line.port}/api/v1/write\n"
            f"  queue_config: {{batch_send_deadline: {_milliseconds(5 / factor)}}}\n"
            f"  metadata_config: {{send_interval: {_milliseconds(60 / factor)}}}\n"
        )
        words = ["--enable-feature=agent", "--storage.agent.path=" + str(directory / "data")]
        self._part = _prometheus(directory, config, words)

    @contextlib.contextmanager
    def running(self) -> Iterator["AgentMode"]:
        """Started; stopped at the end."""
        with self._line, self._part:
            yield self

    def take(self, readings: Iterable[Reading]) -> None:
        """It comes for them."""

    def carried(self) -> Carried:
        """So far."""
        return self._line.carried()


class Collectd:
    """The values given to collectd, which sends them encrypted over UDP; a sink counts."""

    name = "collectd network, encrypted"

    def __init__(self, directory: Path, centre: str, interval: float) -> None:
        directory.mkdir(parents=True)
        self._host, self._interval, self._path = centre, interval, directory / "socket"
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind(("127.0.0.1", 0))
        self._sink.settimeout(0.5)
        self._carried = Carried()
        self._stopping = threading.Event()
        config = directory / "collectd.conf"
        config.write_text(
            _COLLECTD.format(host=centre, interval=interval, directory=directory, port=self._sink.getsockname()[1])
        )
        command: list[str | Path] = [program("collectd", "collectd-core"), "-f", "-C", config]
        self._part = Part("collectd", command, directory, self._path.exists)

    @contextlib.contextmanager
    def running(self) -> Iterator["Collectd"]:
        """Started; stopped at the end."""
        counting = threading.Thread(target=self._count, daemon=True)
        counting.start()
        try:
            with self._part:
                yield self
        finally:
            self._stopping.set()
            counting.join()
            self._sink.close()

    def take(self, readings: Iterable[Reading]) -> None:
        """PUTVAL each."""
        with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rw") as lines:
            sock.connect(str(self._path))
            for one in readings:
                place = "-".join(_plain(text) for text in one.series.labels) or "all"
                name = _plain(one.metric.name.removeprefix(f"centre_{one.metric.owner}_").removeprefix("centre_"))
                own = f"{self._host}/{one.metric.owner}-{place}"[:120]
                lines.write(
                    f'PUTVAL "{own}/gauge-{name}" interval={self._interval} {one.at.timestamp():.3f}:{one.value!r}\n'
                )
                lines.flush()
                answer = lines.readline()
                if not answer.startswith("0 "):
                    raise RuntimeError(f"collectd: {answer.strip()}")

    def carried(self) -> Carried:
        """So far."""
        return self._carried

    def _count(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                packet = self._sink.recv(65536)
                one = Carried(0, 1, len(packet) + _UDP_HEADER_BYTES, 0)
                self._carried = self._carried.plus(one)


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._" else "_" for letter in text)


def _job(port: int, interval: float) -> str:
    wait = _milliseconds(interval)
    return (
        f"- job_name: centre\n  scrape_interval: {wait}\n  scrape_timeout: {wait}\n"
        f"  static_configs:\n  - targets: ['127.0.0.1:{port}']\n"
    )


def _milliseconds(seconds: float) -> str:
    return f"{round(1000 * seconds)}ms"


def _prometheus(directory: Path, config: str, words: list[str]) -> Part:
    port = free_port()
    directory.mkdir(parents=True)
    file = directory / "prometheus.yml"
    file.write_text(config)
    command: list[str | Path] = [
        program("prometheus", "prometheus"), f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn", *words,
    ]  # fmt: skip
    return Part("prometheus", command, directory, answers(f"http://127.0.0.1:{port}/-/ready"))
