"""Which uplink a socket leaves by.

SO_BINDTODEVICE needs no privilege for a fresh socket since Linux 5.7; before that the interface's own
address stands in, which is right only where policy routing sends that address out by its interface.
"""

import fcntl
import socket
import struct

_SIOCGIFADDR = 0x8915
_NAME_BYTES = 15


def leave_by(sock: socket.socket, interface: str) -> None:
    """Bind an IPv4 socket to an interface; an empty name leaves the choice to the routing table.

    Raises OSError when there is no such interface, or it has no address.
    """
    if not interface:
        return
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode()[:_NAME_BYTES] + b"\0")
    except PermissionError:
        sock.bind((address_of(interface), 0))


def address_of(interface: str) -> str:
    """The interface's first IPv4 address; raises OSError when it has none."""
    request = struct.pack("256s", interface.encode()[:_NAME_BYTES])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return socket.inet_ntoa(fcntl.ioctl(sock, _SIOCGIFADDR, request)[20:24])
