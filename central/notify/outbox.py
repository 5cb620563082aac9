"""Messages in the database until they have left: queued once per person and alert, retried, recorded.

At least once: a crash between the gateway's answer and the record sends a message twice, never not
at all.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, select, update

from central.database import centres, insert, notifications, technicians
from central.notify.alerts import Alert
from central.notify.texts import sentence

_RETRY_CAP_SECONDS = 300.0


class Person(Struct, frozen=True):
    """Who is told. `key` names the place in the registry, not the human."""

    key: str
    language: str
    channels: list[list[str]]


class Queued(Struct, frozen=True):
    """A message that is due; `channel` is the index of the one to try."""

    key: str
    channels: list[list[str]]
    channel: int
    tries: int
    subject: str
    text: str


def queue(engine: Engine, alerts: Sequence[Alert], *, noc_email: str, now: float) -> int:
    """Write a message for each alert's first technician, in one transaction; known ones are left alone.

    A centre that nobody is registered for is told to the NOC; without a NOC address the record says
    that nobody was told. Returns how many are new.
    """
    new = 0
    with engine.begin() as connection:
        for alert in alerts:
            name, person = _addressee(connection, alert.centre, noc_email)
            row = _row(alert, name, person, now)
            statement = insert(engine, notifications).values(row).on_conflict_do_nothing(index_elements=["key"])
            written = connection.execute(statement.returning(notifications.c.key))
            new += written.first() is not None
    return new


def _addressee(connection: Any, centre: str, noc_email: str) -> tuple[str, Person]:
    name = connection.execute(select(centres.c.name).where(centres.c.id == centre)).scalar() or centre or "all centres"
    rows = connection.execute(
        select(technicians.c.position, technicians.c.language, technicians.c.channels)
        .where(technicians.c.centre == centre)
        .order_by(technicians.c.position)
    ).all()
    if not rows:
        return name, Person("noc", "en", [["email", noc_email]] if noc_email else [])
    # The next technician's channels follow the first one's: somebody must be reached.
    channels = [channel for row in rows for channel in row.channels]
    return name, Person(f"{centre}/{rows[0].position}", rows[0].language, channels)


def _row(alert: Alert, name: str, person: Person, now: float) -> dict[str, Any]:
    cause = alert.labels.get("cause", "")
    text = sentence(
        alert.name, cause, person.language, centre=alert.centre or "NOC", name=name, severity=alert.severity
    )
    at = datetime.fromtimestamp(now, UTC)
    return {
        "key": hashlib.sha256(f"{alert.identity}/{person.key}".encode()).hexdigest(),
        "centre": alert.centre,
        "alert": alert.name,
        "recipient": person.key,
        "channels": person.channels,
        "subject": f"{alert.centre or 'Monitor'}: {alert.name}"[:160],
        "text": text[:480],
        "channel": 0,
        "tries": 0,
        "due": now,
        "queued": at,
        "failed": None if person.channels else at,
        "problem": None if person.channels else "nobody is registered for this centre",
    }


def due(engine: Engine, now: float, limit: int = 50) -> list[Queued]:
    """What is to be sent now, oldest first."""
    table = notifications.c
    columns = (table.key, table.channels, table.channel, table.tries, table.subject, table.text)
    open_rows = select(*columns).where(table.sent.is_(None), table.failed.is_(None), table.due <= now)
    with engine.connect() as connection:
        return [Queued(*row) for row in connection.execute(open_rows.order_by(table.due).limit(limit))]


def record_sent(engine: Engine, message: Queued, now: float) -> None:
    """It left."""
    by = message.channels[message.channel][0]
    _record(
        engine, message.key, sent=datetime.fromtimestamp(now, UTC), sent_by=by, tries=message.tries + 1, problem=None
    )


def record_failure(
    engine: Engine, message: Queued, problem: str, *, now: float, tries: int, retry_seconds: float
) -> None:
    """It did not leave: again later, then by the next channel, then never."""
    done = message.tries + 1
    if done < tries:
        wait = min(_RETRY_CAP_SECONDS, retry_seconds * 2**message.tries)
        _record(engine, message.key, tries=done, due=now + wait, problem=problem[:200])
    elif message.channel + 1 < len(message.channels):
        _record(engine, message.key, channel=message.channel + 1, tries=0, due=now, problem=problem[:200])
    else:
        _record(engine, message.key, tries=done, failed=datetime.fromtimestamp(now, UTC), problem=problem[:200])


def _record(engine: Engine, key: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(notifications).where(notifications.c.key == key).values(**values))
