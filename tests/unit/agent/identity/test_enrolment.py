"""Enrolling against a real enrol server: what is trusted, what is said, what is on disk afterwards."""

import json
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine

from agent import enrolment
from agent.certificate import life_of
from agent.commands import enrol as command
from agent.enrolment import EnrolError, Server
from agent.identity import Folder
from central.database import open_database
from central.enrol.authority import Authority, new_key, private_pem
from central.enrol.server import EnrolServer
from stage.process import free_port
from tests.unit.central.enrol import parts
from tests.unit.central.enrol.parts import CENTRE, OTHER, token


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_database(f"sqlite:///{tmp_path}/central.sqlite")
    parts.register(made, CENTRE, OTHER)
    yield made
    made.dispose()


@pytest.fixture
def served(engine: Engine, tmp_path: Path) -> Iterator[EnrolServer]:
    with parts.serving(engine, parts.settings(tmp_path)) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "state")


def _server(served: EnrolServer, **trust: Any) -> Server:
    trust = trust or {"ca_sha256": served.desk.authority.fingerprint}
    return Server(f"https://127.0.0.1:{served.server_port}", **trust)


def _fails(act: Any) -> tuple[int, str]:
    with pytest.raises(EnrolError) as failed:
        act()
    return failed.value.code, str(failed.value)


def test_what_is_on_disk_belongs_together_and_to_its_owner_alone(
    served: EnrolServer, engine: Engine, folder: Folder
) -> None:
    answer = enrolment.enrol(_server(served), folder, CENTRE, token(engine))
    assert folder.pair.read_text().endswith(answer.certificate)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.path.iterdir()}
    assert modes == {"centre.pem": 0o600, "ca.pem": 0o644, "enrol-url": 0o600}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert folder.authority.read_bytes() == served.desk.authority.pem


def test_a_lost_answer_costs_no_token(
    served: EnrolServer, engine: Engine, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = token(engine)
    server = _server(served)
    real = server.ask

    def loses(*words: Any) -> tuple[int, bytes]:
        real(*words)
        raise EnrolError(enrolment.UNREACHABLE, "the line went")

    monkeypatch.setattr(server, "ask", loses)
    assert _fails(lambda: enrolment.enrol(server, folder, CENTRE, fresh))[0] == enrolment.UNREACHABLE
    assert not folder.pair.exists()
    enrolment.enrol(_server(served), folder, CENTRE, fresh)
    assert folder.pair.exists()
    assert not folder.pending_key.exists()


def test_a_renewal_puts_the_new_pair_beside_the_old_one(served: EnrolServer, engine: Engine, folder: Folder) -> None:
    enrolment.enrol(_server(served), folder, CENTRE, token(engine))
    old = folder.pair.read_bytes()
    enrolment.renew(_server(served, ca_file=folder.authority), folder)
    assert folder.pair.read_bytes() == old
    fresh = folder.next.read_text()
    assert life_of(fresh).serial != life_of(old.decode()).serial
    assert (
        fresh.split("-----BEGIN CERTIFICATE")[0] != old.decode().split("-----BEGIN CERTIFICATE")[0]
    )  # a key of its own


@pytest.mark.parametrize("form", [str, str.upper, lambda text: ":".join(text[at : at + 2] for at in range(0, 64, 2))])
def test_a_fingerprint_may_be_written_as_people_write_it(served: EnrolServer, form: Any) -> None:
    assert _server(served, ca_sha256=form(served.desk.authority.fingerprint)).context


@pytest.mark.parametrize("wrong", ["0" * 64, "abc", ":", "é"])
def test_another_fingerprint_is_somebody_else(served: EnrolServer, wrong: str) -> None:
    code, text = _fails(lambda: _server(served, ca_sha256=wrong))
    assert (code, "nothing was sent" in text) == (enrolment.UNTRUSTED, True)
    assert not served.desk.answers


def test_the_right_authority_in_front_of_a_wrong_server_gets_no_token(
    served: EnrolServer, engine: Engine, folder: Folder, tmp_path: Path
) -> None:
    """A thief of a gateway has a certificate of the authority; it is good for a client, not for a server."""
    answer = enrolment.enrol(_server(served), folder, CENTRE, token(engine))
    config = parts.settings(tmp_path, cert_file=str(folder.pair), key_file=str(folder.pair))
    assert "BEGIN CERTIFICATE" in answer.certificate
    with parts.serving(engine, config) as thief:
        server = _server(thief)  # it knows the authority's certificate, as everybody does
        code, _ = _fails(lambda: enrolment.enrol(server, folder, CENTRE, token(engine)))
        assert code == enrolment.UNTRUSTED
        assert not thief.desk.answers


@pytest.mark.parametrize(("begin", "end", "said"), [(1, 2, "in the past"), (-9, -1, "has run out by then")])
def test_a_clock_that_does_not_fit_the_server_is_named(
    engine: Engine, folder: Folder, tmp_path: Path, begin: int, end: int, said: str
) -> None:
    config = parts.settings(tmp_path)
    authority, key, now = Authority.load(tmp_path / "ca"), new_key(), datetime.now(UTC)
    day = timedelta(days=1)
    made = authority.server(key.public_key(), ["127.0.0.1"], now + begin * day, now + end * day)
    Path(config.cert_file).write_bytes(made.public_bytes(Encoding.PEM))
    Path(config.key_file).write_bytes(private_pem(key))
    fresh = token(engine)
    with parts.serving(engine, config) as served:
        server = _server(served)
        code, text = _fails(lambda: enrolment.enrol(server, folder, CENTRE, fresh))
        assert (code, said in text) == (enrolment.CLOCK, True)
        assert not served.desk.answers  # the token was not sent


def test_nobody_there_is_said(folder: Folder, tmp_path: Path, engine: Engine) -> None:
    parts.settings(tmp_path)
    server = Server(f"https://127.0.0.1:{free_port()}", ca_file=tmp_path / "ca/ca.crt")
    code, text = _fails(lambda: enrolment.enrol(server, folder, CENTRE, "x"))
    assert (code, "cannot be reached" in text) == (enrolment.UNREACHABLE, True)


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "127.0.0.1:8443", "https://", "https://h:99999", "https://[x"])
def test_what_is_no_address_is_said(url: str) -> None:
    assert _fails(lambda: Server(url))[0] == 2


