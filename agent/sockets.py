"""Small things that the uplink does with sockets."""

import selectors
import socket
from typing import Protocol


class SocketLike(Protocol):
    """What paho calls a socket."""

    def fileno(self) -> int:
        """Its number."""

    def close(self) -> None:
        """Close it."""


def drain(sock: socket.socket) -> None:
    """Read away what has come."""
    try:
        while sock.recv(4096):
            pass
    except BlockingIOError:
        pass


def writable(sock: SocketLike | None) -> bool:
    """Whether something can be written without waiting."""
    if sock is None:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        return bool(selector.select(0))


def close(sock: SocketLike | None) -> None:
    """Close it, if there is one."""
    if sock is not None:
        sock.close()
