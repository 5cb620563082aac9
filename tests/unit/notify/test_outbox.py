"""A message until it has left: whom it is for, again, by the next channel, or failed, and what is recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.config import Sms
from central.notify import outbox
from central.notify.alerts import firing
from central.notify.outbox import Queued
from central.notify.service import Notifier
from stage.process import free_port, wait_for
from tests.unit.notify import gateways
from tests.unit.notify.gateways import (
    ADDRESS,
    CENTRE,
    NUMBER,
    SECOND_NUMBER,
    SmsGateway,
    SmtpServer,
    alert,
    notifier,
    rows,
    webhook,
    working,
)

BOTH = f"Amna Khan|en|sms:{NUMBER},email:{ADDRESS}"
NOW = 1_772_359_200.0


@pytest.fixture
def mail() -> Iterator[SmtpServer]:
    one = SmtpServer()
    yield one
    one.close()


def queue(engine: Engine, *alerts: dict[str, object], now: float = NOW, noc: str = "") -> int:
    return outbox.queue(engine, firing(webhook(*alerts)), noc_email=noc, now=now)


def the_one(engine: Engine, now: float = NOW) -> Queued:
    (message,) = outbox.due(engine, now)
    return message


def fail(engine: Engine, now: float, tries: int) -> None:
    """One try that does not succeed at this time."""
    outbox.record_failure(engine, the_one(engine, now), "sms: HTTPError 503", now=now, tries=tries, retry_seconds=5)


def test_the_first_technician_is_told_in_his_language(engine: Engine, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, f"Bilal Shah|roman-ur|sms:{SECOND_NUMBER};{BOTH}")
    assert queue(engine, alert()) == 1
    message = the_one(engine)
    assert message.channels == [["sms", SECOND_NUMBER], ["sms", NUMBER], ["email", ADDRESS]], "somebody must be reached"
    assert "bijli band hai" in message.text
    assert message.subject == f"{CENTRE}: MainsLost"


def test_a_failed_try_waits_twice_as_long_each_time_up_to_five_minutes(engine: Engine, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, BOTH)
    queue(engine, alert())
    now, waits = NOW, []
    for _ in range(9):
        fail(engine, now, tries=50)
        assert outbox.due(engine, now) == []
        (row,) = rows(engine)
        due = row["due"]
        assert isinstance(due, float)
        waits.append(due - now)
        assert outbox.due(engine, due - 0.01) == []
        now = due
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert rows(engine)[0]["tries"] == 9


def test_after_its_tries_the_next_channel_is_used_at_once_and_then_it_has_failed(
    engine: Engine, tmp_path: Path
) -> None:
    gateways.register(engine, tmp_path, BOTH)
    queue(engine, alert())
    steps = []
    for _ in range(4):
        (row,) = rows(engine)
        due = row["due"]
        assert isinstance(due, float)
        fail(engine, due, tries=2)
        (row,) = rows(engine)
        steps.append((row["channel"], row["tries"], row["failed"] is not None))
    assert steps == [(0, 1, False), (1, 0, False), (1, 1, False), (1, 2, True)]
    assert outbox.due(engine, NOW + 10**6) == [], "a failed message is not tried again"
    assert rows(engine)[0]["problem"] == "sms: HTTPError 503"


def test_a_message_that_left_is_recorded_and_never_due_again(engine: Engine, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, BOTH)
    queue(engine, alert())
    fail(engine, NOW, tries=1)
    outbox.record_sent(engine, the_one(engine), NOW + 3)
    (row,) = rows(engine)
    assert (row["sent_by"], row["tries"], row["problem"]) == ("email", 1, None)
    assert row["sent"] is not None
    assert outbox.due(engine, NOW + 10**6) == []
    assert queue(engine, alert(), now=NOW + 60) == 0, "nor queued again"


def test_the_oldest_is_sent_first_and_at_most_so_many(engine: Engine, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, BOTH)
    for number in (3, 1, 2):
        queue(engine, alert(f"Alert{number}"), now=NOW + number)
    assert [one.subject[-1] for one in outbox.due(engine, NOW + 10)] == ["1", "2", "3"]
    assert len(outbox.due(engine, NOW + 10, limit=2)) == 2
    assert [one.subject[-1] for one in outbox.due(engine, NOW + 1)] == ["1"]


def test_one_bad_alert_of_a_webhook_does_not_cost_the_others(engine: Engine, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, BOTH)
    assert queue(engine, alert(centre="nowhere"), alert(), {**alert(), "startsAt": ""}) == 3
    assert {row["centre"] for row in rows(engine)} == {"nowhere", CENTRE}


def step(one: Notifier) -> None:
    """What the worker does with everything that will ever be due, without its waits."""
    for message in outbox.due(one.engine, NOW * 2):
        one._send(message)


def test_a_gateway_that_refuses_twice_costs_two_tries_and_the_mail_goes_out(
    engine: Engine, tmp_path: Path, mail: SmtpServer
) -> None:
    gateway = SmsGateway(lambda _: 503)
    gateways.register(engine, tmp_path, BOTH)
    one = notifier(engine, gateways.settings(tmp_path, gateway.config(), mail.config(), tries=2))
    one.accept(webhook(alert()))
    seen = []
    for _ in range(3):
        step(one)
        (row,) = rows(engine)
        seen.append((row["channel"], row["tries"], row["problem"], row["sent_by"]))
    assert seen == [(0, 1, "sms: HTTPError 503", None), (1, 0, "sms: HTTPError 503", None), (1, 1, None, "email")]
    assert len(gateway.requests) == 2
    assert len(mail.messages) == 1
    gateway.close()


def test_an_alert_whose_name_holds_a_line_break_leaves_by_mail_too(
    sqlite_engine: Engine, tmp_path: Path, mail: SmtpServer
) -> None:
    """No header of a mail may hold one."""
    gateways.register(sqlite_engine, tmp_path, f"Amna Khan|en|email:{ADDRESS}")
    one = notifier(sqlite_engine, gateways.settings(tmp_path, smtp=mail.config()))
    one.accept(webhook(alert("Mains\nLost")))
    step(one)
    assert [row["sent_by"] for row in rows(sqlite_engine)] == ["email"]


def test_when_every_channel_has_failed_that_is_recorded(engine: Engine, tmp_path: Path) -> None:
    mail = SmtpServer(refuse=f"550 no such user {ADDRESS}")
    gateways.register(engine, tmp_path, BOTH)
    sms = Sms(url=f"http://127.0.0.1:{free_port()}/?to={{number}}")
    one = notifier(engine, gateways.settings(tmp_path, sms, mail.config(), tries=1))
    one.accept(webhook(alert()))
    step(one)
    assert str(rows(engine)[0]["problem"]).startswith("sms: URLError")
    step(one)
    (row,) = rows(engine)
    assert (row["tries"], row["sent"], row["problem"]) == (1, None, "email: SMTPRecipientsRefused")
    assert row["failed"] is not None
    mail.close()


def test_a_channel_that_is_not_configured_is_passed_over_in_one_try(
    engine: Engine, tmp_path: Path, mail: SmtpServer
) -> None:
    gateways.register(engine, tmp_path, BOTH)
    one = notifier(engine, gateways.settings(tmp_path, smtp=mail.config()))
    one.accept(webhook(alert()))
    step(one)
    assert rows(engine)[0]["problem"] == "sms: this channel is not configured"
    step(one)
    assert rows(engine)[0]["sent_by"] == "email"


def test_a_bug_in_a_channel_costs_one_try_of_one_message(engine: Engine, tmp_path: Path) -> None:
    gateways.register(engine, tmp_path, BOTH)
    sent: list[str] = []

    def broken(_address: str, _subject: str, text: str) -> None:
        if "battery ends" in text:
            raise KeyError(NUMBER)
        sent.append(text)

    one = notifier(engine, gateways.settings(tmp_path), {"sms": broken})
    one.accept(webhook(alert(), alert("UpsRuntimeShort")))
    step(one)
    assert {row["problem"] for row in rows(engine)} == {None, "sms: KeyError"}
    assert len(sent) == 1


def test_the_worker_sends_what_is_queued_and_ends_when_told(engine: Engine, tmp_path: Path) -> None:
    gateway = SmsGateway(lambda count: 503 if count == 1 else 200)
    gateways.register(engine, tmp_path, BOTH)
    config = gateways.settings(tmp_path, gateway.config())
    one = notifier(engine, config)
    with working(one):
        one.accept(webhook(*(alert(f"Alert{number}") for number in range(20))))
        wait_for(lambda: len(gateway.requests) >= 20, 15, "the worker sends nothing")
        wait_for(lambda: sum(row["sent"] is not None for row in rows(engine)) == 19, 15, "not recorded")
    assert [row["tries"] for row in rows(engine) if row["sent"] is None] == [1], "the refused one waits"
    gateway.close()
