"""Tokens and certificates in the central database. A token is known by its hash alone, and is used once.

Using a token is one UPDATE that only one of two can win, in the transaction that records the
certificate: both happen or neither. The same token with the same key is the same request again, whose
answer was lost on the line; it gets the same certificate.
"""

import base64
import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, and_, select, update

from central.database import centres, certificates, enrolments
from central.enrol.authority import Revoked
from central.enrol.refusal import Refused
from telemetry.errors import ConfigError

log = logging.getLogger(__name__)
_TOKEN_BYTES = 20
_GROUP = 4


class Issued(Struct, frozen=True):
    """A certificate and what is remembered of it."""

    serial: str
    key: str
    issued: datetime
    not_after: datetime
    pem: str


Sign = Callable[[str], Issued]
"""A centre's id -> its certificate."""


def new_token(engine: Engine, centre: str, life: timedelta, now: datetime) -> str:
    """A token of 160 random bits for one registered centre, in groups that can be typed; raises ConfigError."""
    plain = base64.b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode()
    with engine.begin() as connection:
        if not _locked(connection, centre):
            allowed = "a centre of `centre-monitor centres import FILE.csv`"
            raise ConfigError("[registry]", centre, "not registered", allowed)
        row = {"token": _hash(plain), "centre": centre, "made": now, "expires": now + life}
        connection.execute(enrolments.insert().values(row))
    log.info("token made centre=%s hours=%.1f", centre, life / timedelta(hours=1))
    return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))


def redeem(engine: Engine, token: str, *, key: str, claimed: str, now: datetime, sign: Sign) -> tuple[str, Issued]:
    """The centre of a token and its new certificate; raises Refused (token, other_centre, unregistered).

    key: the id of the public key that the certificate is for. claimed: the centre that the gateway is
    configured as, or "". A token that is refused stays unused.
    """
    good = and_(enrolments.c.token == _hash(token), enrolments.c.expires > now)
    with engine.begin() as connection:
        # First of all the UPDATE: who comes second waits for it here, and then finds the token used.
        won = connection.execute(update(enrolments).where(good, enrolments.c.used.is_(None)).values(used=now, key=key))
        if won.rowcount != 1:
            return _answered_before(connection, good, key)
        centre = connection.execute(select(enrolments.c.centre).where(good)).scalar_one()
        if claimed and claimed != centre:
            raise Refused("other_centre")
        if not _locked(connection, centre):
            raise Refused("unregistered")
        issued = sign(centre)
        _record(connection, centre, issued)
    return centre, issued


def renew(engine: Engine, centre: str, serial: str, *, now: datetime, sign: Sign) -> Issued:
    """A new certificate for who shows a good one; raises Refused (certificate, unregistered)."""
    mine = and_(certificates.c.serial == serial, certificates.c.centre == centre, certificates.c.not_after > now)
    with engine.begin() as connection:
        if not _locked(connection, centre):
            raise Refused("unregistered")
        shown = connection.execute(select(certificates.c.revoked_at).where(mine)).one_or_none()
        if shown is None or shown.revoked_at is not None:
            raise Refused("certificate")
        issued = sign(centre)
        _record(connection, centre, issued)
    return issued


def revoke(
    engine: Engine, now: datetime, reason: str, *, centre: str = "", serial: str = ""
) -> tuple[str, list[str]]:  # fmt: skip
    """Revoke what is still valid of a centre, its unused tokens too; or one serial alone.

    Returns the centre and the serials; raises ConfigError when there is nothing to revoke.
    """
    owner = centre or _owner(engine, serial.lower())
    which = and_(certificates.c.centre == owner, certificates.c.revoked_at.is_(None), certificates.c.not_after > now)
    if serial:
        which = and_(which, certificates.c.serial == serial.lower())
    unused = and_(enrolments.c.centre == centre, enrolments.c.used.is_(None), enrolments.c.expires > now)
    with engine.begin() as connection:
        _locked(connection, owner)
        ended = connection.execute(update(enrolments).where(unused).values(expires=now)).rowcount
        serials = list(connection.scalars(select(certificates.c.serial).where(which)))
        if not serials and not ended:
            what = centre or serial
            raise ConfigError("[enrolments]", what, "no certificate that is valid", "a centre's id, or --serial HEX")
        connection.execute(update(certificates).where(which).values(revoked_at=now, reason=reason[:80]))
    log.warning("revoked centre=%s certificates=%d tokens=%d", owner, len(serials), ended)
    return owner, serials


def revoked(engine: Engine, now: datetime) -> list[Revoked]:
    """What the list of the revoked must hold: not what ran out a day ago."""
    gone = and_(certificates.c.revoked_at.is_not(None), certificates.c.not_after > now - timedelta(days=1))
    query = select(certificates.c.serial, certificates.c.revoked_at).where(gone).order_by(certificates.c.serial)
    with engine.connect() as connection:
        return [Revoked(row.serial, row.revoked_at) for row in connection.execute(query)]


def unenforced(engine: Engine) -> dict[str, str]:
    """Serial -> centre of what is revoked and was not yet told to the broker."""
    query = select(certificates.c.serial, certificates.c.centre)
    query = query.where(certificates.c.revoked_at.is_not(None), certificates.c.enforced.is_(None))
    with engine.connect() as connection:
        return {row.serial: row.centre for row in connection.execute(query)}


def mark_enforced(engine: Engine, serials: list[str], now: datetime) -> None:
    """The broker knows of these."""
    with engine.begin() as connection:
        connection.execute(update(certificates).where(certificates.c.serial.in_(serials)).values(enforced=now))


def _answered_before(connection: Connection, good: ColumnElement[bool], key: str) -> tuple[str, Issued]:
    columns = (certificates.c[name] for name in Issued.__struct_fields__)
    query = select(certificates.c.centre, *columns).join(enrolments, enrolments.c.key == certificates.c.key)
    query = query.where(good, enrolments.c.key == key, certificates.c.revoked_at.is_(None))
    query = query.where(certificates.c.centre == enrolments.c.centre)
    row = connection.execute(query.order_by(certificates.c.issued).limit(1)).one_or_none()
    if row is None:
        raise Refused("token")
    return row.centre, Issued(*row[1:])


def _owner(engine: Engine, serial: str) -> str:
    with engine.connect() as connection:
        return connection.scalar(select(certificates.c.centre).where(certificates.c.serial == serial)) or ""


def _record(connection: Connection, centre: str, issued: Issued) -> None:
    row: dict[str, Any] = {name: getattr(issued, name) for name in Issued.__struct_fields__}
    connection.execute(certificates.insert().values(centre=centre, **row))


def _locked(connection: Connection, centre: str) -> bool:
    """Whether the centre is registered; if so its row is locked: no certificate slips past a revocation.

    An UPDATE that changes nothing locks on both databases; SELECT FOR UPDATE does not on SQLite.
    """
    return connection.execute(update(centres).where(centres.c.id == centre).values(id=centre)).rowcount == 1


def _hash(token: str) -> str:
    """Of a token as somebody may have typed it. 160 random bits need no salt and no slow hash."""
    plain = "".join(token.split()).replace("-", "").upper()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
