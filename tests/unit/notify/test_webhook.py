"""Alertmanager's webhook: who may speak, what is refused, and what 200 promises."""

import http.client
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.engine import make_url

from central.database import notifications, open_database
from central.notify.alerts import MAX_BODY_BYTES, firing
from central.notify.service import Notifier
from tests.unit.notify import gateways
from tests.unit.notify.conftest import Postgres
from tests.unit.notify.gateways import CENTRE, NUMBER, alert, listening, notifier, post, rows, webhook

ONE = f"Amna Khan|en|sms:{NUMBER}"


@pytest.fixture
def silent(engine: Engine, tmp_path: Path) -> Notifier:
    """A notifier that takes alerts and sends nothing, over a registry of one centre."""
    gateways.register(engine, tmp_path, ONE)
    return notifier(engine, gateways.settings(tmp_path), {})


@pytest.fixture
def gate(sqlite_engine: Engine, tmp_path: Path) -> Notifier:
    """The same on SQLite alone, for what never reaches the database."""
    gateways.register(sqlite_engine, tmp_path, ONE)
    return notifier(sqlite_engine, gateways.settings(tmp_path), {})


def test_a_good_webhook_is_in_the_database_when_200_comes(silent: Notifier, url: str) -> None:
    with listening(silent) as port:
        assert post(port, webhook(alert())) == 200
        other = create_engine(url)
        with other.connect() as connection:
            assert connection.execute(select(func.count()).select_from(notifications)).scalar() == 1
        other.dispose()
    (row,) = rows(silent.engine)
    assert (row["centre"], row["alert"], row["recipient"]) == (CENTRE, "MainsLost", f"{CENTRE}/0")
    assert row["channels"] == [["sms", NUMBER]]
    assert row["text"] == (
        "e-Rozgar Multan (PK-PB-00042): mains power is off, on battery. "
        "Check the breaker; if neighbours are dark too, wait."
    )
    assert (row["sent"], row["failed"], row["tries"]) == (None, None, 0)


@pytest.mark.parametrize("token", ["", "wrong", gateways.TOKEN + "x", gateways.TOKEN[:-1], "é"])
def test_a_wrong_token_is_401_and_changes_nothing(gate: Notifier, token: str) -> None:
    with listening(gate) as port:
        assert post(port, webhook(alert()), token=token) == 401
    assert rows(gate.engine) == []


def test_no_token_at_all_is_401(gate: Notifier) -> None:
    with listening(gate) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/alerts", webhook(alert()))
        assert connection.getresponse().status == 401
        connection.close()


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "-1", "many", "", "9" * 30])
def test_a_length_beyond_4_mib_or_none_is_413_before_a_byte_is_read(gate: Notifier, length: str) -> None:
    with listening(gate) as port:
        assert post(port, b"", length=length) == 413


@pytest.mark.parametrize("length", ["²", "9" * 5000])
def test_a_length_that_looks_like_a_number_and_is_none_is_answered_too(gate: Notifier, length: str) -> None:
    with listening(gate) as port:
        assert post(port, b"", length=length) == 413


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"alerts":{}}', b'{"alerts":[1]}', b'{"alerts":[{"status":"firing"}]}',
        b'{"alerts":[{"status":"firing","labels":{"centre":7}}]}', b"\xff\xfe", b'{"alerts":' + b"[" * 5000,
        b'{"alerts":[{"status":"firing","labels":{"alertname":"\\ud800"}}]}',
    ],
)  # fmt: skip
def test_nonsense_is_400_and_changes_nothing(gate: Notifier, body: bytes) -> None:
    with listening(gate) as port:
        assert post(port, body) == 400
    assert rows(gate.engine) == []


def test_other_paths_are_404(gate: Notifier) -> None:
    with listening(gate) as port:
        assert post(port, webhook(alert()), path="/") == 404
        assert get(port, "/alerts") == 404


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def take_away(engine: Engine, request: pytest.FixtureRequest) -> None:
    """The database is gone: a file of rubbish, or dropped on the server."""
    url = engine.url.render_as_string(hide_password=False)
    engine.dispose()
    if engine.dialect.name == "sqlite":
        file = Path(make_url(url).database or "")
        for part in file.parent.glob(file.name + "*"):
            part.unlink()
        file.write_bytes(b"rubbish " * 1000)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        server.drop(url)


