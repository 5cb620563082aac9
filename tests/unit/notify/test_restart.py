"""The notifier is killed after its 200 and before the message left: it leaves once somebody starts it again."""

import contextlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Engine

from stage import parts
from stage.process import Part, answers, free_port, wait_for
from tests.unit.notify import gateways
from tests.unit.notify.gateways import NUMBER, TOKEN, SmsGateway, alert, post, rows, webhook


def program(directory: Path, url: str, gateway_port: int) -> tuple[Part, int]:
    """`centre-monitor notify` and its port."""
    port = free_port()
    (directory / "token").write_text(TOKEN)
    (directory / "central.toml").write_text(
        f'[database]\nurl = "{url}"\n'
        f'[notify]\nport = {port}\ntoken_file = "{directory}/token"\nretry_seconds = 0.2\n'
        f'[notify.sms]\nurl = "http://127.0.0.1:{gateway_port}/send?to={{number}}&text={{text}}"\n'
    )
    words = ["central", "notify", "--config", str(directory / "central.toml")]
    return parts.python("notify", directory / "notify", words, answers(f"http://127.0.0.1:{port}/health")), port


def test_what_was_answered_with_200_is_sent_after_a_kill(engine: Engine, url: str, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, f"Amna Khan|en|sms:{NUMBER}")
    gateway_port = free_port()
    notify, port = program(tmp_path, url, gateway_port)
    with notify:
        assert post(port, webhook(alert(), alert("UpsRuntimeShort"))) == 200
        notify.kill()
    assert [row["sent"] for row in rows(engine)] == [None, None]
    with contextlib.closing(SmsGateway(port=gateway_port)) as gateway, notify:
        wait_for(lambda: all(row["sent"] for row in rows(engine)), 20, "nothing was sent", notify.log)
        assert post(port, webhook(alert())) == 200
    assert len(gateway.requests) == 2, "each once, though the alert came again"
    texts = [parse_qs(urlsplit(path).query)["text"][0] for path, _, _ in gateway.requests]
    assert {text.split(":")[0] for text in texts} == {"e-Rozgar Multan (PK-PB-00042)"}
    log = notify.log.read_text()
    assert "sent channel=sms" in log
    assert NUMBER not in log
    assert "Amna" not in log


def test_sigterm_ends_it_within_its_time_and_with_success(engine: Engine, url: str, tmp_path: Path) -> None:
    del engine
    notify, port = program(tmp_path, url, free_port())
    with notify:
        assert post(port, webhook(alert(centre="PK-SD-00007"))) == 200
    assert notify.process is not None
    assert notify.process.returncode == 0, notify.log.read_text()
