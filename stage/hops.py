"""A line of four hops in network namespaces: site - gateway - provider - world, with names and a page. Needs root.

    site 192.168.10.2 - 192.168.10.1 gateway 100.64.0.2 - 100.64.0.1 provider 100.64.1.1 - 100.64.1.2 world

The provider has the name server 100.64.0.53; the world has the page and whatever else the probes ask by
default. These addresses exist inside the namespaces only: nothing leaves the machine.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from stage.parts import ROOT
from stage.process import Missing, program

NAME_SERVER, PAGE, PROVIDER = "100.64.0.53", "203.0.113.80", "100.64.0.1"
_SITE, _GATEWAY = "192.168.10.2", "192.168.10.1"
WORLD = ("1.1.1.1", "8.8.8.8", "208.67.222.222")
FAULTS = ("lan", "access", "isp", "dns", "captive", "target")
_PORTAL = ("provider", f"ip addr add {PAGE}/32 dev lo")
_CUTS: dict[tuple[str, bool | None], tuple[tuple[str, str], ...]] = {
    ("lan", False): (("gateway", "ip link set lan down"),),
    ("lan", True): (("gateway", f"ip addr del {_GATEWAY}/24 dev lan"),),
    ("access", False): (("provider", "ip link set access down"),),
    ("access", True): (
        ("gateway", "ip link set access down"),
        ("gateway", "ip route add blackhole default"),
        ("gateway", "ip route add blackhole 100.64.0.0/24"),
    ),
    ("isp", False): (("world", "ip link set core down"),),
    ("isp", True): (("provider", "ip route replace blackhole default"),),
    ("captive", False): (_PORTAL,),
    ("captive", True): (_PORTAL, ("provider", "ip route replace blackhole default")),
    ("target", None): (
        ("world", f"ip addr del {WORLD[1]}/32 dev lo"),
        ("world", f"ip route add blackhole {WORLD[1]}/32"),
    ),
}
"""(fault, silent) -> commands; of names and of a portal only the servers change."""


class Hops:
    """The bed while the block lasts. Raises Missing where namespaces cannot be had, saying why."""

    def __init__(self) -> None:
        self._ip = program("ip", "iproute2")
        self._names = {part: f"hops-{os.getpid()}-{part}" for part in ("site", "gateway", "provider", "world")}
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._build()
        except Missing:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._servers):
            self._stop(name)
        for name in self._names.values():
            subprocess.run([self._ip, "netns", "del", name], capture_output=True, check=False)

    def inside(self, part: str, words: Sequence[str | Path]) -> list[str]:
        """The command that runs `words` inside a part."""
        return [self._ip, "netns", "exec", self._names[part], *map(str, words)]

    def cut(self, fault: str, *, silent: bool) -> None:
        """Break one part. silent: packets vanish; else the neighbour says so, as far as the fault allows it."""
        for part, command in _CUTS.get((fault, silent), _CUTS.get((fault, None), ())):
            self.run(part, command)
        if fault == "dns" and silent:
            self._servers["names"].send_signal(signal.SIGSTOP)
        elif fault == "dns":
            self._stop("names")
        elif fault == "captive":
            self._serve("portal", "provider", "page", PAGE, "302")

    def mend(self) -> None:
        """Make everything whole again, whatever was cut."""
        for name in ("portal", "late"):
            self._stop(name)
        self.run("world", "sysctl -qw net.ipv4.icmp_echo_ignore_all=0")
        self._stop("names")
        for part, words in (
            ("gateway", f"ip addr replace {_GATEWAY}/24 dev lan"),
            ("gateway", "ip link set lan up"),
            ("gateway", "ip link set access up"),
            ("provider", "ip link set access up"),
            ("world", "ip link set core up"),
        ):
            self.run(part, words)
        for part, words in (
            ("provider", f"ip addr del {PAGE}/32 dev lo"),
            ("world", f"ip route del blackhole {WORLD[1]}/32"),
            ("gateway", "ip route del blackhole 100.64.0.0/24"),
            ("gateway", "ip route del blackhole default"),
            ("provider", "ip route del blackhole default"),
        ):
            with contextlib.suppress(Missing):  # it was not cut
                self.run(part, words)
        self.run("world", f"ip addr replace {WORLD[1]}/32 dev lo")
        self._routes()
        self._serve("names", "provider", "names", NAME_SERVER)

    def run(self, part: str, *commands: str) -> None:
        """Commands inside a part; raises Missing with what the first that fails says."""
        for command in commands:
            words = [self._ip if word == "ip" else word for word in command.split()]
            done = subprocess.run(self.inside(part, words), capture_output=True, text=True, check=False)
            if done.returncode:
                raise Missing(f"in a network namespace, `{command}` fails: {done.stderr.strip()}")

    def run_python(self, part: str, text: str) -> str:
        """What a few lines of Python print inside a part."""
        words = self.inside(part, [sys.executable, "-c", text])
        return subprocess.run(words, check=True, timeout=60, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout

    def answer_late(self, seconds: float) -> None:
        """The world answers echo requests so much later, until `mend`."""
        self.run("world", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
        self._serve("late", "world", "echo", str(seconds))

    def _build(self) -> None:
        for name in self._names.values():
            done = subprocess.run([self._ip, "netns", "add", name], capture_output=True, text=True, check=False)
            if done.returncode:
                raise Missing(f"network namespaces cannot be made here (root is needed): {done.stderr.strip()}")
        self.cable("lan", "site", f"{_SITE}/24", "gateway", f"{_GATEWAY}/24")
        self.cable("access", "gateway", "100.64.0.2/24", "provider", f"{PROVIDER}/24")
        self.cable("core", "provider", "100.64.1.1/24", "world", "100.64.1.2/24")
        for part in self._names:
            self.run(
                part, "ip link set lo up", "sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.icmp_ratelimit=0"
            )
        group_range = "/proc/sys/net/ipv4/ping_group_range"
        opened = subprocess.run(self.inside("site", ["sh", "-c", f"echo 0 2147483647 > {group_range}"]), check=False)
        if opened.returncode:
            raise Missing(f"{group_range} cannot be set in a network namespace")
        self.run("provider", f"ip addr add {NAME_SERVER}/32 dev lo")
        self.run("world", *(f"ip addr add {address}/32 dev lo" for address in (PAGE, *WORLD)))
        self._routes()
        self._serve("names", "provider", "names", NAME_SERVER)
        self._serve("page", "world", "page", PAGE)

    def cable(self, name: str, one: str, one_address: str, other: str, other_address: str) -> None:
        """A pair of interfaces of one name between two parts, with their addresses."""
        self.run(one, f"ip link add {name} type veth peer name {name} netns {self._names[other]}")
        for part, address in ((one, one_address), (other, other_address)):
            self.run(part, f"ip addr add {address} dev {name}", f"ip link set {name} up")

    def serve(self, name: str, part: str, *words: str) -> None:
        """Another of the small servers, until the block ends."""
        self._serve(name, part, *words)

    def _routes(self) -> None:
        self.run("site", f"ip route replace default via {_GATEWAY}")
        self.run("gateway", f"ip route replace default via {PROVIDER}")
        self.run(
            "provider", "ip route replace default via 100.64.1.2", "ip route replace 192.168.10.0/24 via 100.64.0.2"
        )
        self.run("world", "ip route replace default via 100.64.1.1")

    def _serve(self, name: str, part: str, *words: str) -> None:
        command = self.inside(part, [sys.executable, "-m", "stage.small_servers", *words])
        self._servers[name] = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        time.sleep(0.3)
        if self._servers[name].poll() is not None:
            raise Missing(f"the server {name} did not start in a network namespace")

    def _stop(self, name: str) -> None:
        server = self._servers.pop(name, None)
        if server is not None:
            server.send_signal(signal.SIGCONT)
            server.kill()
            server.wait(10)
