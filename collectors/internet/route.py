"""The default route and what crossed its interface, from /proc and /sys. No privilege, no dependency."""

import socket
import struct
from pathlib import Path

from msgspec import Struct

_UP_GATEWAY = 0x3


class Route(Struct, frozen=True):
    """interface: its name. gateway: dotted IPv4."""

    interface: str
    gateway: str


def default_route(proc: Path = Path("/proc"), *, interface: str = "") -> Route | None:
    """The IPv4 default route with the lowest metric, of one interface where it is named; or None."""
    try:
        lines = (proc / "net/route").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    rows = [line.split() for line in lines]
    found = [
        row for row in rows if len(row) > 7 and row[1] == "00000000" and int(row[3], 16) & _UP_GATEWAY == _UP_GATEWAY
    ]
    found = [row for row in found if interface in ("", row[0])]
    if not found:
        return None
    best = min(found, key=lambda row: int(row[6]))
    return Route(best[0], socket.inet_ntoa(struct.pack("<I", int(best[2], 16))))


def interface_bytes(interface: str, sys: Path = Path("/sys")) -> tuple[int, int] | None:
    """Bytes received and sent by an interface since it came up, or None if it is not there."""
    folder = sys / "class/net" / interface / "statistics"
    try:
        return int((folder / "rx_bytes").read_text()), int((folder / "tx_bytes").read_text())
    except (OSError, ValueError):
        return None


def system_resolvers(file: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """The IPv4 name servers of resolv.conf, at most 3."""
    try:
        words = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ()
    return tuple(row[1] for row in words if len(row) > 1 and row[0] == "nameserver" and row[1].count(".") == 3)[:3]
