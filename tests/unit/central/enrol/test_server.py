"""The HTTPS server against a client without manners: real TLS on loopback, every answer bounded and plain."""

import base64
import contextlib
import http.client
import json
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from central.enrol import desk as desk_module
from central.enrol import ledger
from central.enrol.authority import Authority, new_key, private_pem
from central.enrol.refusal import REFUSALS, Refused
from central.enrol.request import requested_key
from central.enrol.server import EnrolServer
from tests.unit.central.enrol import parts
from tests.unit.central.enrol.parts import CENTRE, OTHER, certificate, common_name, csr, enrol_body, token, weak_keys

MANY = {"burst_per_address": 10_000, "per_minute_and_address": 10_000.0}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


@pytest.fixture
def server(engine: Engine, directory: Path) -> Iterator[EnrolServer]:
    with parts.serving(engine, parts.settings(directory, **MANY)) as made:
        yield made


def _context(server: EnrolServer) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=server.desk.authority.pem.decode())


def _ask(
    server: EnrolServer, path: str, body: bytes | None = None, context: ssl.SSLContext | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.server_port, context=context or _context(server), timeout=20
    )
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(text) if text.startswith(b"{") else {"text": text}


def _with_pair(server: EnrolServer, tmp_path: Path, key: Any, pem: str) -> ssl.SSLContext:
    file = tmp_path / "pair.pem"
    file.write_bytes(private_pem(key) + pem.encode())
    context = _context(server)
    context.load_cert_chain(file)
    return context


def _enrolled(server: EnrolServer, engine: Engine, tmp_path: Path) -> tuple[ssl.SSLContext, dict[str, Any]]:
    key = new_key()
    status, answer = _ask(server, "/v1/enrol", enrol_body(token(engine), key))
    assert status == 200
    return _with_pair(server, tmp_path, key, answer["certificate"]), answer


def test_a_token_becomes_a_certificate_of_its_centre(server: EnrolServer, engine: Engine) -> None:
    key = new_key()
    status, answer = _ask(server, "/v1/enrol", enrol_body(token(engine), key))
    made = certificate(answer)
    assert (status, answer["centre"], common_name(made)) == (200, CENTRE, CENTRE)
    assert made.public_key() == key.public_key()
    assert answer["ca"].encode() == server.desk.authority.pem
    assert timedelta(days=371.9) < made.not_valid_after_utc - made.not_valid_before_utc < timedelta(days=372.1)
    assert datetime.now(UTC) - made.not_valid_before_utc > timedelta(days=6.9)


@pytest.mark.parametrize("subject", [OTHER, "ingest", "+", "#", f"{CENTRE}/x", "PK-PB-00001/samples", "x" * 64])
def test_the_subject_of_a_request_counts_for_nothing(server: EnrolServer, engine: Engine, subject: str) -> None:
    status, answer = _ask(server, "/v1/enrol", enrol_body(token(engine), subject=subject))
    assert (status, common_name(certificate(answer))) == (200, CENTRE)


@pytest.mark.parametrize("name", ["+", "#", f"{CENTRE}/x", "ingest", "", "pk-pb-1"])
def test_no_certificate_for_a_name_that_is_no_centres_even_if_the_database_holds_one(
    server: EnrolServer, engine: Engine, name: str
) -> None:
    parts.register(engine, name)
    status, answer = _ask(server, "/v1/enrol", enrol_body(token(engine, name)))
    assert (status, answer["error"]) == (500, "bug")


@pytest.mark.parametrize("key", weak_keys(), ids=["rsa", "p384"])
def test_only_p256_keys_are_certified_and_the_token_stays_good(server: EnrolServer, engine: Engine, key: Any) -> None:
    fresh = token(engine)
    status, answer = _ask(server, "/v1/enrol", enrol_body(fresh, key))
    assert (status, answer["error"]) == (400, "csr")
    assert _ask(server, "/v1/enrol", enrol_body(fresh))[0] == 200


def test_a_request_whose_sender_does_not_hold_the_key_is_refused(server: EnrolServer, engine: Engine) -> None:
    lines = csr(new_key()).strip().splitlines()
    der = bytearray(base64.b64decode("".join(lines[1:-1])))
    der[-3] ^= 1  # within the signature
    text = base64.encodebytes(bytes(der)).decode()
    body = {"token": token(engine), "csr": f"{lines[0]}\n{text}{lines[-1]}\n"}
    assert _ask(server, "/v1/enrol", json.dumps(body).encode())[1]["error"] == "csr"


