"""The two ways out, against a real HTTP gateway and a real SMTP server on loopback."""

import smtplib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.config import Notify, Sms, Smtp
from central.notify.channels import email, open_channels, sms
from stage.process import free_port
from telemetry.errors import ConfigError
from tests.unit.notify.gateways import ADDRESS, NUMBER, SmsGateway, SmtpServer

TEXT = 'PK-PB-00042: mains power is off & on battery? 50% left + "now" #1\n{number} {secret}'
URDU = "PK-PB-00042: بجلی بند، بیٹری پر۔"


@pytest.fixture(scope="module")
def gateway() -> Iterator[SmsGateway]:
    one = SmsGateway()
    yield one
    one.close()


@pytest.fixture
def mail() -> Iterator[SmtpServer]:
    one = SmtpServer()
    yield one
    one.close()


def asked(gateway: SmsGateway) -> dict[str, str]:
    """The query of the last request."""
    return {key: values[0] for key, values in parse_qs(urlsplit(gateway.requests[-1][0]).query).items()}


@pytest.mark.parametrize("text", [TEXT, URDU, "&to=+1", "€ ü ñ"])
def test_number_and_text_arrive_at_the_gateway_as_they_are(gateway: SmsGateway, text: str) -> None:
    sms.sender(gateway.config())(NUMBER, "subject", text)
    assert asked(gateway) == {"to": NUMBER, "text": text}


def test_a_plus_and_a_space_are_encoded_so_that_no_gateway_takes_one_for_the_other(gateway: SmsGateway) -> None:
    sms.sender(gateway.config())(NUMBER, "", "a b+c")
    assert gateway.requests[-1][0] == "/send?to=%2B923001234567&text=a%20b%2Bc"


@given(st.text(min_size=1, max_size=40))
def test_any_text_survives_the_template(gateway: SmsGateway, text: str) -> None:
    sms.sender(gateway.config())(NUMBER, "", text)
    assert asked(gateway)["text"] == text


def test_with_a_body_it_is_a_post_of_a_form(gateway: SmsGateway) -> None:
    config = gateway.config("/api", body="msisdn={number}&msg={text}")
    sms.sender(config)(NUMBER, "", TEXT)
    path, body, headers = gateway.requests[-1]
    assert path == "/api"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body.decode()) == {"msisdn": [NUMBER], "msg": [TEXT]}


def test_the_secret_goes_into_url_body_and_headers(gateway: SmsGateway, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k&y/1\nsecond line\n")
    config = Sms(
        url=f"http://127.0.0.1:{gateway.port}/send?key={{secret}}&to={{number}}",
        body="key={secret}&text={text}",
        headers={"Authorization": "Bearer {secret}"},
        secret_file=str(tmp_path / "key"),
    )
    sms.sender(config)(NUMBER, "", TEXT)
    _, body, headers = gateway.requests[-1]
    assert asked(gateway)["key"] == "k&y/1"
    assert parse_qs(body.decode())["key"] == ["k&y/1"]
    assert headers["Authorization"] == "Bearer k&y/1"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_gateway_that_does_not_take_it_is_an_error_with_its_code(status: int) -> None:
    gateway = SmsGateway(lambda _: status)
    with pytest.raises(HTTPError) as caught:
        sms.sender(gateway.config())(NUMBER, "", TEXT)
    assert caught.value.code == status
    caught.value.close()
    gateway.close()


def test_a_gateway_that_is_not_there_is_an_error() -> None:
    with pytest.raises(URLError):
        sms.sender(Sms(url=f"http://127.0.0.1:{free_port()}/?to={{number}}"))(NUMBER, "", TEXT)


@pytest.mark.parametrize(
    "url", ["ftp://gateway/{number}", "file:///etc/passwd?{number}", "gateway/send?to={number}", ""]
)
def test_a_url_that_is_not_http_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match=r"\$\.url"):
        sms.sender(Sms(url=url))


def test_a_url_that_http_cannot_ask_for_is_refused_at_the_start() -> None:
    """http.client names the whole URL, number and text included, in its complaint."""
    with pytest.raises(ConfigError, match=r"\$\.url"):
        sms.sender(Sms(url="http://gateway/send?from=e Rozgar&to={number}&text={text}"))


@pytest.mark.parametrize("text", [TEXT.splitlines()[0], URDU, "." + URDU])
def test_an_email_arrives_with_its_address_subject_and_text(mail: SmtpServer, text: str) -> None:
    email.sender(mail.config(sender="monitor@example.org"))(ADDRESS, "PK-PB-00042: MainsLost", text)
    ((sender, recipient, message),) = mail.messages
    assert (sender.split()[0], recipient) == ("FROM:<monitor@example.org>", f"TO:<{ADDRESS}>")
    assert (message["To"], message["From"]) == (ADDRESS, "monitor@example.org")
    assert message["Subject"] == "PK-PB-00042: MainsLost"
    assert message.get_content().rstrip("\r\n") == text


def test_a_user_logs_in_with_the_password_of_its_file(mail: SmtpServer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass word\n")
    email.sender(mail.config(username="monitor", password_file=str(tmp_path / "password")))(ADDRESS, "s", "t")
    assert mail.logins == ["\0monitor\0pass word"]
    assert len(mail.messages) == 1


def test_a_recipient_that_is_refused_is_an_error() -> None:
    mail = SmtpServer(refuse=f"550 no such user {ADDRESS}")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        email.sender(mail.config())(ADDRESS, "s", "t")
    assert mail.messages == []
    mail.close()


def test_a_message_that_was_taken_has_left_however_the_talk_ends() -> None:
    """A server that is tired of us by then says 421; sending again would be a second mail."""
    mail = SmtpServer(bye="421 timeout, closing")
    email.sender(mail.config())(ADDRESS, "s", "t")
    assert len(mail.messages) == 1
    mail.close()


def test_a_server_that_offers_no_tls_gets_no_message_where_tls_is_wanted(mail: SmtpServer) -> None:
    with pytest.raises(smtplib.SMTPNotSupportedError):
        email.sender(Smtp("127.0.0.1", mail.port, starttls=True))(ADDRESS, "s", "t")
    assert mail.messages == []


def test_only_what_is_configured_is_open_and_a_missing_secret_is_named(tmp_path: Path) -> None:
    assert open_channels(Notify("token")) == {}
    assert set(open_channels(Notify("token", sms=Sms("http://gateway/"), smtp=Smtp("mail")))) == {"sms", "email"}
    with pytest.raises(ConfigError, match="secret not readable"):
        open_channels(Notify("token", smtp=Smtp("mail", password_file=str(tmp_path / "none"))))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="secret is empty"):
        open_channels(Notify("token", sms=Sms("http://gateway/", secret_file=str(tmp_path / "empty"))))
