"""Find the far end and open the flows to it, all at once."""

import contextlib
import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any

from collectors.internet.engines import Direction
from collectors.internet.engines.far_end import FarEnd
from collectors.via import family_of, in_figures, leave_by, with_a_way
from telemetry.errors import CollectError, TimedOut, Unreachable

_CONNECT_SECONDS, _IMPATIENT_SECONDS = 4.0, 2.0
_RESOLVER_PATIENCE = "timeout:2 attempts:1"  # resolv.conf(5): glibc's own is 10 s a name server


def resolve(far: FarEnd, interface: str = "") -> list[str]:
    """Its addresses, one of each family, as getaddrinfo orders them, with a way from the interface; or Unreachable."""
    os.environ["RES_OPTIONS"] = _RESOLVER_PATIENCE
    try:
        found = socket.getaddrinfo(far.host, far.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise Unreachable(f"{far.host}: no such name", reason="no_such_name") from problem
    first = {one[0]: str(one[4][0]) for one in reversed(found)}
    return with_a_way((first[one[0]] for one in found), interface)


def connect(
    addresses: Sequence[str], port: int, count: int, direction: Direction, interface: str = ""
) -> tuple[list[socket.socket], float]:
    """So many connected sockets that leave by the interface, and the shortest time that one took.

    An address that does not answer gives way to the next: a line may have IPv6 that leads nowhere. Raises TimedOut or
    Unreachable, and OSError when there is no such interface.
    """
    for number, address in enumerate(addresses):
        last = number == len(addresses) - 1
        try:
            patience = _CONNECT_SECONDS if last else _IMPATIENT_SECONDS
            return _connect(in_figures(address, port), family_of(address), count, direction, interface, patience)
        except CollectError:
            if last:
                raise
    raise Unreachable("no address")


def _connect(
    address: Any, family: socket.AddressFamily, count: int, direction: Direction, interface: str, patience: float
) -> tuple[list[socket.socket], float]:
    with contextlib.ExitStack() as undo, selectors.DefaultSelector() as selector:
        begun = time.monotonic()
        flows = []
        for _ in range(count):
            flow = undo.enter_context(socket.socket(family))
            flow.setblocking(False)
            leave_by(flow, interface)
            if direction == "up":
                _prefer_bbr(flow)
            problem = flow.connect_ex(address)
            if problem not in (0, errno.EINPROGRESS):
                raise _unreachable(problem)
            selector.register(flow, selectors.EVENT_WRITE)
            flows.append(flow)
        rtt = _await_all(selector, begun, patience)
        undo.pop_all()
    return flows, rtt


def _await_all(selector: selectors.BaseSelector, begun: float, patience: float) -> float:
    rtt = 0.0
    while selector.get_map():
        ready = selector.select(max(0.0, begun + patience - time.monotonic()))
        if not ready:
            raise TimedOut("the server does not answer")
        rtt = rtt or time.monotonic() - begun
        for key, _ in ready:
            flow = key.fileobj
            assert isinstance(flow, socket.socket)
            problem = flow.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem:
                raise _unreachable(problem)
            selector.unregister(flow)
    return rtt


def _prefer_bbr(flow: socket.socket) -> None:
    """Cubic under loss shows the loss, not the line; without the module or the right, it stays as it is."""
    with contextlib.suppress(OSError):
        flow.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")


def _unreachable(problem: int) -> Unreachable:
    return Unreachable(f"the server cannot be reached: {os.strerror(problem)}")