def test_a_request_of_a_version_that_does_not_exist_is_refused(server: EnrolServer, engine: Engine) -> None:
    lines = csr(new_key()).strip().splitlines()
    der = base64.b64decode("".join(lines[1:-1])).replace(b"\x02\x01\x00", b"\x02\x01\x02", 1)
    body = {"token": token(engine), "csr": f"{lines[0]}\n{base64.encodebytes(der).decode()}{lines[-1]}\n"}
    assert _ask(server, "/v1/enrol", json.dumps(body).encode())[1]["error"] == "csr"


def test_a_stranger_cannot_tell_wrong_from_used_or_expired(server: EnrolServer, engine: Engine) -> None:
    used = token(engine)
    assert _ask(server, "/v1/enrol", enrol_body(used))[0] == 200
    old = ledger.new_token(engine, CENTRE, timedelta(hours=1), datetime.now(UTC) - timedelta(hours=2))
    answers = [_ask(server, "/v1/enrol", enrol_body(one)) for one in (used, old, "A" * 32, "")]
    assert answers == [(403, {"error": "token", "what": REFUSALS["token"][1]})] * 4


def test_a_renewal_wants_mutual_tls(server: EnrolServer, engine: Engine, tmp_path: Path) -> None:
    body = json.dumps({"csr": csr(new_key())}).encode()
    assert _ask(server, "/v1/renew", body)[1]["error"] == "certificate"
    context, _ = _enrolled(server, engine, tmp_path)
    status, answer = _ask(server, "/v1/renew", body, context)
    assert (status, common_name(certificate(answer))) == (200, CENTRE)


def test_a_renewal_with_another_authoritys_certificate_is_refused(server: EnrolServer, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    foreign, key = Authority.make(tmp_path / "foreign", "authority of one test run", 3650, now), new_key()
    made = foreign.client(key.public_key(), CENTRE, now - timedelta(days=1), now + timedelta(days=1))
    context = _with_pair(server, tmp_path, key, made.public_bytes(Encoding.PEM).decode())
    with pytest.raises(OSError, match=r"(?i)alert|reset|eof|closed|pipe"):
        _ask(server, "/v1/renew", b"{}", context)


@pytest.mark.parametrize("name", ["ingest", "enrol-server", OTHER])
def test_a_certificate_that_is_not_in_the_ledger_renews_nothing(server: EnrolServer, tmp_path: Path, name: str) -> None:
    now, key = datetime.now(UTC), new_key()
    made = server.desk.authority.client(key.public_key(), name, now - timedelta(days=1), now + timedelta(days=1))
    context = _with_pair(server, tmp_path, key, made.public_bytes(Encoding.PEM).decode())
    status, answer = _ask(server, "/v1/renew", json.dumps({"csr": csr(new_key())}).encode(), context)
    assert (status, answer["error"]) == (403, "certificate")


def test_an_expired_certificate_is_refused_in_the_handshake(server: EnrolServer, tmp_path: Path) -> None:
    now, key = datetime.now(UTC), new_key()
    made = server.desk.authority.client(key.public_key(), CENTRE, now - timedelta(days=9), now - timedelta(days=1))
    context = _with_pair(server, tmp_path, key, made.public_bytes(Encoding.PEM).decode())
    with pytest.raises(OSError, match=r"(?i)alert|expired|reset|eof|closed|pipe"):
        _ask(server, "/v1/renew", b"{}", context)


def test_the_authoritys_certificate_is_public(server: EnrolServer) -> None:
    assert _ask(server, "/v1/ca") == (200, {"text": server.desk.authority.pem})


@pytest.mark.parametrize(
    ("path", "headers", "error"),
    [
        ("/", {}, "not_found"), ("/v1/enrol/", {}, "not_found"), ("/v1/enrol?x=1", {}, "not_found"),
        ("/v1/enrol", {"Content-Length": "8193"}, "too_large"), ("/v1/renew", {"Content-Length": "8193"}, "too_large"),
        ("/v1/enrol", {"Content-Length": "9" * 30}, "too_large"), ("/v1/enrol", {"Content-Length": "-1"}, "length"),
        ("/v1/enrol", {"Content-Length": "x"}, "length"), ("/v1/enrol", {"Content-Length": "\u0663"}, "length"),
        ("/v1/enrol", {"Transfer-Encoding": "chunked"}, "length"),
    ],
)  # fmt: skip
def test_what_is_not_a_request_of_ours_is_refused_by_name(
    server: EnrolServer, path: str, headers: dict[str, str], error: str
) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", server.server_port, context=_context(server), timeout=20)
    connection.putrequest("POST", path)
    for name, value in headers.items():
        connection.putheader(name, value.encode("utf-8"))
    connection.endheaders()
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["error"] == error


def test_one_address_may_not_ask_for_ever(engine: Engine, directory: Path) -> None:
    config = parts.settings(directory, burst_per_address=3, per_minute_and_address=0.01)
    with parts.serving(engine, config) as server:
        fresh = token(engine)
        statuses = [_ask(server, "/v1/enrol", enrol_body("A" * 32))[0] for _ in range(4)]
        assert statuses == [403, 403, 403, 429]
        assert _ask(server, "/v1/enrol", enrol_body(fresh))[0] == 429
        assert server.desk.answers["enrol", "busy"] == 2


def test_one_address_cannot_hold_all_connections(engine: Engine, directory: Path) -> None:
    with parts.serving(engine, parts.settings(directory, connections=24)) as server:
        silent = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(10)]
        try:
            deadline = time.monotonic() + 10
            while not server.desk.answers["connection", "busy"] and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.2)
            assert server.desk.answers["connection", "busy"] == 7
            assert len(server._open) == 3
        finally:
            for one in silent:
                one.close()


