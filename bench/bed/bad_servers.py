"""Far ends that fail, a port each: bad_servers.py reset=PORT refuse=PORT stall=PORT. Says so in a file `ready`."""

import socket
import socketserver
import struct
import sys
import threading
import time
from pathlib import Path

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n"
_SOME = 100_000  # a flow: too little for a rate
_HANGING_SECONDS = 60.0


class Server(socketserver.ThreadingTCPServer):
    """A thread a flow."""

    daemon_threads = True
    allow_reuse_address = True


class _Flow(socketserver.BaseRequestHandler):
    def some(self) -> None:
        """Serve a part of what was asked for."""
        if self.request.recv(4096, socket.MSG_PEEK).startswith(b"POST"):
            left = _SOME
            while left > 0 and (got := len(self.request.recv(65536))):
                left -= got
        else:
            self.request.sendall(_HEAD + bytes(_SOME))


class Reset(_Flow):
    """RST in the middle."""

    def handle(self) -> None:
        """One flow."""
        self.some()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()

    def finish(self) -> None:
        """Nothing: it is closed."""


class Refuse(_Flow):
    """403, in words and then for good."""

    def handle(self) -> None:
        """One flow."""
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        time.sleep(1.0)


class Stall(_Flow):
    """A part, then silence."""

    def handle(self) -> None:
        """One flow."""
        self.some()
        time.sleep(_HANGING_SECONDS)


if __name__ == "__main__":
    kinds = {"reset": Reset, "refuse": Refuse, "stall": Stall}
    for word in sys.argv[1:]:
        kind, port = word.split("=")
        threading.Thread(target=Server(("", int(port)), kinds[kind]).serve_forever).start()
    Path("ready").touch()
