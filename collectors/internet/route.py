"""The default route and what crossed its interface, from /proc and /sys. No privilege, no dependency."""

import ipaddress
import socket
import struct
from pathlib import Path

from msgspec import Struct

from collectors.internet.addresses import name_server

_UP_GATEWAY = 0x3
_REJECT = 0x200
_ANYWHERE = "0" * 32
_RESOLVERS = 3


class Route(Struct, frozen=True):
    """interface: its name. gateway: an address in figures, of IPv6 with its scope where it is good on the link only."""

    interface: str
    gateway: str


def default_route(proc: Path = Path("/proc"), *, interface: str = "") -> Route | None:
    """The default route with the lowest metric, of one interface where it is named; or None.

    That of IPv4, and of IPv6 where there is none.
    """
    return _ipv4_route(proc, interface) or _ipv6_route(proc, interface)


def _ipv4_route(proc: Path, interface: str) -> Route | None:
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


def _ipv6_route(proc: Path, interface: str) -> Route | None:
    """Rows: destination, prefix, source, prefix, gateway, metric, references, use, flags, interface; no head."""
    try:
        rows = [line.split() for line in (proc / "net/ipv6_route").read_text(encoding="ascii").splitlines()]
    except OSError:
        return None
    found = [row for row in rows if len(row) == 10 and row[0] == _ANYWHERE and row[1] == "00"]
    found = [row for row in found if int(row[8], 16) & (_UP_GATEWAY | _REJECT) == _UP_GATEWAY]
    found = [row for row in found if interface in ("", row[9])]
    if not found:
        return None
    best = min(found, key=lambda row: int(row[5], 16))
    gateway = ipaddress.IPv6Address(bytes.fromhex(best[4]))
    return Route(best[9], f"{gateway}%{best[9]}" if gateway.is_link_local else str(gateway))


def interface_bytes(interface: str, sys: Path = Path("/sys")) -> tuple[int, int] | None:
    """Bytes received and sent by an interface since it came up, or None if it is not there."""
    folder = sys / "class/net" / interface / "statistics"
    try:
        return int((folder / "rx_bytes").read_text()), int((folder / "tx_bytes").read_text())
    except (OSError, ValueError):
        return None


def system_resolvers(file: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """The name servers of resolv.conf, at most 3."""
    try:
        words = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ()
    named = [row[1] for row in words if len(row) > 1 and row[0] == "nameserver"]
    return tuple(one for one in named if name_server(one))[:_RESOLVERS]