def test_a_database_that_is_gone_is_503_so_that_alertmanager_comes_again(
    silent: Notifier, request: pytest.FixtureRequest
) -> None:
    with listening(silent) as port:
        assert get(port, "/health") == 200
        take_away(silent.engine, request)
        assert post(port, webhook(alert())) == 503
        assert get(port, "/health") == 503


def test_the_same_alert_again_adds_nothing_and_a_later_one_adds_one(silent: Notifier) -> None:
    """Alertmanager repeats what fires; startsAt tells a new occasion."""
    with listening(silent) as port:
        assert post(port, webhook(alert(), alert())) == 200
        assert post(port, webhook(alert())) == 200
        assert len(rows(silent.engine)) == 1
        assert post(port, webhook(alert(starts="2026-03-01T18:30:00Z"))) == 200
        assert len(rows(silent.engine)) == 2
        assert post(port, webhook(alert("UpsRuntimeShort"))) == 200
        assert len(rows(silent.engine)) == 3


def test_what_is_resolved_needs_no_text(silent: Notifier) -> None:
    with listening(silent) as port:
        assert post(port, webhook({**alert(), "status": "resolved"})) == 200
        assert post(port, webhook()) == 200
    assert rows(silent.engine) == []


def test_an_alert_of_an_unknown_centre_goes_to_the_noc(engine: Engine, tmp_path: Path) -> None:
    config = gateways.settings(tmp_path, noc=gateways.NOC)
    with listening(notifier(engine, config, {})) as port:
        assert post(port, webhook(alert(centre="PK-SD-00007"))) == 200
        assert post(port, webhook(alert("IngestDown", centre=""))) == 200
    told = rows(engine)
    assert [row["channels"] for row in told] == [[["email", gateways.NOC]]] * 2
    assert {row["recipient"] for row in told} == {"noc"}
    assert {row["failed"] for row in told} == {None}
    assert any("PK-SD-00007" in str(row["text"]) for row in told)


def test_without_a_noc_address_it_is_recorded_that_nobody_is_registered(engine: Engine, tmp_path: Path) -> None:
    with listening(notifier(engine, gateways.settings(tmp_path), {})) as port:
        assert post(port, webhook(alert(centre="PK-SD-00007"))) == 200
    (row,) = rows(engine)
    assert row["failed"] is not None
    assert str(row["problem"]).startswith("nobody is registered")
    assert row["channels"] == []


@pytest.mark.parametrize("hostile", ["Mains\x00Lost", "Mains\nLost", "M" * 500, "<b>{number}</b>{secret}", "بجلی"])
def test_a_hostile_label_is_written_down_like_any_other(silent: Notifier, hostile: str) -> None:
    """PostgreSQL takes no NUL; a webhook that can never be stored would be repeated for ever."""
    with listening(silent) as port:
        assert post(port, webhook(alert(hostile, cause=hostile), alert(centre=hostile), alert())) == 200
    assert "MainsLost" in {row["alert"] for row in rows(silent.engine)}


def test_every_firing_alert_of_a_webhook_is_taken() -> None:
    """What is answered with 200 is never sent again."""
    body = webhook(*(alert(centre=f"PK-PB-{number:05}") for number in range(6000)))
    assert len(body) < MAX_BODY_BYTES
    assert len(firing(body)) == 6000


def test_keys_that_a_later_alertmanager_adds_are_passed_over() -> None:
    body = json.loads(webhook(alert()))
    body["alerts"][0]["newKey"] = {"a": [1]}
    body["another"] = None
    (one,) = firing(json.dumps(body).encode())
    assert (one.name, one.centre, one.severity) == ("MainsLost", CENTRE, "warning")


def test_opening_the_same_database_twice_keeps_what_is_there(silent: Notifier, url: str) -> None:
    silent.accept(webhook(alert()))
    again = open_database(url)
    assert len(rows(again)) == 1
    again.dispose()
