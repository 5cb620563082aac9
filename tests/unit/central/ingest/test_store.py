"""The store over HTTP, against the real Prometheus: stored, refused, away, and restarted."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.config import Store as StoreConfig
from central.ingest import protobuf
from central.ingest.store import Store
from stage.parts import prometheus
from stage.process import Part, free_port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Part, str]]:
    part, url = prometheus(tmp_path_factory.mktemp("prometheus"))
    with part:
        yield part, url


@pytest.fixture
def store(running: tuple[Part, str]) -> Iterator[Store]:
    made = Store(StoreConfig(url=running[1], timeout_seconds=5))
    yield made
    made.close()


def _body(name: str, seconds_ago: float, value: float = 1.0) -> bytes:
    at = protobuf.stamps([int((time.time() - seconds_ago) * 1000)])
    return protobuf.compressed([protobuf.series(protobuf.labels({"__name__": name, "centre": "PK-X"}), [value], at)])


def test_samples_of_now_and_of_three_days_ago_are_stored(store: Store) -> None:
    assert [store.write(_body("a", ago)) for ago in (0, 86_400, 3 * 86_400)] == ["stored"] * 3


def test_the_same_sample_again_is_stored_again(store: Store) -> None:
    body = _body("b", 10)
    assert (store.write(body), store.write(body)) == ("stored", "stored")


def test_a_stale_marker_is_stored(store: Store) -> None:
    at = protobuf.stamps([int(time.time() * 1000)])
    assert store.write(protobuf.compressed([protobuf.stale(protobuf.labels({"__name__": "c"}), at)])) == "stored"


def test_a_sample_that_can_never_be_stored_is_refused_with_its_reason(store: Store) -> None:
    assert store.write(_body("d", 0)) == "stored"
    assert store.write(_body("d", 32 * 86_400)) == "refused"
    assert "too old sample" in store.problem


@pytest.mark.parametrize("body", [b"", b"not snappy", protobuf.compressed([b"not protobuf"])])
def test_a_request_that_is_none_is_refused_or_empty(store: Store, body: bytes) -> None:
    assert store.write(body) in ("refused", "stored")


def test_nobody_there_is_busy_and_never_an_exception() -> None:
    store = Store(StoreConfig(url=f"http://127.0.0.1:{free_port()}", timeout_seconds=1))
    assert (store.write(b"x"), store.start_time()) == ("busy", None)
    assert store.problem


def test_a_connection_that_the_store_closed_is_opened_again(running: tuple[Part, str], tmp_path: Path) -> None:
    part, url = running
    store = Store(StoreConfig(url=url, timeout_seconds=5))
    before = store.start_time()
    assert before is not None
    assert store.start_time() == before
    part.kill()
    assert (store.write(_body("e", 0)), store.start_time()) == ("busy", None)
    part.start()
    assert store.write(_body("e", 0)) == "stored"
    assert store.start_time() not in (None, before)
    store.close()
