"""Debian's NUT on loopback: upsd, and its driver dummy-ups, which repeats what a file says; an outage is an edit."""

import getpass
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from stage.process import Part, free_port, listens, program

NAME = "rack"
STALE_SECONDS = 3
"""So long after a driver's last word its data are stale; upsd asks each 2 s."""


class Nut:
    """One upsd with one UPS; `driver` and `server` are started and stopped apart."""

    def __init__(self, directory: Path, variables: Mapping[str, str], settings: str = "") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / f"{NAME}.dev"
        self.say(variables)
        self.port = free_port()
        files = {
            "ups.conf": f"pollinterval = 1\n[{NAME}]\ndriver = dummy-ups\nport = {NAME}.dev\nmode = dummy-loop\n"
            f"{settings}",
            "upsd.conf": f"LISTEN 127.0.0.1 {self.port}\nMAXAGE {STALE_SECONDS}\n",
            "upsd.users": "",
        }
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        places = dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(directory))
        account = ["-F", "-u", getpass.getuser()]
        socket = directory / f"dummy-ups-{NAME}"
        driver: list[str | Path] = [program("/lib/nut/dummy-ups", "nut-server"), "-a", NAME, *account]
        server: list[str | Path] = [program("/lib/nut/upsd", "nut-server"), *account]  # /sbin/upsd obeys /etc/nut
        self.driver = Part("dummy-ups", driver, directory, socket.exists, environment=places)
        self.server = Part("upsd", server, directory, listens(self.port), environment=places)

    def say(self, variables: Mapping[str, str]) -> None:
        """From now on these are the variables; the driver reads the file each second and forgets none of the old."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text("".join(f"{name}: {value}\n" for name, value in variables.items()), encoding="utf-8")
        fresh.replace(self._file)

    def __enter__(self) -> Self:
        with ExitStack() as running:
            running.enter_context(self.driver)
            running.enter_context(self.server)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
