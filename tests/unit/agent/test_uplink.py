"""What comes back on the ack topic is foreign input: the thread that keeps the uplink survives all of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import MQTTMessage

from agent.config import UplinkConfig
from agent.outbox import Outbox
from agent.uplink import Uplink
from tests.unit.agent.outboxes import Clock, numbers, opened, tick


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    clock = Clock()
    made = opened(tmp_path / "outbox.sqlite", clock)
    made.append("ups/rack", tick(clock, 1))
    made.close_all()
    yield made
    made.close()


@contextmanager
def _waiting(outbox: Outbox) -> Iterator[Uplink]:
    """An uplink whose thread was never started."""
    made = Uplink("PK-PB-00042", UplinkConfig("127.0.0.1", tls=False), outbox, "1.0")
    with made._wake_r, made._wake_w:
        yield made


@pytest.fixture
def uplink(outbox: Outbox) -> Iterator[Uplink]:
    with _waiting(outbox) as made:
        yield made


def _hear(uplink: Uplink, payload: bytes) -> None:
    message = MQTTMessage(topic=b"centres/PK-PB-00042/ack")
    message.payload = payload
    uplink._on_message(None, None, message)


def test_an_ack_settles_the_rows_it_names(uplink: Uplink, outbox: Outbox) -> None:
    _hear(uplink, b'{"t":1760000000000,"e":%d,"a":[[1,1]]}' % outbox.epoch)
    assert outbox.stats().rows == 0


def test_a_rejected_row_goes_and_is_counted(uplink: Uplink, outbox: Outbox) -> None:
    _hear(uplink, b'{"t":1760000000000,"e":%d,"r":[1]}' % outbox.epoch)
    assert (outbox.stats().rows, uplink.refused["ingest"]) == (0, 1)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"[]", b"{}", b'{"t":"now"}', b'{"t":1,"need":"\xff"}', b'{"t":1,"x":' + b"[" * 30_000,
        b'{"t":1,"e":-1,"a":[[1,1]]}', b'{"t":1,"a":[[1]]}', b'{"t":1,"a":[[1,1]],"e":4294967296}',
        b'{"t":1,"need":"01234567"}', b'{"t":' + b"9" * 400 + b"}", b" " * 100_000,
    ],
    ids=range(13),
)  # fmt: skip
def test_an_ack_that_means_nothing_is_survived_and_deletes_nothing(
    uplink: Uplink, outbox: Outbox, payload: bytes
) -> None:
    _hear(uplink, payload)
    assert numbers(outbox) == [("rack", 1)]


def test_an_ack_of_our_epoch_with_absurd_ranges_is_survived(uplink: Uplink, outbox: Outbox) -> None:
    for ranges in (b"[[5,2]]", b"[[-9,-1]]", b"[[2,99999999999999999999999]]"):
        _hear(uplink, b'{"t":1,"e":%d,"a":%s}' % (outbox.epoch, ranges))
    assert numbers(outbox) == [("rack", 1)]


@given(st.binary(max_size=60))
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    outbox = opened(tmp_path_factory.getbasetemp() / "any" / "outbox.sqlite", Clock())
    with _waiting(outbox) as uplink:
        for payload in (body, b'{"t":1,"need":"' + body + b'"}'):
            _hear(uplink, payload)
    outbox.close()


def test_a_row_whose_schema_is_damaged_waits_for_it_and_the_others_go(uplink: Uplink, outbox: Outbox) -> None:
    clock = Clock()
    outbox.append("ups/hall", tick(clock, 2, "hall"))
    outbox.close_all()
    first, second = outbox.oldest(2)
    assert [uplink._described(row) for row in (first, second)] == [True, True]
    outbox._database.work(lambda db: db.execute("DELETE FROM schema WHERE sid = ?", (first.sid,)))
    assert [uplink._described(row) for row in (first, second)] == [False, True]
    assert [row.seq for row, _ in uplink._queue.rows(time.monotonic())] == [second.seq]
    outbox.append("ups/rack", tick(clock, 3))  # the same series: their schema is written again
    assert uplink._described(first)
    assert outbox.stats().lost == {}
