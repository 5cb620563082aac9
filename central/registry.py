"""The registry of centres: a CSV -> the central database, all of it or nothing.

    id,name,province,district,isp,feeder,contract_down_mbps,contract_up_mbps,opening_hours,technicians

technicians: the first is told first. `Name|language|channel:address,channel:address` each, with ";"
between them; language en, ur or roman-ur; channel sms or email.
"""

import csv
import re
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, delete

from central import database
from telemetry.centre_id import EXAMPLE, centre_id
from telemetry.errors import ConfigError, Rejected

COLUMNS = (
    "id", "name", "province", "district", "isp", "feeder", "contract_down_mbps", "contract_up_mbps",
    "opening_hours", "technicians",
)  # fmt: skip
LANGUAGES = ("en", "ur", "roman-ur")
ADDRESSES = {
    "sms": re.compile(r"\+[0-9]{8,15}"),
    "email": re.compile(r"[^@\s,;|:]{1,64}@[A-Za-z0-9.-]{1,190}"),
}
_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,60}")


class Technician(Struct, frozen=True):
    """Who is told, in which language, by which channels in order."""

    name: str
    language: str
    channels: list[list[str]]


def import_csv(file: Path, engine: Engine) -> tuple[int, int]:
    """Add or replace the centres of `file`; returns how many centres and technicians.

    Raises ConfigError naming the line, before anything is written. Centres that the file does not
    name stay as they are.
    """
    rows = _read(file)
    people = 0
    with engine.begin() as connection:
        for centre, technicians in rows:
            _replace(connection, engine, centre, technicians)
            people += len(technicians)
    return len(rows), people


def _replace(connection: Connection, engine: Engine, centre: dict[str, Any], technicians: list[Technician]) -> None:
    statement = database.insert(engine, database.centres).values(centre)
    changes = {key: value for key, value in centre.items() if key != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes))
    connection.execute(delete(database.technicians).where(database.technicians.c.centre == centre["id"]))
    for position, one in enumerate(technicians):
        connection.execute(
            database.technicians.insert().values(
                centre=centre["id"], position=position, name=one.name, language=one.language, channels=one.channels
            )
        )


def _read(file: Path) -> list[tuple[dict[str, Any], list[Technician]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ConfigError(file, "line 1", "not the columns", ",".join(COLUMNS))
            rows = [(f"line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ConfigError(file, "$", f"not readable: {problem}", "a UTF-8 CSV") from problem
    found = [_row(file, line, row) for line, row in rows]
    ids = [centre["id"] for centre, _ in found]
    if len(set(ids)) != len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise ConfigError(file, "$", f"{twice} twice", "each centre once")
    return found


def _row(file: Path, line: str, row: dict[str, str]) -> tuple[dict[str, Any], list[Technician]]:
    if len(row) != len(COLUMNS) or None in row.values():
        raise ConfigError(
            file, f"{line}, fields", "not as many fields as columns", "quotes around a field that holds a comma"
        )
    try:
        centre: dict[str, Any] = {"id": centre_id((row["id"] or "").strip())}
    except Rejected as problem:
        raise ConfigError(file, f"{line}, id", str(problem), f"an id such as {EXAMPLE}") from problem
    for key in ("name", "province", "district", "isp", "feeder"):
        centre[key] = _text(file, f"{line}, {key}", row[key])
    for key in ("down", "up"):
        centre[f"contract_{key}_bps"] = _bits(file, f"{line}, contract_{key}_mbps", row[f"contract_{key}_mbps"])
    hours = (row["opening_hours"] or "").strip()
    if _HOURS.fullmatch(hours) is None:
        raise ConfigError(file, f"{line}, opening_hours", repr(hours), "09:00-21:00")
    centre["opening_hours"] = hours
    people = [one for one in (row["technicians"] or "").split(";") if one.strip()]
    return centre, [_technician(file, f"{line}, technicians", one) for one in people]


def _text(file: Path, where: str, text: str | None) -> str:
    found = (text or "").strip()
    if _TEXT.fullmatch(found) is None:
        raise ConfigError(file, where, repr(found[:40]), "1 to 60 characters")
    return found


def _bits(file: Path, where: str, text: str | None) -> int | None:
    if not (text or "").strip():
        return None
    try:
        mbps = float(text or "")
    except ValueError:
        mbps = -1.0
    if not 0 < mbps <= 100_000:
        raise ConfigError(file, where, repr((text or "")[:20]), "Mbit/s, or nothing when unknown")
    return round(mbps * 1_000_000)


def _technician(file: Path, where: str, text: str) -> Technician:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3 or parts[1] not in LANGUAGES:
        raise ConfigError(file, where, "not a technician", f"Name|{'/'.join(LANGUAGES)}|sms:+92...,email:...")
    channels = []
    for one in parts[2].split(","):
        channel, _, address = one.strip().partition(":")
        pattern = ADDRESSES.get(channel)
        if pattern is None or pattern.fullmatch(address) is None:
            raise ConfigError(file, where, f"{channel[:10]!r} with an address of that kind", ", ".join(ADDRESSES))
        channels.append([channel, address])
    return Technician(_text(file, where, parts[0]), parts[1], channels)
