"""The seat map: what it may say, and what it is told when it says something else."""

from pathlib import Path

import pytest

from agent.demo.sensors import SEATS, seat_map
from collectors.seats.map import Space, read_map
from telemetry.errors import ConfigError

SHIPPED = Path(__file__).resolve().parents[3] / "config/seats.toml"
SEAT = '[[space.seat]]\nname = "{}"\n'
LAB = '[[space]]\nname = "lab-1"\nkind = "training_room"\n'
CABINS = '[[space]]\nname = "cabins"\nkind = "cabin"\n'


def read(directory: Path, text: str) -> tuple[Space, ...]:
    """The map that this text is."""
    file = directory / "seats.toml"
    file.write_text(text, encoding="utf-8")
    return read_map(file)


def refused(directory: Path, text: str) -> ConfigError:
    """The refusal of this text; it names the file."""
    with pytest.raises(ConfigError) as caught:
        read(directory, text)
    assert caught.value.file == str(directory / "seats.toml")
    assert str(caught.value).startswith(f"{directory / 'seats.toml'}: {caught.value.path}: ")
    return caught.value


def test_the_shipped_sample_is_a_map() -> None:
    assert [(space.name, len(space.seat)) for space in read_map(SHIPPED)] == [("lab-1", 3), ("cabins", 3)]


def test_the_demos_map_is_a_map(tmp_path: Path) -> None:
    assert sum(len(space.seat) for space in read(tmp_path, seat_map())) == SEATS


@pytest.mark.parametrize("seats", [1, 2])
def test_cabins_below_three_would_tell_who_is_in(tmp_path: Path, seats: int) -> None:
    text = LAB + SEAT.format("lab-1-01") + CABINS + "".join(SEAT.format(f"cabin-{n}") for n in range(seats))
    problem = refused(tmp_path, text)
    assert problem.path == "$.space[1]"
    assert "tell who is in" in problem.problem
    assert "3 cabins" in problem.allowed


def test_one_seat_is_enough_for_a_room(tmp_path: Path) -> None:
    (space,) = read(tmp_path, LAB + SEAT.format("lab-1-01"))
    assert (space.kind, len(space.seat)) == ("training_room", 1)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (LAB + SEAT.format("a") + LAB + SEAT.format("b"), "space 'lab-1' twice"),
        (LAB + SEAT.format("a") + SEAT.format("a"), "seat 'a' twice"),
        (LAB + SEAT.format("a") + LAB.replace("lab-1", "lab-2") + SEAT.format("a"), "seat 'a' twice"),
    ],
)
def test_a_name_that_stands_twice_is_named(tmp_path: Path, text: str, what: str) -> None:
    assert refused(tmp_path, text).problem == what


SENSOR = 'sensors = [{{ format = "{}", topic = "{}" }}]\n'


@pytest.mark.parametrize(
    ("text", "path", "what"),
    [
        (LAB + "colour = 1\n" + SEAT.format("a"), "$.space[0]", "colour"),
        (LAB + SEAT.format("a") + "person = 'x'\n", "$.space[0].seat[0]", "person"),
        (LAB + SEAT.format("Desk One"), "$.space[0].seat[0].name", "a-z0-9-"),
        (LAB.replace("training_room", "kitchen") + SEAT.format("a"), "$.space[0].kind", "kitchen"),
        (LAB + SEAT.format("a") + SENSOR.format("enocean", "x"), "$.space[0].seat[0].sensors[0].format", "enocean"),
        (LAB + SEAT.format("a") + SENSOR.format("tasmota", "a/#"), "$.space[0].seat[0].sensors[0].topic", "#"),
        (LAB + SEAT.format("a") + SENSOR.format("tasmota", "a/+/b"), "$.space[0].seat[0].sensors[0].topic", "+"),
        (LAB + SEAT.format("a") + SENSOR.format("tasmota", ""), "$.space[0].seat[0].sensors[0].topic", "length"),
        (LAB, "$.space[0]", "seat"),
        (LAB + "seat = []\n", "$.space[0].seat", "no seat"),
        ("", "$", "space"),
        ("[[space]\n", "$", "line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(tmp_path: Path, text: str, path: str, what: str) -> None:
    problem = refused(tmp_path, text)
    assert problem.path == path
    assert what in problem.problem


def test_a_name_may_not_end_in_a_line_break(tmp_path: Path) -> None:
    """It would be a label value that ingest refuses with the whole batch."""
    assert refused(tmp_path, LAB.replace("lab-1", "lab-1\\n") + SEAT.format("a")).path == "$.space[0].name"


def test_a_missing_file_points_to_the_sample(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_map(tmp_path / "none.toml")
    assert (caught.value.path, caught.value.problem) == ("$", "no such file")
    assert "config/seats.toml" in caught.value.allowed


@pytest.mark.parametrize("body", [b"\xff\xfe[[space]]", b"name = \x00", b"a = " + b"9" * 5000, b"a = " + b"[" * 9000])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "seats.toml").write_bytes(body)
    with pytest.raises(ConfigError):
        read_map(tmp_path / "seats.toml")


def test_a_directory_in_the_maps_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_map(tmp_path)
