"""A UPS brand is a TOML file: rows of MIB object, OID, field, scale, meaning. This is the format.

    name, title, object_ids (sysObjectID prefixes), probe (the object that tells where the output comes from)
    like, root (a tree that a maker has put elsewhere: the rows of that file, at this root instead of at its own)
    [[row]]
      object   MIB object, as printed          oid    with .0, or the column of a table
      field    what it tells (FIELDS)          scale  raw x scale = V, A, Hz, %, s, C, W
      phases   true: a table; rows 1..3 are the phases (index N or N.0)
      phase    1, 2 or 3: this scalar is that phase; the rows of one field complete each other
      lines    OID of the number of lines: phases beyond it do not exist, whatever the table holds
      invalid  raw numbers that mean "no value"
      least    raw numbers above 0 and below this: some firmware sends them in another unit, so they are not believed
      absent   raw numbers that mean "there is no such thing here": not a value, and not a lie
      join     true: this text is appended to what the rows before it gave
      part     this text is several, with ; between them: only the n-th, from 1
      states   {raw = status} for `status`; {raw = true|false} for yes/no fields; {raw = name} for
               `alarms`; {raw = ""} says nothing, and the next row of the field is asked
      bits     {position = word} for a string of 0 and 1, positions from 1; a word is a status,
               a yes/no field, or alarm:<name>
      listed   {number = word} for a text of the numbers that hold, with commas between them
      alarms   {OID = name} for a table whose values are OIDs
      count    OID of that table's number of rows: while it says 0 the table is not walked
      active   column of that table: only rows where it says 1 are alarms, the others are history
      static   true: read once an hour

Rows of one field are alternatives: the first that gives a plausible value wins, but 0 A or 0 W and a no of
a warning stand only while no later row says more. There is no expression language
and no hook; a brand that needs more gets one more named word here.
"""

import math
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from telemetry.catalogue import UPS_STATUSES
from telemetry.errors import ConfigError

Field = Literal[
    "status", "battery_low", "replace_battery", "overload", "charge_ratio", "runtime_seconds",
    "on_battery_seconds", "battery_volts", "battery_amperes", "temperature_celsius", "input_volts",
    "input_hertz", "output_volts", "output_hertz", "output_amperes", "load_ratio", "output_watts",
    "alarms", "communicating", "testing", "vendor", "model", "serial", "firmware", "nominal_voltamperes",
]  # fmt: skip
TEXTS = frozenset({"vendor", "model", "serial", "firmware"})
FLAGS = frozenset({"battery_low", "replace_battery", "overload", "communicating", "testing"})
PHASED = frozenset({"input_volts", "output_volts", "output_amperes", "load_ratio"})
SUMMED = "output_watts"
"""Read by phase like those, kept as one number."""
FALLBACK = "rfc1628"
FOLDER = Path(__file__).parent / "mibs"
OWN_FOLDER = Path("/etc/centre-agent/mibs.d")
"""Where a technician adds a brand, or replaces one of ours by a file of the same name."""
ALARM_NAME = re.compile(r"[a-z0-9_]{1,64}")
"""It becomes the value of a label."""
_OID = re.compile(r"[0-2](\.\d{1,10}){2,40}")
_PLACE = re.compile(r"[0-9]{1,3}")
_MOST_BITS = 256
_MOST_PARTS = 9


class Row(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One MIB object and what it tells."""

    object: str
    oid: str
    field: Field
    scale: float = 1.0
    phases: bool = False
    phase: Literal[0, 1, 2, 3] = 0
    lines: str = ""
    invalid: tuple[int, ...] = ()
    least: int = 0
    absent: tuple[int, ...] = ()
    join: bool = False
    part: int = 0
    states: dict[str, str | bool] = {}
    bits: dict[str, str] = {}
    listed: dict[str, str] = {}
    alarms: dict[str, str] = {}
    count: str = ""
    active: str = ""
    static: bool = False

    def oids(self) -> tuple[str, ...]:
        """What to GET for it; a table of alarms is walked instead."""
        asked = (self.count,) if self.alarms else (*self.instances(), self.lines)
        return tuple(oid for oid in asked if oid)

    def instances(self) -> tuple[str, ...]:
        """The object itself, or the column in the row of each phase."""
        return tuple(f"{self.oid}.{n}" for n in (1, 2, 3)) if self.phases else (self.oid,)


class Mib(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One brand file."""

    name: str
    title: str
    object_ids: tuple[str, ...]
    probe: str
    row: tuple[Row, ...]
    vendor: str = ""
    like: str = ""
    root: str = ""
    priority: int = 50
    """Order among brands whose sysObjectID says nothing; lower first, the fallback always last."""


def parse_mib(file: Path) -> Mib:
    """The Mib of a brand file; raises ConfigError naming file, path and what is allowed."""
    try:
        mib = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Mib)
        if mib.like:
            mib = msgspec.structs.replace(mib, row=mib.row + _moved(mib))
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as problem:
        raise ConfigError(file, "$", str(problem)) from problem
    for number, row in enumerate(mib.row):
        _check(file, f"$.row[{number}]", row)
    if not any(mib.probe in row.oids() for row in mib.row):
        raise ConfigError(file, "$.probe", "no row reads it", "the OID of a row")
    return mib


