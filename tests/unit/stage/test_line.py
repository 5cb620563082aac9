"""The line: it carries, holds up, loses one end, ends, and counts as a real one would."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from stage.line import Line


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that sends back what it gets."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve() -> None:
            while not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    sock, _ = server.accept()
                    threads.append(threading.Thread(target=answer, args=(sock,)))
                    threads[-1].start()

        def answer(sock: socket.socket) -> None:
            with sock, contextlib.suppress(OSError):
                while chunk := sock.recv(65536):
                    sock.sendall(chunk)

        threads = [threading.Thread(target=serve)]
        threads[0].start()
        yield server.getsockname()[1]
        stopping.set()
        for thread in threads:
            thread.join()


def connected(line: Line) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=10)


def there_and_back(sock: socket.socket, size: int) -> None:
    sock.sendall(b"x" * size)
    while size:
        size -= len(sock.recv(65536))


def silent(sock: socket.socket) -> bool:
    sock.settimeout(0.3)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(10)
    return False


def test_what_is_carried_is_counted_with_its_headers(echo: int) -> None:
    with Line(echo) as line:
        with connected(line) as sock:
            there_and_back(sock, 14_480)
            before = line.carried()
        assert before.connections == 1
        assert before.segments >= 2 * 10
        assert before.up == pytest.approx(14_480 + 52 * before.segments / 2, rel=0.1)
        assert before.total == before.up + before.down


def test_a_black_line_holds_everything_and_gives_it_later(echo: int) -> None:
    with Line(echo) as line, connected(line) as sock:
        there_and_back(sock, 10)
        line.black()
        sock.sendall(b"late")
        assert silent(sock)
        line.clear()
        assert sock.recv(4) == b"late"


def test_half_open_the_gateway_hears_nothing(echo: int) -> None:
    with Line(echo) as line, connected(line) as sock:
        there_and_back(sock, 10)
        line.half_open()
        sock.sendall(b"into the void")
        assert silent(sock)


def test_a_cut_ends_the_connection(echo: int) -> None:
    with Line(echo) as line, connected(line) as sock:
        there_and_back(sock, 10)
        line.cut()
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""


def test_a_slow_line_takes_its_time(echo: int) -> None:
    with Line(echo, up_rate=50_000, down_rate=50_000) as line, connected(line) as sock:
        begun = time.monotonic()
        there_and_back(sock, 50_000)
        assert time.monotonic() - begun >= 0.9
