"""Check-ins from a booking desk's CSV: seats, an age, and no names."""

import contextlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.seats.sources.checkins import GRACE, checked_in
from telemetry.errors import BadData, CollectError, Unreachable

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEAD = "seat,space,start,end,status,name,phone\n"
ROW = "{seat},lab-1,{start},{end},{status},Amna Khan,+923001234567\n"
DAY = {"start": "2026-03-02T14:00:00+05:00", "end": "2026-03-02T18:00:00+05:00", "status": "checked_in"}


def write(directory: Path, *rows: str, head: str = HEAD, age: float = 0.0) -> Path:
    """The file as the desk wrote it `age` seconds before noon."""
    file = directory / "checkins.csv"
    file.write_text(head + "".join(rows), encoding="utf-8")
    written = NOON.timestamp() - age
    os.utime(file, (written, written))
    return file


def row(seat: str, **changes: str) -> str:
    """A line of the CSV."""
    return ROW.format(seat=seat, **{**DAY, **changes})


def test_somebody_checked_in_holds_the_seat_between_start_and_end(tmp_path: Path) -> None:
    assert checked_in(write(tmp_path, row("lab-1-01"), age=60), NOON) == (frozenset({"lab-1-01"}), 60.0)


@pytest.mark.parametrize("status", ["booked", "checked_out", "cancelled", "no_show", "assigned", "", "CHECKED_IN"])
def test_no_other_status_holds_a_seat(tmp_path: Path, status: str) -> None:
    assert checked_in(write(tmp_path, row("a", status=status)), NOON)[0] == set()


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        (datetime(2026, 3, 2, 8, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 9, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 13, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 13, 15, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 13, 15, 1, tzinfo=UTC), False),
    ],
)
def test_people_who_forget_to_check_out_are_given_15_minutes(tmp_path: Path, now: datetime, holds: bool) -> None:
    assert timedelta(minutes=15) == GRACE
    assert (checked_in(write(tmp_path, row("a")), now)[0] == {"a"}) is holds


@pytest.mark.parametrize(
    "changes",
    [
        {"start": "2026-03-02T09:00:00"},
        {"end": "2026-03-02T18:00:00"},
        {"start": "morning"},
        {"end": ""},
        {"start": "2026-02-30T09:00:00+05:00"},
    ],
)
def test_a_row_without_an_offset_or_a_date_is_skipped_alone(tmp_path: Path, changes: dict[str, str]) -> None:
    assert checked_in(write(tmp_path, row("a", **changes), row("b")), NOON)[0] == {"b"}


def test_a_row_that_is_cut_short_is_skipped_alone(tmp_path: Path) -> None:
    assert checked_in(write(tmp_path, row("b"), "a,lab-1,2026-03-02T14:00:00+05:00"), NOON)[0] == {"b"}


def test_a_booking_without_end_holds_the_seat(tmp_path: Path) -> None:
    """Desks write the last date there is for a seat let by the month."""
    assert checked_in(write(tmp_path, row("a", end="9999-12-31T23:59:59+00:00")), NOON)[0] == {"a"}


def test_the_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    file = write(tmp_path, f"checked_in,{DAY['end']},a,{DAY['start']}\n", head="status,end,seat,start\n")
    assert checked_in(file, NOON)[0] == {"a"}


@pytest.mark.parametrize("head", ["", "\n", "seat;start;end;status\n", "seat,space,start,end\n", "PK\x03\x04\n"])
def test_another_first_line_is_bad_data_that_names_the_columns(tmp_path: Path, head: str) -> None:
    with pytest.raises(BadData, match="end, seat, start, status"):
        checked_in(write(tmp_path, head=head), NOON)


def test_a_file_saved_by_a_spreadsheet_begins_with_a_mark_and_is_read(tmp_path: Path) -> None:
    assert checked_in(write(tmp_path, row("a"), head="\ufeff" + HEAD), NOON)[0] == {"a"}


def test_a_quote_that_is_never_closed_is_bad_data(tmp_path: Path) -> None:
    """csv gives up at 131,072 characters in a field."""
    with pytest.raises(CollectError):
        checked_in(write(tmp_path, '"', row("a") * 2000), NOON)


def test_a_missing_file_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"none\.csv"):
        checked_in(tmp_path / "none.csv", NOON)


def test_a_clock_behind_the_files_makes_its_age_zero(tmp_path: Path) -> None:
    assert checked_in(write(tmp_path, row("a"), age=-3600), NOON) == (frozenset({"a"}), 0.0)


@given(st.text(max_size=200))
def test_whatever_stands_in_the_rows_no_name_comes_out(tmp_path: Path, text: str) -> None:
    file = tmp_path / "checkins.csv"
    file.write_text(HEAD + row("lab-1-01") + text, encoding="utf-8", newline="")
    with contextlib.suppress(BadData):
        seats, _ = checked_in(file, NOON)
        assert "lab-1-01" in seats
        assert not any("Amna" in str(seat) or "+92300" in str(seat) for seat in seats)
