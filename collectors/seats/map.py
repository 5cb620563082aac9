"""The seat map: which seats there are, in which space, and what tells about each. A TOML file.

[[space]]
name = "lab-1"
kind = "training_room"
  [[space.seat]]
  name = "lab-1-01"
  checkins = true
  sensors = [{ format = "esphome", topic = "desk-01/binary_sensor/presence" }]
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from telemetry.errors import ConfigError

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]
Kind = Literal["cabin", "meeting_room", "training_room", "startup_office"]
Format = Literal["zigbee2mqtt", "tasmota", "esphome"]
_SMALLEST_CABIN_SPACE = 3


class Sensor(Struct, frozen=True, forbid_unknown_fields=True):
    """One sensor at one seat.

    topic: zigbee2mqtt/<name>; the <topic> of a Tasmota; <prefix>/binary_sensor/<id> of an ESPHome.
    sense: presence sees people who sit still; motion does not, and holds the seat longer.
    """

    format: Format
    topic: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^#+\r\n]*\Z")]
    sense: Literal["presence", "motion"] = "presence"
    key: str = "Switch1"
    """Tasmota: which key of its JSON tells."""
    battery: bool = False
    """Runs on a battery: speaks rarely, is believed for 2 hours."""


class Seat(Struct, frozen=True, forbid_unknown_fields=True):
    """One place to work. Its name stays in the centre."""

    name: Slug
    sensors: tuple[Sensor, ...] = ()
    checkins: bool = False


class Space(Struct, frozen=True, forbid_unknown_fields=True):
    """A room, or cabins taken together."""

    name: Slug
    kind: Kind
    seat: tuple[Seat, ...]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    space: tuple[Space, ...]


def read_map(file: Path) -> tuple[Space, ...]:
    """The spaces of a map file; raises ConfigError with file, path and what is allowed."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        spaces = msgspec.convert(table, _File).space
    except FileNotFoundError as problem:
        raise ConfigError(file, "$", "no such file", "see config/seats.toml") from problem
    except msgspec.ValidationError as problem:
        what, _, where = str(problem).partition(" - at `")
        raise ConfigError(file, where.rstrip("`") or "$", what) from problem
    except (OSError, ValueError, RecursionError) as problem:
        raise ConfigError(file, "$", str(problem)) from problem
    _check(file, spaces)
    return spaces


def _check(file: Path, spaces: tuple[Space, ...]) -> None:
    seats = [seat.name for space in spaces for seat in space.seat]
    for what, found in (("space", [space.name for space in spaces]), ("seat", seats)):
        for name in found:
            if found.count(name) > 1:
                raise ConfigError(file, "$.space", f"{what} {name!r} twice", "one name once")
    for number, space in enumerate(spaces):
        if not space.seat:
            raise ConfigError(file, f"$.space[{number}].seat", f"{space.name} has no seat", "one seat or more")
        if space.kind == "cabin" and len(space.seat) < _SMALLEST_CABIN_SPACE:
            raise ConfigError(
                file, f"$.space[{number}]", f"{space.name} has {len(space.seat)} cabins: that would tell who is in",
                f"one space of {_SMALLEST_CABIN_SPACE} cabins or more",
            )  # fmt: skip
