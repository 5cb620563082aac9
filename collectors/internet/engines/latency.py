"""The round trip of a line under load: one TCP connect at a time, ten a second, beside the test's flows."""

import selectors
import socket
import statistics

from collectors.via import leave_by

_EVERY_SECONDS, _LOST_SECONDS = 0.1, 2.0


class Latency:
    """To the far end of `flow`. `tick` often; `median` tells what the later two thirds took. The lost do not count."""

    def __init__(self, flow: socket.socket, selector: selectors.BaseSelector, interface: str = "") -> None:
        self._family, self._address = flow.family, flow.getpeername()
        self._selector, self._interface = selector, interface
        self._probe: socket.socket | None = None
        self._begun = 0.0
        self._found: list[float] = []

    def tick(self, now: float) -> None:
        """Send the next probe when it is time; `now` in seconds of any clock, the same as for `serve`."""
        if self._probe is not None and now - self._begun > _LOST_SECONDS:
            self.close()
        if self._probe is None and now - self._begun >= _EVERY_SECONDS:
            self._probe = socket.socket(self._family)
            self._probe.setblocking(False)
            leave_by(self._probe, self._interface)
            self._probe.connect_ex(self._address)
            self._begun = now
            self._selector.register(self._probe, selectors.EVENT_WRITE, self)

    def serve(self, now: float) -> None:
        """The probe's socket is ready: it has been answered, or refused."""
        if self._probe is not None and not self._probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._found.append(now - self._begun)
        self.close()

    def last(self) -> float:
        """The latest round trip in seconds; 0 before there is one."""
        return self._found[-1] if self._found else 0.0

    def median(self) -> float | None:
        """In seconds, or None."""
        rest = self._found[len(self._found) // 3 :]
        return round(statistics.median(rest), 5) if rest else None

    def close(self) -> None:
        """Forget the probe that is under way."""
        if self._probe is not None:
            self._selector.unregister(self._probe)
            self._probe.close()
            self._probe = None