def test_a_client_that_drips_is_cut_off(engine: Engine, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.enrol.server._CONNECTION_SECONDS", 1.0)
    with parts.serving(engine, parts.settings(directory)) as server:
        raw = socket.create_connection(("127.0.0.1", server.server_port), timeout=20)
        with _context(server).wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            deadline = time.monotonic() + 15
            with contextlib.suppress(OSError):  # however it ends
                while time.monotonic() < deadline:
                    tls.sendall(b"P")
                    time.sleep(0.1)
            assert time.monotonic() < deadline


@pytest.mark.parametrize("flood", [b"X: y\r\n" * 20_000, b"X" * 200_000, b"\r\n" * 50_000])
def test_headers_without_end_are_cut_off_and_the_next_client_is_served(server: EnrolServer, flood: bytes) -> None:
    raw = socket.create_connection(("127.0.0.1", server.server_port), timeout=20)
    with _context(server).wrap_socket(raw, server_hostname="127.0.0.1") as tls, contextlib.suppress(OSError):
        tls.sendall(b"POST /v1/enrol HTTP/1.1\r\n" + flood)
        while tls.recv(4096):
            pass
    assert _ask(server, "/v1/ca")[0] == 200


def test_a_bug_is_logged_without_the_token_and_told_without_a_traceback(
    server: EnrolServer, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(desk_module.ledger, "redeem", breaks)
    fresh = token(engine)
    status, answer = _ask(server, "/v1/enrol", enrol_body(fresh))
    assert (status, answer) == (500, {"error": "bug", "what": REFUSALS["bug"][1]})
    assert "a bug" in caplog.text
    assert fresh not in caplog.text


def test_the_log_tells_who_enrolled_and_never_a_token(
    server: EnrolServer, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good, wrong = token(engine), "QQQQ-" * 7 + "QQQQ"
    _, answer = _ask(server, "/v1/enrol", enrol_body(good))
    _ask(server, "/v1/enrol", enrol_body(wrong))
    assert f"enrolled centre={CENTRE} serial={certificate(answer).serial_number:x}" in caplog.text
    assert "refused endpoint=enrol reason=token" in caplog.text
    for secret in (good, wrong, good.replace("-", "")):
        assert secret not in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=60)
@given(
    st.one_of(
        st.binary(max_size=300),
        JSON.map(lambda value: json.dumps(value).encode()),
        st.fixed_dictionaries({"token": JSON, "csr": JSON}).map(lambda value: json.dumps(value).encode()),
        st.just(b"[" * 8000),
        st.just(b'{"token":"' + b"A" * 7000 + b'"}'),
    )
)
def test_any_body_gets_a_plain_refusal(server: EnrolServer, body: bytes) -> None:
    for path in ("/v1/enrol", "/v1/renew"):
        status, answer = _ask(server, path, body)
        assert status in (400, 403)
        assert answer == {"error": answer["error"], "what": REFUSALS[answer["error"]][1]}


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_certificate_request_is_refused_or_is_still_the_same(data: st.DataObject) -> None:
    lines = SAMPLE.strip().splitlines()
    der = bytearray(base64.b64decode("".join(lines[1:-1])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(der) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "double"]))
        if how == "flip":
            der[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del der[at : at + data.draw(st.integers(1, 8))]
        else:
            der[at:at] = der[: data.draw(st.integers(1, 40))]
        if not der:
            der = bytearray(b"\x30")
    pem = f"{lines[0]}\n{base64.encodebytes(bytes(der)).decode()}{lines[-1]}\n"
    with contextlib.suppress(Refused):  # nothing else is raised
        assert requested_key(pem) == SAMPLE_KEY.public_key()


SAMPLE_KEY = new_key()
SAMPLE = csr(SAMPLE_KEY)
