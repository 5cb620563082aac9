"""The oracle's own book: what was meant, what a witness saw on disk, what the agents counted."""

import selectors
import socket
import threading
from collections import defaultdict
from pathlib import Path

from bench.oracle.words import Counted, Fallen, Meant, OnDisk, decoder

Tick = tuple[str, str, int]
"""Centre, lane, value: never twice."""


class Ledger(threading.Thread):
    """Listens on a Unix socket; a line that a kill cut short counts for nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="ledger", daemon=True)
        self.path = path
        self.lock = threading.Lock()
        self.meant: dict[Tick, Meant] = {}
        self.on_disk: dict[Tick, OnDisk] = {}
        self.epochs: dict[str, int] = {}
        self.fallen: dict[str, str] = {}
        self.rows: set[tuple[str, int, int]] = set()
        self.counted: dict[str, dict[int, Counted]] = defaultdict(dict)
        self._stopping = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)

    def run(self) -> None:
        """Thread body."""
        rests: dict[socket.socket, bytearray] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _ in selector.select(0.5):
                    if key.fileobj is self._listener:
                        sock, _ = self._listener.accept()
                        rests[sock] = bytearray()
                        selector.register(sock, selectors.EVENT_READ)
                for sock in [one for one in rests if self._has_ended(one, rests[one])]:
                    selector.unregister(sock)
                    sock.close()
                    del rests[sock]
        for sock in rests:
            sock.close()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.join()
        self._listener.close()

    def dropped(self, centre: str) -> int:
        """Batches that the agent of a centre says it gave up, over all its runs."""
        return sum(one.dropped for one in self.counted[centre].values())

    def _has_ended(self, sock: socket.socket, rest: bytearray) -> bool:
        """Note the whole lines that have come; whether the process is gone."""
        sock.setblocking(False)
        try:
            chunk = sock.recv(1 << 20)
        except BlockingIOError:
            return False
        rest += chunk
        *lines, cut = bytes(rest).split(b"\n")
        rest[:] = cut
        for line in lines:
            self._note(line)
        return not chunk

    def _note(self, line: bytes) -> None:
        word = decoder.decode(line)
        with self.lock:
            if isinstance(word, Counted):
                self.counted[word.centre][word.run] = word
            elif isinstance(word, Fallen):
                self.fallen[word.centre] = word.problem
            elif isinstance(word, Meant):
                self.meant[word.centre, word.lane, word.value] = word
            else:
                self.on_disk.setdefault((word.centre, word.lane, word.value), word)
                self.epochs[word.centre] = word.epoch
                self.rows.add((word.centre, word.epoch, word.row))
