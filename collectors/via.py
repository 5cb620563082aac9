"""Which uplink a socket leaves by, and where it can go from there; IPv4 and IPv6.

SO_BINDTODEVICE needs no privilege for a fresh socket since Linux 5.7; before that the interface's own
address stands in, which is right only where policy routing sends that address out by its interface.
"""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SIOCGIFADDR = 0x8915
_NAME_BYTES = 15
_GLOBAL, _HOST = 0x00, 0x10
_TENTATIVE_OR_OLD = 0x40 | 0x20
_ANY_PORT = 9


def leave_by(sock: socket.socket, interface: str) -> None:
    """Bind a socket to an interface; an empty name leaves the choice to the routing table.

    Raises OSError when there is no such interface, or it has no address of the socket's family.
    """
    if not interface:
        return
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode()[:_NAME_BYTES] + b"\0")
    except PermissionError:
        sock.bind((address_of(interface, sock.family), 0))


def address_of(interface: str, family: int = socket.AF_INET) -> str:
    """The interface's first address of a family, of IPv6 one that is good beyond its link; raises OSError for none."""
    if family == socket.AF_INET6:
        return _ipv6_of(interface)
    request = struct.pack("256s", interface.encode()[:_NAME_BYTES])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return socket.inet_ntoa(fcntl.ioctl(sock, _SIOCGIFADDR, request)[20:24])


def _ipv6_of(interface: str, file: Path = Path("/proc/net/if_inet6")) -> str:
    """Rows: address, index, prefix length, scope, flags (linux/if_addr.h), name; numbers in hexadecimal."""
    rows = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    good = [
        row[0]
        for scope in (_GLOBAL, _HOST)
        for row in rows
        if row[5] == interface and int(row[3], 16) == scope and not int(row[4], 16) & _TENTATIVE_OR_OLD
    ]
    if not good:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(good[0]))


def family_of(address: str) -> socket.AddressFamily:
    """Of an address in figures."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def in_figures(address: str, port: int) -> Any:
    """What a socket of the address's family connects to, with the scope of a link-local one; raises OSError."""
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM, flags=flags)[0][4]


def with_a_way(addresses: Iterable[str], interface: str) -> list[str]:
    """Those to which there is a route from the interface, in their order; nothing is sent. All, where there is none."""
    given = list(dict.fromkeys(addresses))
    return [one for one in given if _has_a_way(one, interface)] or given


def _has_a_way(address: str, interface: str) -> bool:
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            leave_by(sock, interface)
            if interface:
                address_of(interface, sock.family)  # the kernel takes anything for a neighbour on a bound interface
            sock.connect(in_figures(address, _ANY_PORT))
    except OSError:
        return False
    return True
