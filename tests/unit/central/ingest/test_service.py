"""The loop's judgement of single messages, without a broker: what a centre can do to the country."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from central.config import Config, Database
from central.config import Ingest as IngestConfig
from central.database import certificates
from central.ingest.service import Ingest, Ready
from central.ingest.subscribe import Message
from telemetry import catalogue as names
from telemetry.letter import sealed
from telemetry.reading import Series
from telemetry.wire import (
    MAX_SERIES,
    MAX_TICKS,
    Ack,
    Batch,
    Schema,
    encode_batch,
    encode_schema,
    inflate,
    make_schema,
)
from tests.unit.central.write_request import read

CENTRE = "PK-PB-00042"
SCHEMA = make_schema([Series(names.UPS_UP, ("rack",))])
HOUR = 3_600_000


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Ingest]:
    config = Config(
        database=Database(url=f"sqlite:///{tmp_path}/central.sqlite"),
        ingest=IngestConfig(quarantine_directory=str(tmp_path / "quarantine"), quarantine_megabytes=1),
    )
    made = Ingest(config)
    yield made
    made._database.dispose()


def _message(topic: str, payload: bytes, *, retained: bool = False) -> Message:
    return Message(f"centres/{CENTRE}/{topic}", payload, retained, 0, 0, 0, time.time())


def _admit(ingest: Ingest, message: Message) -> list[Ready]:
    return list(ingest._admit(message))


def _admitted(ingest: Ingest, message: Message) -> Ready | None:
    """Of a message that holds one thing."""
    found = _admit(ingest, message)
    assert len(found) < 2
    return found[0] if found else None


def _state(ingest: Ingest, age_ms: int, *, retained: bool) -> Ready | None:
    ts = int(time.time() * 1000) - age_ms
    body = json.dumps({"v": 1, "ts": ts, "ups": {"rack": {"up": True}}}).encode()
    return _admitted(ingest, _message("state/power", body, retained=retained))


def _samples(ingest: Ingest, at: int) -> Ready | None:
    return _admitted(ingest, _message("samples", encode_batch(SCHEMA, Batch(7, 3, (at,), ([1],)))))


def _now_ms() -> int:
    return int(time.time() * 1000)


def test_a_batch_waits_until_its_schema_is_known(ingest: Ingest) -> None:
    assert _samples(ingest, _now_ms()) is None
    assert ingest.rejected == {}
    assert _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True)) == []
    ready = _samples(ingest, _now_ms())
    assert ready is not None
    assert ready.batch is not None
    assert (ready.centre, ready.batch.epoch, ready.batch.seq) == (CENTRE, 7, 3)
    assert [one.name for one in read(ready.body)] == ["centre_ups_up"]


def _line(at: int, seq: int, *, schema: Schema = SCHEMA) -> bytes:
    return inflate(encode_batch(schema, Batch(7, seq, (at,), ([1],))))


def test_each_batch_of_a_letter_is_admitted_by_itself(ingest: Ingest) -> None:
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    found = _admit(ingest, _message("samples", sealed([_line(_now_ms() - 1000, 4), _line(_now_ms(), 5)])))
    assert [one.batch and one.batch.seq for one in found] == [4, 5]


def test_one_bad_batch_of_a_letter_is_refused_and_set_aside_alone(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acks: list[Ack] = []
    monkeypatch.setattr(ingest, "_send_ack", lambda _centre, ack: acks.append(ack))
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    future, torn = _line(_now_ms() + HOUR, 4), b'{"v":1,'
    found = _admit(ingest, _message("samples", sealed([future, torn, _line(_now_ms(), 6)])))
    assert [one.batch and one.batch.seq for one in found] == [6]
    assert ingest.rejected == {"future": 1, "malformed": 1}
    assert [(one.e, one.r) for one in acks] == [(7, [4])]
    aside = sorted(file.read_bytes().partition(b"\n")[2] for file in (tmp_path / "quarantine").iterdir())
    assert aside == sorted([future, torn])


def test_a_letter_of_rubbish_costs_a_few_refusals_and_no_more(ingest: Ingest, tmp_path: Path) -> None:
    assert _admit(ingest, _message("samples", sealed([b"{"] * 32))) == []
    assert ingest.rejected == {"malformed": 5, "flood": 1}
    assert len(list((tmp_path / "quarantine").iterdir())) == 5


def test_a_letter_that_inflates_to_millions_of_samples_is_taken_as_far_as_one_batch_goes(ingest: Ingest) -> None:
    many = make_schema([Series(names.UPS_UP, (f"ups-{number}",)) for number in range(MAX_SERIES)])
    _admit(ingest, _message(f"state/schema/{many.sid}", encode_schema(many), retained=True))
    times = tuple(_now_ms() - 60_000 + number for number in range(MAX_TICKS))
    lines = [
        inflate(encode_batch(many, Batch(7, seq, times, ((1,) * MAX_TICKS,) * MAX_SERIES))) for seq in range(1, 33)
    ]
    found = _admit(ingest, _message("samples", sealed(lines)))
    assert [one.batch and one.batch.seq for one in found] == [1, 2]  # the rest is not acknowledged, and comes again
    assert ingest.rejected == {"flood": 1}


def test_each_batch_of_a_letter_is_held_to_the_allowance(ingest: Ingest) -> None:
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    letter = _message("samples", sealed([_line(_now_ms(), seq) for seq in range(1, 33)]))
    taken = sum(len(_admit(ingest, letter)) for _ in range(60))
    assert 1200 <= taken <= 1250  # messages_at_once, and what a moment adds
    assert ingest.rejected["flood"] > 0


def test_a_turn_asks_the_store_in_portions(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    portions: list[list[int]] = []
    monkeypatch.setattr("central.ingest.service._WRITE_BYTES", 1)
    monkeypatch.setattr(ingest, "_keep", lambda ready: portions.append([one.batch.seq for one in ready]))
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    ingest._subscriber.messages.put(_message("samples", sealed([_line(_now_ms(), 4), _line(_now_ms(), 5)])))
    ingest._next = dict.fromkeys(ingest._next, float("inf"))
    ingest.turn()
    assert portions == [[4], [5]]


def test_a_schema_that_is_missing_holds_up_its_own_batch_only(ingest: Ingest) -> None:
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    other = make_schema([Series(names.UPS_UP, ("hall",))])
    found = _admit(ingest, _message("samples", sealed([_line(_now_ms(), 4, schema=other), _line(_now_ms(), 5)])))
    assert [one.batch and one.batch.seq for one in found] == [5]
    assert ingest.rejected == {}


def test_what_a_turn_took_is_told_to_the_broker_once_for_each_message(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Message | int] = []
    monkeypatch.setattr(ingest._subscriber, "done", done.append)
    monkeypatch.setattr(ingest, "_keep", lambda ready: done.append(len(ready)))
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    letter = _message("samples", sealed([_line(_now_ms() - 1000, 4), b"{", _line(_now_ms(), 5)]))
    noise = _message("samples", b"\0")
    for one in (letter, noise):
        ingest._subscriber.messages.put(one)
    ingest._next = dict.fromkeys(ingest._next, float("inf"))
    ingest.turn()
    assert done == [2, letter, noise]  # after the store has it


def test_a_schema_under_a_foreign_id_is_rejected(ingest: Ingest) -> None:
    _admit(ingest, _message("state/schema/00000000", encode_schema(SCHEMA)))
    assert ingest.rejected == {"schema": 1}


@pytest.mark.parametrize("retained", [False, True])
def test_a_state_of_now_becomes_samples(ingest: Ingest, retained: bool) -> None:
    ready = _state(ingest, 0, retained=retained)
    assert ready is not None
    assert [one.name for one in read(ready.body)] == ["centre_ups_up"]


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize("ahead_hours", [1, 24, 24 * 7, 24 * 365])
def test_a_state_of_the_future_never_reaches_the_store(ingest: Ingest, ahead_hours: int, retained: bool) -> None:
    # One sample a week ahead and Prometheus refuses every series of every centre, also after a restart.
    assert _state(ingest, -ahead_hours * HOUR, retained=retained) is None


@pytest.mark.parametrize(("age_hours", "retained"), [(96, False), (25, True), (24 * 400, True)])
def test_a_state_that_is_too_old_never_reaches_the_store(ingest: Ingest, age_hours: int, retained: bool) -> None:
    assert _state(ingest, age_hours * HOUR, retained=retained) is None


def test_an_empty_retained_state_is_the_end_of_it_and_no_fault(ingest: Ingest) -> None:
    assert _admit(ingest, _message("state/power", b"", retained=True)) == []
    assert ingest.rejected == {}


@pytest.mark.parametrize("topic", ["samples", "state/power", "state/online", "state/schema/01234567"])
@pytest.mark.parametrize(
    "payload", [b"\xff", b"{", b'{"v":1,"sid":"\xff"}', b'{"v":1,"ts":0,"x":"\xff"}', b"\x78\xda\xff", b"[" * 9000]
)
def test_a_message_that_cannot_be_read_costs_one_rejection(ingest: Ingest, topic: str, payload: bytes) -> None:
    assert _admit(ingest, _message(topic, payload)) == []
    assert ingest.rejected == {"malformed": 1}


def test_a_foreign_topic_costs_one_rejection(ingest: Ingest) -> None:
    assert _admit(ingest, Message("centres/pk-1/samples", b"{}", False, 0, 0, 0, time.time())) == []
    assert ingest.rejected == {"topic": 1}


@pytest.mark.parametrize(("shift", "reason"), [(HOUR, "future"), (-744 * HOUR, "old")])
def test_a_batch_out_of_time_is_rejected_for_its_reason(ingest: Ingest, shift: int, reason: str) -> None:
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA)))
    assert _samples(ingest, _now_ms() + shift) is None
    assert ingest.rejected == {reason: 1}


def test_a_revoked_centre_is_counted_and_neither_believed_nor_acknowledged(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    _admit(ingest, _message(f"state/schema/{SCHEMA.sid}", encode_schema(SCHEMA), retained=True))
    ingest._revoked = frozenset({CENTRE})
    acknowledged: list[str] = []
    monkeypatch.setattr(ingest._subscriber, "publish", lambda topic, _body: acknowledged.append(topic))
    assert _samples(ingest, _now_ms()) is None
    assert _state(ingest, 0, retained=False) is None
    assert (ingest.rejected, acknowledged) == ({"revoked": 2}, [])
    ingest._revoked = frozenset()
    assert _samples(ingest, _now_ms()) is not None


@pytest.mark.parametrize(
    ("asked", "returned"), [(1_234_567, 1_234_567), (None, 0), (-1, 0), (True, 0), ("1", 0), (1.5, 0), (2**60, 0)]
)
def test_who_says_that_it_is_here_is_told_the_time_and_which_question_that_answers(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch, asked: object, returned: int
) -> None:
    told: list[Ack] = []
    monkeypatch.setattr(ingest._subscriber, "publish", lambda _, body: told.append(msgspec.json.decode(body, type=Ack)))
    body = json.dumps({"v": 1, "ts": 0, "online": True, "asked": asked}).encode()
    _admit(ingest, _message("state/online", body))
    _admit(ingest, _message("state/online", body, retained=True))  # nobody asks: it was said before we came
    (ack,) = told
    assert ack == Ack(t=ack.t, asked=returned)
    assert abs(ack.t - _now_ms()) < 10_000


def test_that_a_revoked_centre_is_gone_is_still_heard(ingest: Ingest) -> None:
    ingest._revoked = frozenset({CENTRE})
    body = json.dumps({"v": 1, "ts": _now_ms(), "online": False, "cause": "lost"}).encode()
    _admit(ingest, _message("state/online", body))
    assert ingest._roll.centres[CENTRE].online is False


def test_who_is_revoked_is_read_from_the_database(ingest: Ingest) -> None:
    now = datetime.now(UTC)
    row = {"serial": "a1", "centre": CENTRE, "key": "k", "issued": now, "not_after": now + timedelta(days=1), "pem": ""}
    with ingest._database.begin() as connection:
        connection.execute(certificates.insert().values(revoked_at=now, **row))
    ingest._read_registry()
    assert ingest._revoked == {CENTRE}
