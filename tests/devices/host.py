"""A machine on the network that can lose its power: a TCP listener that then does not answer, not even by a refusal."""

import socket
import threading
from typing import Self

_MORE_THAN_THE_QUEUE = 3


class Host:
    """Accepts on a loopback port while it has power."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._powered, self._ending = threading.Event(), threading.Event()
        self._idle = threading.Event()
        self._powered.set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._waiting: list[socket.socket] = []
        self._thread.start()

    def lose_power(self) -> None:
        """Nobody takes connections any more, and as many wait as may: further ones are dropped by the kernel."""
        self._idle.clear()
        self._powered.clear()
        assert self._idle.wait(5)
        for _ in range(_MORE_THAN_THE_QUEUE):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self._waiting.append(one)

    def regain_power(self) -> None:
        for one in self._waiting:
            one.close()
        self._waiting.clear()
        self._powered.set()

    def _serve(self) -> None:
        while not self._ending.is_set():
            if not self._powered.wait(0.05):
                self._idle.set()
                continue
            try:
                self._listener.accept()[0].close()
            except TimeoutError:
                continue

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.regain_power()
        self._ending.set()
        self._thread.join(5)
        self._listener.close()
