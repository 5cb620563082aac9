"""The TCP flows of a test, filled or drained without copying, ended by a reset."""

import os
import selectors
import socket
import struct
from typing import Protocol

from collectors.internet.engines.far_end import FarEnd
from collectors.internet.engines.reply import MAX_HEAD, Reply
from collectors.internet.engines.tcp_info import TcpInfo, tcp_info
from telemetry.errors import Unreachable

_CHUNK = 256 * 1024
_SCRAP = bytearray(_CHUNK)


class Flow(Protocol):
    """One flow. events: what its socket is to be watched for; it changes."""

    sock: socket.socket
    events: int

    def serve(self, mask: int) -> None:
        """Move what can be moved; raises CollectError when the flow is of no use any more."""

    def arrived(self, info: TcpInfo) -> int:
        """Bytes of payload that have come to their end since the start; `info` is the present one of `sock`."""


class Download:
    """Asks once, reads on; the body is counted in the kernel and thrown away there."""

    def __init__(self, sock: socket.socket, far: FarEnd) -> None:
        self.sock, self.events = sock, selectors.EVENT_READ
        self._reply = Reply()
        self._own = 0
        sock.send(far.head("down"))

    def serve(self, _mask: int) -> None:
        """Read once."""
        try:
            if self._reply.complete:
                got = self.sock.recv_into(_SCRAP, _CHUNK, socket.MSG_TRUNC)
            else:
                got = self._reply.take(self.sock.recv(MAX_HEAD))
        except BlockingIOError:
            return
        except OSError as problem:
            raise Unreachable("a flow broke", reason="reset") from problem
        if got == 0:
            raise Unreachable("the server ended a flow", reason="closed")
        self._own += got

    def arrived(self, _info: TcpInfo) -> int:
        """Bytes read."""
        return self._own


class Upload:
    """Sends one body after the other, and counts what TCP has delivered, never what the socket has swallowed."""

    def __init__(self, sock: socket.socket, far: FarEnd, body: "Body") -> None:
        self.sock, self.events = sock, selectors.EVENT_READ | selectors.EVENT_WRITE
        self._body, self._head = body, far.head("up")
        self._post_bytes = far.post_bytes
        self._pending, self._left = self._head, far.post_bytes
        self._reply = Reply()
        self._before = tcp_info(sock).delivered

    def serve(self, mask: int) -> None:
        """Fill the socket's buffer; look at the answer, which nginx gives before it has read the body."""
        try:
            if mask & selectors.EVENT_READ:
                self._hear()
            if mask & selectors.EVENT_WRITE:
                self._send()
        except BlockingIOError:
            return
        except OSError as problem:
            raise Unreachable("a flow broke", reason="reset") from problem

    def _hear(self) -> None:
        if not self._reply.complete:
            if not self._reply.take(self.sock.recv(MAX_HEAD)):
                raise Unreachable("the server ended a flow", reason="closed")
        elif not self.sock.recv_into(_SCRAP, _CHUNK):
            self.events = selectors.EVENT_WRITE  # it has no more to say, and may read on

    def _send(self) -> None:
        if not self._left:
            self._pending, self._left = self._head, self._post_bytes
        if self._pending:
            self._pending = self._pending[self.sock.send(self._pending) :]
        if not self._pending:
            self._left -= self._body.send(self.sock, self._post_bytes - self._left, self._left)

    def arrived(self, info: TcpInfo) -> int:
        """Bytes that TCP has delivered."""
        return info.delivered - self._before


class Body:
    """Random bytes in memory that the kernel sends from where they are; random: a tunnel may compress."""

    _size = 1024 * 1024

    def __init__(self) -> None:
        self._file = os.memfd_create("upload")
        os.write(self._file, os.urandom(self._size))

    def send(self, sock: socket.socket, offset: int, most: int) -> int:
        """Bytes that the socket took."""
        place = offset % self._size
        return os.sendfile(sock.fileno(), self._file, place, min(most, self._size - place))

    def close(self) -> None:
        """Give the memory back."""
        os.close(self._file)


def reset(sockets: list[socket.socket]) -> None:
    """RST, not FIN: the server stops at once, and what waits to be sent is dropped."""
    for sock in sockets:
        if sock.fileno() < 0:
            continue  # it is closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
