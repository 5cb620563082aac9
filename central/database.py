"""The central database: centres, technicians, events, notifications, enrolments. SQLite, or PostgreSQL by URL.

What a person sees in a report comes from events and from the store; nothing else is kept.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    case,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC in and out, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """To the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """From the database."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

centres = Table(
    "centres",
    metadata,
    Column("id", String(35), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("province", String(60), nullable=False),
    Column("district", String(60), nullable=False),
    Column("isp", String(60), nullable=False),
    Column("feeder", String(60), nullable=False),
    Column("contract_down_bps", BigInteger),
    Column("contract_up_bps", BigInteger),
    Column("opening_hours", String(60), nullable=False),
)

technicians = Table(
    "technicians",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("centre", String(35), ForeignKey("centres.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("name", String(120), nullable=False),
    Column("language", String(8), nullable=False),
    Column("channels", JSON, nullable=False),
    UniqueConstraint("centre", "position"),
)

events = Table(
    "events",
    metadata,
    Column("centre", String(35), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("start", UtcTime, nullable=False, index=True),
    Column("end", UtcTime),
    Column("evidence", JSON, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("centre", String(35), nullable=False, index=True),
    Column("alert", String(80), nullable=False),
    Column("recipient", String(40), nullable=False),
    Column("channels", JSON, nullable=False),
    Column("subject", String(160), nullable=False),
    Column("text", String(480), nullable=False),
    Column("channel", Integer, nullable=False, default=0),
    Column("tries", Integer, nullable=False, default=0),
    Column("due", Float, nullable=False, index=True),
    Column("queued", UtcTime, nullable=False),
    Column("sent", UtcTime),
    Column("sent_by", String(16)),
    Column("failed", UtcTime),
    Column("problem", String(200)),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("token", String(64), primary_key=True),  # its SHA-256
    Column("centre", String(35), nullable=False, index=True),
    Column("made", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("used", UtcTime),
    Column("key", String(64)),  # SHA-256 of the public key that it was used for
)

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String(40), primary_key=True),  # hexadecimal
    Column("centre", String(35), nullable=False, index=True),
    Column("key", String(64), nullable=False, index=True),
    Column("issued", UtcTime, nullable=False),
    Column("not_after", UtcTime, nullable=False),
    Column("pem", String(4096), nullable=False),
    Column("revoked_at", UtcTime, index=True),
    Column("reason", String(80)),
    Column("enforced", UtcTime),  # the broker has been told, the connection cut
)


def open_database(url: str) -> Engine:
    """An Engine whose tables exist; a SQLite file is made durable (WAL, synchronous=FULL)."""
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
    metadata.create_all(engine)
    return engine


def _durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def insert(engine: Engine, table: Table) -> Any:
    """The dialect's INSERT, which both databases can turn into ON CONFLICT."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)


def store_events(engine: Engine, rows: list[dict[str, Any]]) -> None:
    """Insert each event exactly once; a later end completes an open one, and never reopens it."""
    if not rows:
        return
    statement = insert(engine, events)
    later = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["centre", "id"],
        set_={"end": text('coalesce(excluded."end", events."end")'), "evidence": later.evidence},
        where=text('events."end" IS NULL AND excluded."end" IS NOT NULL'),
    )
    with engine.begin() as connection:
        for row in rows:
            connection.execute(statement, row)


def centre_infos(engine: Engine) -> dict[str, dict[str, str]]:
    """Centre id -> name, province, district, isp, feeder."""
    columns = (centres.c.id, centres.c.name, centres.c.province, centres.c.district, centres.c.isp, centres.c.feeder)
    with engine.connect() as connection:
        return {
            row.id: {name: getattr(row, name) for name in columns_of_info}
            for row in connection.execute(select(*columns))
        }


def revoked_centres(engine: Engine, now: datetime) -> frozenset[str]:
    """Centres of which every certificate that has not run out is revoked: nothing of theirs is to be believed."""
    good = func.sum(case((certificates.c.revoked_at.is_(None), 1), else_=0))
    query = select(certificates.c.centre).where(certificates.c.not_after > now)
    with engine.connect() as connection:
        return frozenset(connection.scalars(query.group_by(certificates.c.centre).having(good == 0)))


columns_of_info = ("name", "province", "district", "isp", "feeder")
