"""The byte counter of a network interface, read fifty times a second."""

import os
import socket
from pathlib import Path

from collectors.internet.engines import Direction
from collectors.internet.route import default_route

_ETHERNET = 1
_IP_AND_TCP: dict[int, int] = {socket.AF_INET: 20 + 32, socket.AF_INET6: 40 + 32}


class Counter:
    """What an interface has carried in one direction since this object was made; everybody's traffic.

    `frames` in bytes with headers, `payload` without those of Ethernet (where the interface counts
    them), IP and TCP. Raises OSError when there is no such interface.
    """

    def __init__(
        self, interface: str, direction: Direction, sys: Path = Path("/sys"), *, family: int = socket.AF_INET
    ) -> None:  # fmt: skip
        folder = sys / "class/net" / interface
        way = "rx" if direction == "down" else "tx"
        self._header = _IP_AND_TCP[family] + (14 if int((folder / "type").read_text()) == _ETHERNET else 0)
        self._files = [(folder / f"statistics/{way}_{what}").open("rb", buffering=0) for what in ("bytes", "packets")]
        self._begun = (0, 0)
        self._begun = self._read()

    def _read(self) -> tuple[int, int]:
        octets, packets = (int(os.pread(one.fileno(), 32, 0)) for one in self._files)
        return octets - self._begun[0], packets - self._begun[1]

    def frames(self) -> int:
        """Bytes with headers."""
        return self._read()[0]

    def payload(self) -> int:
        """Bytes of payload, if all of it is TCP."""
        octets, packets = self._read()
        return octets - self._header * packets

    def close(self) -> None:
        """Give the files back."""
        for one in self._files:
            one.close()


def open_counter(interface: str, direction: Direction, family: int = socket.AF_INET) -> Counter | None:
    """Of this interface, or of the default route's; None where it cannot be seen."""
    name = interface or (route.interface if (route := default_route()) else "")
    try:
        return Counter(name, direction, family=family) if name else None
    except (OSError, ValueError):
        return None
