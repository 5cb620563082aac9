"""A line in three network namespaces of this machine: client, the provider in the middle, server.

Rate by the kernel's tbf on the provider's two ends, delay and loss by relay.c. Needs root, iproute2,
ethtool, gcc. Traffic never leaves the machine, and everything goes when the block ends.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from msgspec import Struct

CLIENT, SERVER, NOBODY = "10.9.1.2", "10.9.1.1", "10.9.1.99"
CLIENT_INTERFACE = "c0"
_MACS = {CLIENT: "02:00:00:00:00:02", SERVER: "02:00:00:00:00:01", NOBODY: "02:00:00:00:00:99"}
_SETTLE_SECONDS = 0.4
PAYLOAD_SHARE = 1448 / 1514
_RELAY = Path(__file__).with_name("relay.c")


class Shape(Struct, frozen=True):
    """A line. Rates in Mbit/s, loss in % of frames each way, queue in ms of the rate.

    burst_megabytes: so much goes at peak_mbps before the rate holds. steps_mbps: rates that the line
    jumps between, each `step_seconds`, by chance.
    """

    down_mbps: float
    up_mbps: float
    rtt_ms: float = 20.0
    loss: float = 0.0
    queue_ms: float = 100.0
    burst_megabytes: float = 0.0
    peak_mbps: float = 0.0
    steps_mbps: tuple[float, ...] = ()
    step_seconds: float = 0.3


class Line:
    """`with Line(directory) as line: line.take(shape)`; programs start on its ends by `at_client`, `at_server`.

    congestion: how both ends send, unless a program asks for something else. What goes to the address NOBODY is lost.
    """

    def __init__(self, directory: Path, congestion: str = "bbr") -> None:
        self._directory, self._congestion = directory, congestion
        self._names = {end: f"line{os.getpid()}{end}" for end in ("cli", "mid", "srv")}
        self._relay: subprocess.Popen[bytes] | None = None
        self._steps: _Steps | None = None

    def client_bytes(self) -> tuple[int, int]:
        """What the client's interface has received and sent."""
        shown = _run("ip", "-n", self._names["cli"], "-s", "-j", "link", "show", CLIENT_INTERFACE)
        (found,) = json.loads(shown)
        return found["stats64"]["rx"]["bytes"], found["stats64"]["tx"]["bytes"]

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def directory(self) -> Path:
        """For what belongs to the line while it is up."""
        return self._directory

    def at_client(self) -> list[str]:
        """The words before a command that run it on the client's end."""
        return ["ip", "netns", "exec", self._names["cli"]]

    def at_server(self) -> list[str]:
        """The words before a command that run it on the server's end."""
        return ["ip", "netns", "exec", self._names["srv"]]

    def take(self, shape: Shape) -> None:
        """Become this line."""
        self._still()
        self._relay = subprocess.Popen(
            [
                *self._at("mid"),
                str(self._directory / "relay"),
                "c1",
                "s1",
                str(shape.rtt_ms / 2),
                f"{shape.loss}",
                f"{shape.loss}",
            ]
        )
        for end, rate in (("c1", shape.down_mbps), ("s1", shape.up_mbps)):
            subprocess.run(
                [*self._at("mid"), "tc", "qdisc", "del", "dev", end, "root"], capture_output=True, check=False
            )
            self._tc("add", end, self._bucket(rate, shape))  # made anew: what waited in the old one is gone
        time.sleep(_SETTLE_SECONDS)
        if shape.steps_mbps:
            self._steps = _Steps(self, shape)
            self._steps.start()

    def mean_mbps(self, shape: Shape) -> float:
        """What a line that jumps has given on average since `take`."""
        return self._steps.mean() if self._steps else shape.down_mbps

    def step(self, rate: float, shape: Shape) -> None:
        """Change the rate of both directions, packets in the queue stay."""
        for end in ("c1", "s1"):
            self._tc("change", end, self._bucket(rate, shape))

    def close(self) -> None:
        """Take the line down."""
        self._still()
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def _still(self) -> None:
        if self._steps is not None:
            self._steps.stop()
            self._steps = None
        if self._relay is not None:
            self._relay.send_signal(signal.SIGTERM)
            self._relay.wait()
            self._relay = None

    def _make(self) -> None:
        _run("gcc", "-O2", "-o", str(self._directory / "relay"), str(_RELAY))
        for name in self._names.values():
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        for end, outer, inner, address in (("cli", "c0", "c1", CLIENT), ("srv", "s0", "s1", SERVER)):
            own, middle = self._names[end], self._names["mid"]
            _run("ip", "-n", own, "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", middle)
            _run("ip", "-n", own, "link", "set", outer, "address", _MACS[address])
            _run("ip", "-n", own, "addr", "add", f"{address}/24", "dev", outer)
            for name, interface in ((own, outer), (middle, inner)):
                _run(*self._within(name), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
                _run(
                    *self._within(name),
                    "ethtool",
                    "-K",
                    interface,
                    *(word for name in ("tso", "gso", "gro", "tx", "rx", "sg") for word in (name, "off")),
                )
                _run("ip", "-n", name, "link", "set", interface, "up")
            route = ["10.9.1.0/24", "dev", outer, "src", address, "congctl", self._congestion]
            _run("ip", "-n", own, "route", "replace", *route)
            _run("ip", "-n", own, "route", "add", "default", "via", SERVER if end == "cli" else CLIENT)
            for other, mac in _MACS.items():  # to ask for them would cost the first packet a round trip
                _run("ip", "-n", own, "neigh", "replace", other, "lladdr", mac, "dev", outer)

    def _at(self, end: str) -> list[str]:
        return self._within(self._names[end])

    def _within(self, name: str) -> list[str]:
        return ["ip", "netns", "exec", name]

    def _tc(self, verb: str, interface: str, words: list[str]) -> None:
        _run(*self._at("mid"), "tc", "qdisc", verb, "dev", interface, "root", "tbf", *words)

    def _bucket(self, mbps: float, shape: Shape) -> list[str]:
        octets = mbps * 1e6 / 8
        limit = max(15000, int(octets * shape.queue_ms / 1000))
        if not shape.burst_megabytes:
            return ["rate", f"{int(mbps * 1e6)}bit", "burst", str(max(3200, int(octets * 0.004))), "limit", str(limit)]
        peak = f"{int(shape.peak_mbps * 1e6)}bit"
        burst = str(int(shape.burst_megabytes * 1e6))
        limit += int(burst)
        return ["rate", f"{int(mbps * 1e6)}bit", "burst", burst, "limit", str(limit), "peakrate", peak, "mtu", "3200"]


class _Steps(threading.Thread):
    """Jumps between the rates of a shape."""

    def __init__(self, line: Line, shape: Shape) -> None:
        super().__init__(daemon=True)
        self._line, self._shape = line, shape
        self._ended = threading.Event()
        self._history: list[tuple[float, float]] = []

    def run(self) -> None:
        """Until `stop`."""
        chance = random.Random(20)
        while not self._ended.is_set():
            rate = chance.choice(self._shape.steps_mbps)
            with suppress(subprocess.CalledProcessError):
                self._line.step(rate, self._shape)
            self._history.append((time.monotonic(), rate))
            self._ended.wait(self._shape.step_seconds)

    def mean(self) -> float:
        """Mbit/s since the start, weighed by time."""
        ends = [at for at, _ in self._history[1:]] + [time.monotonic()]
        spans = [(end - at, rate) for (at, rate), end in zip(self._history, ends, strict=True)]
        return sum(seconds * rate for seconds, rate in spans) / sum(seconds for seconds, _ in spans)

    def stop(self) -> None:
        """And wait for the end."""
        self._ended.set()
        self.join()


def _run(*words: str) -> bytes:
    return subprocess.run(words, check=True, capture_output=True).stdout