def test_a_disk_that_takes_nothing_is_said_before_the_token_is_used(
    served: EnrolServer, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, text = _fails(lambda: enrolment.enrol(_server(served), Folder(tmp_path / "file"), CENTRE, token(engine)))
    assert (code, "cannot be written" in text) == (enrolment.DISK, True)
    assert not served.desk.answers


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"{}", 4), (200, b"", 4), (200, b'{"centre":"x","certificate":"y","ca":"z"}', 8), (200, b"\xff" * 99, 4),
        (403, b'{"error":"token","what":"no\\u001b[2J"}', 5), (403, b"<html>", 4), (429, b'{"what":"later"}', 6),
        (500, b'{"what":"bug"}', 6), (503, b"[" * 5000, 4), (404, b'{"what":"?"}', 4), (301, b"", 4),
        (200, b"x" * 10**6, 4),
    ],
)  # fmt: skip
def test_any_answer_ends_in_a_sentence_and_an_exit_code(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, code: int
) -> None:
    server = Server("https://127.0.0.1:1")
    monkeypatch.setattr(server, "ask", lambda *_: (status, body))
    found, text = _fails(lambda: enrolment.enrol(server, folder, CENTRE, "x"))
    assert found == code
    assert text.isprintable()
    assert not folder.pair.exists()


def test_a_certificate_for_a_key_that_is_not_ours_is_not_kept(
    served: EnrolServer, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, now = served.desk.authority, datetime.now(UTC)
    made = authority.client(new_key().public_key(), CENTRE, now, now + timedelta(days=1))
    pem = made.public_bytes(Encoding.PEM).decode()
    body = json.dumps({"centre": CENTRE, "certificate": pem, "ca": authority.pem.decode()}).encode()
    server = _server(served)
    monkeypatch.setattr(server, "ask", lambda *_: (200, body))
    code, text = _fails(lambda: enrolment.enrol(server, folder, CENTRE, "x"))
    assert (code, "another key" in text) == (enrolment.UNTRUSTED, True)
    assert not folder.pair.exists()


def test_plain_http_behind_the_port_is_survived(folder: Folder) -> None:
    class Plain(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    plain = HTTPServer(("127.0.0.1", 0), Plain)
    thread = threading.Thread(target=plain.serve_forever, daemon=True)
    thread.start()
    try:
        server = Server(f"https://127.0.0.1:{plain.server_address[1]}")
        assert _fails(lambda: enrolment.enrol(server, folder, CENTRE, "x"))[0] == enrolment.UNREACHABLE
    finally:
        plain.shutdown()
        plain.server_close()


def test_a_token_is_read_from_standard_input_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("AAAA-BBBB\n"))
    assert command._token("-") == "AAAA-BBBB"
    assert command._token("CCCC") == "CCCC"
