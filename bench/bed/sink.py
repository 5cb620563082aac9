"""Reads what comes on a local socket, and forgets it: sink.py PATH."""

import contextlib
import socket
import socketserver
import sys


def drain(flow: socket.socket) -> None:
    """Read until the other side ends or breaks off."""
    scrap = bytearray(256 * 1024)
    with contextlib.suppress(OSError):
        while flow.recv_into(scrap):
            pass


class Sink(socketserver.ThreadingUnixStreamServer):
    """A thread a flow."""

    daemon_threads = True


class Forget(socketserver.BaseRequestHandler):
    """One flow."""

    def handle(self) -> None:
        """Until its end."""
        drain(self.request)


if __name__ == "__main__":
    with Sink(sys.argv[1], Forget) as server:
        server.serve_forever()
