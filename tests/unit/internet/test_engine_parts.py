"""What the engines read: replies, counters, iperf3's JSON."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.engines.counter import Counter
from collectors.internet.engines.far_end import far_end
from collectors.internet.engines.iperf3 import understood
from collectors.internet.engines.reply import Reply
from telemetry.errors import BadData, CollectError, Unreachable


def interface(sys: Path, kind: int, received: tuple[int, int]) -> Path:
    folder = sys / "class/net/wan0"
    (folder / "statistics").mkdir(parents=True, exist_ok=True)
    (folder / "type").write_text(f"{kind}\n")
    for name, value in zip(("rx_bytes", "rx_packets"), received, strict=True):
        (folder / "statistics" / name).write_text(f"{value}\n")
    return sys


@pytest.mark.parametrize(("kind", "frame"), [(1, 1514), (512, 1500)], ids=["ethernet", "ppp"])
def test_a_counter_takes_off_the_headers_that_its_interface_counts(tmp_path: Path, kind: int, frame: int) -> None:
    counter = Counter("wan0", "down", interface(tmp_path, kind, (10**12, 10**9)))
    assert (counter.frames(), counter.payload()) == (0, 0)
    interface(tmp_path, kind, (10**12 + 100 * frame, 10**9 + 100))
    assert (counter.frames(), counter.payload()) == (100 * frame, 100 * 1448)
    counter.close()


def test_an_interface_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="type"):
        Counter("wan1", "down", interface(tmp_path, 1, (0, 0)))


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_reply_is_taken_for_a_yes_unless_it_is_one(text: bytes, size: int) -> None:
    reply = Reply()
    try:
        for at in range(0, len(text), size):
            if reply.complete:
                break
            reply.take(text[at : at + size])
    except CollectError:
        return
    assert not reply.complete or text.split()[0].startswith(b"HTTP/1.")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_head_that_comes_in_pieces_is_understood(size: int) -> None:
    reply, text = Reply(), b"HTTP/1.1 206 Partial Content\r\nServer: x\r\n\r\nbody"
    for at in range(0, len(text), size):
        if not reply.complete:
            reply.take(text[at : at + size])
    assert reply.complete


@pytest.mark.parametrize(
    ("server", "down", "up"),
    [
        ("http://speed.example.org", "/blob", "/up"),
        ("http://speed.example.org/", "/blob", "/up"),
        ("http://speed.example.org:8080/far/", "/far/blob", "/far/up"),
        ("http://isp.example.org/backend/garbage.php", "/backend/garbage.php?ckSize=1024", "/backend/empty.php"),
        ("http://isp.example.org/garbage", "/garbage?ckSize=1024", "/empty"),
    ],
)
def test_the_paths_of_a_far_end(server: str, down: str, up: str) -> None:
    far = far_end(server)
    assert (far.down, far.up) == (down, up)
    assert f"GET {down} HTTP/1.1\r\nHost: {far.netloc}\r\n".encode() in far.head("down")


def test_the_word_for_the_referee_stands_in_the_request() -> None:
    assert far_end("http://speed.example.org", "a1b2").up == "/up?id=a1b2"


IPERF3 = {
    "end": {
        "sum_sent": {"bytes": 14_480_000, "bits_per_second": 20e6, "retransmits": 100},
        "sum_received": {"bytes": 14_000_000, "bits_per_second": 19.1e6},
    }
}


def test_iperf3_is_believed_about_what_was_received() -> None:
    up = understood(json.dumps(IPERF3).encode(), "up", 4)
    assert up.line_bytes_per_second == round(19.1e6 / 8)
    assert up.retransmit_ratio == pytest.approx(0.01)
    assert understood(json.dumps(IPERF3).encode(), "down", 4).retransmit_ratio is None


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        (b"", BadData),
        (b"{}", BadData),
        (b'{"end": {"sum_received": {}}}', BadData),
        (b'{"end": {}, "error": "the server is busy running a test. try again later"}', Unreachable),
        (json.dumps(IPERF3).replace("19100000.0", "0").encode(), BadData),
        (b'{"end":' + b"[" * 9000, BadData),
        (b'{"end": {"sum_received": {"bits_per_second": 1e9}, "sum_sent": {"bytes": 1e308}}}', BadData),
        (b'{"end": {"sum_received": {"bits_per_second": 1e9}, "sum_sent": []}}', BadData),
    ],
)
def test_iperf3_without_a_result_has_none(printed: bytes, error: type[CollectError]) -> None:
    with pytest.raises(error):
        understood(printed, "down", 4)
    with pytest.raises(error):
        understood(printed, "up", 4)