def _moved(mib: Mib) -> tuple[Row, ...]:
    """The rows of the file that it is like, as far as they stand below its root, every OID in them at its own."""
    model = parse_mib(FOLDER / f"{mib.like}.toml")
    rows = msgspec.json.encode([row for row in model.row if row.oid.startswith(f"{model.root}.")]).decode()
    return msgspec.json.decode(rows.replace(f'"{model.root}.', f'"{mib.root}.'), type=tuple[Row, ...])


def _check(file: Path, path: str, row: Row) -> None:
    """Raises ConfigError for a row that could only fail when a card is read."""
    for where, problem, allowed in (*_numbers(row), *_meanings(row), *_words(row)):
        raise ConfigError(file, path + where, problem, allowed)


Complaints = Iterator[tuple[str, str, str]]


def _numbers(row: Row) -> Complaints:
    others = {f".{name}": getattr(row, name) for name in ("lines", "count", "active") if getattr(row, name)}
    for where, oid in {".oid": row.oid, **others}.items():
        if _OID.fullmatch(oid) is None:
            yield where, repr(oid), "an OID in dotted numbers"
    if not (math.isfinite(row.scale) and row.scale != 0):
        yield ".scale", str(row.scale), "a number other than 0"
    if (row.phases or row.phase) and row.field not in {*PHASED, SUMMED}:
        yield ".phases", f"{row.field} has no phases", ", ".join(sorted(PHASED))
    for where, places in ((".bits", row.bits), (".listed", row.listed)):
        for place in places:
            if not (_PLACE.fullmatch(place) and 1 <= int(place) <= _MOST_BITS):
                yield where, f"position {place!r}", f"1 to {_MOST_BITS}"
    if not 0 <= row.part <= _MOST_PARTS:
        yield ".part", str(row.part), f"1 to {_MOST_PARTS}"


def _meanings(row: Row) -> Complaints:
    words = row.states or row.bits or row.listed
    if row.field in {"status", *FLAGS} and not words:
        yield "", f"{row.object} does not say what its numbers mean", "states, bits or listed"
    if row.field == "alarms" and not (row.alarms or words):
        yield "", f"{row.object} names no alarm", "alarms, states, bits or listed"


def _words(row: Row) -> Complaints:
    for state in row.states.values():
        if row.field == "status" and state not in ("", *UPS_STATUSES):
            yield ".states", repr(state), ", ".join(UPS_STATUSES)
        if row.field in FLAGS and state != "" and not isinstance(state, bool):
            yield ".states", repr(state), "true or false"
        if row.field == "alarms" and state != "" and not _is_name(state):
            yield ".states", repr(state), "the name of an alarm"
    for name in row.alarms.values():
        if not _is_name(name):
            yield ".alarms", repr(name), "the name of an alarm"
    for where, words in ((".bits", row.bits), (".listed", row.listed)):
        for word in words.values():
            kind, _, name = word.partition(":")
            if word not in (*UPS_STATUSES, *FLAGS) and not (kind == "alarm" and _is_name(name)):
                yield where, repr(word), "a status, a yes/no field or alarm:<name>"


def _is_name(word: str | bool) -> bool:
    return isinstance(word, str) and ALARM_NAME.fullmatch(word) is not None


@cache
def brands() -> tuple[Mib, ...]:
    """Every brand file, in the order in which an unknown card is asked; the fallback last."""
    files = {file.name: file for folder in (FOLDER, OWN_FOLDER) for file in sorted(folder.glob("*.toml"))}
    mibs = [parse_mib(file) for file in files.values()]
    return tuple(sorted(mibs, key=lambda mib: (mib.name == FALLBACK, mib.priority, mib.name)))


def fallback() -> Mib:
    """RFC 1628: asked for whatever the brand's own objects leave open."""
    return brands()[-1]
