"""Numbers, addresses, names, texts and secrets live in the database alone: never in a log."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.config import Sms
from central.notify import outbox
from stage.process import free_port
from tests.unit.notify import gateways
from tests.unit.notify.gateways import (
    ADDRESS,
    NUMBER,
    SmsGateway,
    SmtpServer,
    alert,
    listening,
    notifier,
    post,
    webhook,
)

PERSON = f"Amna Khan|en|sms:{NUMBER},email:{ADDRESS}"
SECRET = "k3y-of-the-gateway"
PERSONAL = (NUMBER, NUMBER.removeprefix("+"), ADDRESS, "amna", SECRET, gateways.TOKEN, "mains power is off")
FAR_FUTURE = 4e9


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="central")


def assert_nothing_personal(text: str) -> None:
    for word in PERSONAL:
        assert word.lower() not in text.lower(), text


def send_all(engine: Engine, directory: Path, sms: Sms | None, mail: SmtpServer) -> None:
    """One alert by webhook, and every try that there will be."""
    (directory / "secret").write_text(SECRET)
    gateways.register(engine, directory, PERSON)
    one = notifier(engine, gateways.settings(directory, sms, mail.config(), tries=2))
    with listening(one) as port:
        assert post(port, webhook(alert()), token="wrong") == 401
        assert post(port, b"{nonsense " + NUMBER.encode()) == 400
        assert post(port, webhook(alert())) == 200
    for _ in range(6):
        for message in outbox.due(engine, FAR_FUTURE):
            one._send(message)


def gateway_config(directory: Path, port: int) -> Sms:
    return Sms(
        url=f"http://127.0.0.1:{port}/send?key={{secret}}&to={{number}}&text={{text}}",
        secret_file=str(_secret(directory)),
    )


def _secret(directory: Path) -> Path:
    file = directory / "secret"
    file.write_text(SECRET)
    return file


def test_a_message_that_leaves_names_nobody(engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gateway, mail = SmsGateway(), SmtpServer()
    send_all(engine, tmp_path, gateway_config(tmp_path, gateway.port), mail)
    assert len(gateway.requests) == 1
    assert "sent channel=sms" in caplog.text
    assert_nothing_personal(caplog.text)
    gateway.close()
    mail.close()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_gateways_that_refuse_and_quote_the_number_are_not_quoted(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    gateway = SmsGateway(lambda _: status)
    mail = SmtpServer(refuse=f"550 {ADDRESS}: no such user Amna Khan")
    send_all(engine, tmp_path, gateway_config(tmp_path, gateway.port), mail)
    assert len(gateway.requests) == 2
    assert "not sent channel=email" in caplog.text
    assert_nothing_personal(caplog.text)
    assert_nothing_personal("".join(str(row["problem"]) for row in gateways.rows(engine)))
    assert_nothing_personal(capfd.readouterr().err)
    gateway.close()
    mail.close()


@pytest.mark.parametrize("answer", [f"OK queued for {NUMBER}\r\n".encode(), b"HTTP/1.1 abc\r\n\r\n", b""])
def test_a_gateway_that_does_not_speak_http_is_not_quoted_either(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    """http.client puts the line it could not read into its complaint."""
    gateway, mail = SmsGateway(lambda _: answer), SmtpServer()
    send_all(engine, tmp_path, gateway_config(tmp_path, gateway.port), mail)
    assert len(mail.messages) == 1
    assert_nothing_personal(caplog.text)
    assert_nothing_personal("".join(str(record.exc_info) for record in caplog.records))
    gateway.close()
    mail.close()


def test_a_bug_in_a_channel_names_its_kind_and_nobody(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(address: str, _subject: str, text: str) -> None:
        raise KeyError(f"{address} {text}")

    gateways.register(engine, tmp_path, PERSON)
    one = notifier(engine, gateways.settings(tmp_path), {"sms": broken})
    one.accept(webhook(alert()))
    one._send(outbox.due(engine, FAR_FUTURE)[0])
    assert "KeyError" in caplog.text
    assert_nothing_personal(caplog.text)


def test_a_database_that_refuses_is_logged_without_its_rows(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gateways.register(engine, tmp_path, PERSON)
    one = notifier(engine, gateways.settings(tmp_path, gateway_config(tmp_path, free_port())), {})
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE notifications")
    with listening(one) as port:
        assert post(port, webhook(alert())) == 503
    assert "the database takes no alerts" in caplog.text
    assert_nothing_personal(caplog.text)
