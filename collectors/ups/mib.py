"""A UPS brand is a TOML file: rows of MIB object, OID, field, scale, meaning. This is the format.

    name, title, object_ids (sysObjectID prefixes), probe (the object that only a UPS answers)
    [[row]]
      object   MIB object, as printed          oid    with .0, or the column of a table
      field    what it tells (FIELDS)          scale  raw x scale = V, A, Hz, %, s, C, W
      phases   true: a table; rows 1..3 are the phases (index N or N.0)
      invalid  raw numbers that mean "no value"
      states   {raw = status} for `status`; {raw = true|false} for yes/no fields
      bits     {position = word} for a string of 0 and 1, positions from 1; a word is a status,
               a yes/no field, or alarm:<name>
      alarms   {OID = name} for a table whose values are OIDs
      static   true: read once an hour

Rows of one field are alternatives: the first that gives a plausible value wins. There is no
expression language and no hook; a brand that needs more gets one more named word here.
"""

import tomllib
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
    "alarms", "vendor", "model", "serial", "firmware", "nominal_voltamperes",
]  # fmt: skip
TEXTS = frozenset({"vendor", "model", "serial", "firmware"})
FLAGS = frozenset({"battery_low", "replace_battery", "overload"})
PHASED = frozenset({"input_volts", "output_volts", "output_amperes", "load_ratio"})
FALLBACK = "rfc1628"
FOLDER = Path(__file__).parent / "mibs"
_BATTERY_STATES_WORDS = (*UPS_STATUSES, *FLAGS)


class Row(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One MIB object and what it tells."""

    object: str
    oid: str
    field: Field
    scale: float = 1.0
    phases: bool = False
    invalid: tuple[int, ...] = ()
    states: dict[str, str | bool] = {}
    bits: dict[str, str] = {}
    alarms: dict[str, str] = {}
    static: bool = False

    def oids(self) -> tuple[str, ...]:
        """The instances to GET; a table of alarms is walked instead."""
        if self.alarms:
            return ()
        return tuple(f"{self.oid}.{n}" for n in (1, 2, 3)) if self.phases else (self.oid,)


class Mib(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One brand file."""

    name: str
    title: str
    object_ids: tuple[str, ...]
    probe: str
    row: tuple[Row, ...]
    vendor: str = ""
    priority: int = 50
    """Order among brands whose sysObjectID says nothing; lower first, the fallback always last."""


def parse_mib(file: Path) -> Mib:
    """The Mib of a brand file; raises ConfigError naming file, path and what is allowed."""
    try:
        mib = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Mib)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as problem:
        raise ConfigError(file, "$", str(problem)) from problem
    for number, row in enumerate(mib.row):
        _check(file, f"$.row[{number}]", row)
    if not any(mib.probe in row.oids() for row in mib.row):
        raise ConfigError(file, "$.probe", "no row reads it", "the OID of a row")
    return mib


def _check(file: Path, path: str, row: Row) -> None:
    if row.field == "status" and not (row.states or row.bits):
        raise ConfigError(file, path, f"{row.object} has no states", "states or bits")
    for state in row.states.values():
        if row.field == "status" and state not in UPS_STATUSES:
            raise ConfigError(file, path + ".states", f"{state!r}", ", ".join(UPS_STATUSES))
        if row.field in FLAGS and not isinstance(state, bool):
            raise ConfigError(file, path + ".states", f"{state!r}", "true or false")
    for word in row.bits.values():
        if word not in _BATTERY_STATES_WORDS and not word.startswith("alarm:"):
            raise ConfigError(file, path + ".bits", f"{word!r}", "a status, a yes/no field or alarm:<name>")
    if row.phases and row.field not in PHASED:
        raise ConfigError(file, path + ".phases", f"{row.field} has no phases", ", ".join(sorted(PHASED)))


@cache
def brands() -> tuple[Mib, ...]:
    """Every brand file, in the order in which an unknown card is asked; the fallback last."""
    mibs = [parse_mib(file) for file in sorted(FOLDER.glob("*.toml"))]
    return tuple(sorted(mibs, key=lambda mib: (mib.name == FALLBACK, mib.priority, mib.name)))


def fallback() -> Mib:
    """RFC 1628: asked for whatever the brand's own objects leave open."""
    return brands()[-1]
