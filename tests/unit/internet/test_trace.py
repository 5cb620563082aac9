"""What a throughput test has counted: ours at the socket, everybody's at the interface."""

import selectors
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.internet.engines.counter import Counter
from collectors.internet.engines.far_end import far_end
from collectors.internet.engines.flows import Body, Download, Upload, reset
from collectors.internet.engines.tcp_info import tcp_info
from collectors.internet.engines.trace import Trace

FAR = far_end("http://127.0.0.1")
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
FRAME, SEGMENT = 1514, 1448


class Interface:
    """A made-up wan0 under a /sys of its own."""

    def __init__(self, sys: Path) -> None:
        self.sys, self._folder = sys, sys / "class/net/wan0"
        (self._folder / "statistics").mkdir(parents=True)
        (self._folder / "type").write_text("1\n")
        self.carried(0)

    def carried(self, packets: int) -> None:
        for way in ("rx", "tx"):
            (self._folder / f"statistics/{way}_bytes").write_text(f"{packets * FRAME}\n")
            (self._folder / f"statistics/{way}_packets").write_text(f"{packets}\n")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP flow over loopback: ours, the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def receive(flow: Download, theirs: socket.socket, size: int) -> None:
    """The server sends so many bytes, the flow reads them all."""
    info = tcp_info(flow.sock)
    before = flow.arrived(info)
    theirs.sendall(bytes(size))
    while flow.arrived(info) < before + size:
        flow.serve(selectors.EVENT_READ)


def test_the_interface_is_believed_while_it_has_seen_what_is_ours(
    tmp_path: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    wan = Interface(tmp_path)
    flow = Download(ours, FAR)
    counter = Counter("wan0", "down", wan.sys)
    trace = Trace([flow], "down", counter)
    theirs.sendall(HEAD)
    receive(flow, theirs, 100 * SEGMENT)
    wan.carried(250)
    trace.take(1.0)
    receive(flow, theirs, 100 * SEGMENT)
    wan.carried(500)
    trace.take(2.0)
    assert trace.signal == "interface"
    assert trace.rate(1.0) == 250 * SEGMENT, "everybody's"
    assert trace.own_share() == pytest.approx(0.4, rel=0.01)
    assert trace.wire_bytes() == pytest.approx(200 * FRAME, rel=0.001), "only ours is charged"
    counter.close()


def test_an_interface_that_hides_what_is_ours_is_dropped_with_what_it_said_before(
    tmp_path: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    """Accelerated forwarding, or a driver that counts once a second."""
    ours, theirs = ends
    wan = Interface(tmp_path)
    flow = Download(ours, FAR)
    counter = Counter("wan0", "down", wan.sys)
    trace = Trace([flow], "down", counter)
    theirs.sendall(HEAD)
    receive(flow, theirs, 100 * SEGMENT)
    wan.carried(150)
    trace.take(1.0)
    assert trace.sees_the_line
    receive(flow, theirs, 100 * SEGMENT)
    trace.take(2.0)
    assert (trace.signal, trace.sees_the_line) == ("app", False)
    assert [one.line for one in trace.samples] == [one.own for one in trace.samples]
    assert trace.own_share() == 1
    counter.close()


def test_an_upload_counts_what_has_arrived_not_what_the_socket_has_swallowed(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    body = Body()
    flow = Upload(ours, FAR, body)
    trace = Trace([flow], "up", None)
    for _ in range(20):
        flow.serve(selectors.EVENT_WRITE)
    swallowed = sum(len(theirs.recv(65536)) for _ in range(4))
    own = trace.take(1.0)
    assert swallowed <= own, "what was read over there has arrived over there"
    assert trace.signal == "delivered"
    assert trace.wire_bytes() >= own * trace.frame_of_payload * 0.99
    body.close()


def test_a_flow_is_ended_by_a_reset(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    reset([ours])
    reset([ours])
    with pytest.raises(ConnectionResetError):
        theirs.recv(1)
