"""One started program: where it logs, when it is ready, how it ends."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

_UNPACKED = Path(__file__).resolve().parent.parent / ".debian"
"""Where scripts/test lays packages that Debian does not install beside others."""
_PLACES = (
    "/usr/sbin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin",
    f"{_UNPACKED}/apcupsd/sbin", f"{_UNPACKED}/apcupsd/usr/sbin",
)  # fmt: skip


class Missing(RuntimeError):
    """A program that Debian would provide is not installed."""


def program(name: str, package: str) -> str:
    """The path of a program; raises Missing naming the Debian package."""
    found = shutil.which(name) or next(
        (f"{place}/{name}" for place in _PLACES if os.access(f"{place}/{name}", os.X_OK)), None
    )
    if found is None:
        raise Missing(f"{name} is not there: apt-get install {package}, or scripts/test")
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port that nobody has at the moment."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Part:
    """A program that can be started, killed and started again with the same arguments."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        directory: Path,
        ready: Callable[[], bool],
        *,
        environment: dict[str, str] | None = None,
        ready_seconds: float = 60.0,
        user: str | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.name, self.directory = name, directory
        self.log = directory / f"{name}.log"
        self._command, self._ready, self._ready_seconds, self._user = (
            [str(word) for word in command],
            ready,
            ready_seconds,
            user,
        )
        self._environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Part":
        """Start and wait until it is ready; raises RuntimeError with the end of its log if it is not."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environment,
                cwd=self.directory, user=self._user, start_new_session=True,
            )  # fmt: skip
        wait_for(self._up, self._ready_seconds, f"{self.name} did not start; {self.log}:\n", self.log)
        return self

    def _up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail(self.log)}")
        return self._ready()

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL, 10)

    def stop(self, seconds: float = 10.0) -> None:
        """SIGTERM, then SIGKILL."""
        if not self._end(signal.SIGTERM, seconds):
            self.kill()

    def _end(self, number: signal.Signals, seconds: float) -> bool:
        if self.process is None or self.process.poll() is not None:
            return True
        self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def wait_for(condition: Callable[[], bool], seconds: float, complaint: str, log: Path | None = None) -> None:
    """Ask again until true; raises RuntimeError with the complaint and the end of the log."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(complaint + (tail(log) if log else ""))
        time.sleep(0.05)


def tail(log: Path, size: int = 3000) -> str:
    """The end of a log."""
    return log.read_bytes()[-size:].decode("utf-8", "replace") if log.exists() else ""


def answers(url: str) -> Callable[[], bool]:
    """Whether GET gives 200."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    return ask


def listens(port: int) -> Callable[[], bool]:
    """Whether something accepts on a loopback port."""

    def ask() -> bool:
        with socket.socket() as sock:
            sock.settimeout(1)
            return sock.connect_ex(("127.0.0.1", port)) == 0

    return ask
