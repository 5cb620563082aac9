"""What kind of throughput test comes next, by what earlier ones have taught."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.burst import is_bursty, with_pair
from collectors.internet.engines import Measured, Request, Result, empty
from collectors.internet.history import History

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def measured(down: float, *, stop: str = "converged") -> Result:
    one = Measured(down, down, converged=stop == "converged", stop=stop, seconds=1.0, wire_bytes=1)
    return msgspec.structs.replace(empty(Request("http://speed.example.org")), down=one)


def paired(history: History, at: datetime, quick: float, sustained: float) -> None:
    history.paired(at, measured(quick), measured(sustained))
    history.tested(at, confirming=False, poor=False, share=0.5)


def test_a_new_site_begins_with_a_pair_and_has_one_a_day_for_a_week(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    kinds = []
    for slot in range(4 * 7):  # four moments a day
        at = NOON + slot * timedelta(hours=6)
        kinds.append(history.next_kind(at))
        if kinds[-1] == "pair":
            paired(history, at, 100, 100)
    assert kinds == ["pair", "quick", "quick", "quick"] * 7


def test_after_a_week_there_is_a_pair_a_week(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    for day in range(8):
        paired(history, NOON + day * DAY, 100, 100)
    last = NOON + 7 * DAY
    assert history.next_kind(last + 6 * DAY) == "quick"
    assert history.next_kind(last + 7 * DAY) == "pair"


def test_two_of_the_last_three_pairs_make_a_line_bursty_and_unmake_it(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    flags = []
    for day, quick in enumerate([300, 100, 300, 100, 100, 108, 92]):
        paired(history, NOON + day * DAY, quick, 100)
        flags.append(history.bursty)
    assert flags == [False, False, True, False, False, False, False]


def test_a_bursty_line_is_tested_by_sustained_tests_half_as_often(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    for day in range(2):
        paired(history, NOON + day * DAY, 300, 100)
    assert history.next_kind(NOON + DAY + timedelta(hours=6)) == "sustained"
    assert (history.tests_per_day(4), history.tests_per_day(1)) == (2, 1)
    assert History(tmp_path / "other.json").tests_per_day(4) == 4


@pytest.mark.parametrize(("quick", "sustained"), [("time", "converged"), ("cap", "converged"), ("converged", "cap")])
def test_a_pair_that_was_not_measured_to_its_end_says_nothing(tmp_path: Path, quick: str, sustained: str) -> None:
    history = History(tmp_path / "tests.json")
    history.paired(NOON, measured(300, stop=quick), measured(100, stop=sustained))
    assert not history.knows_bursts


def test_a_pair_of_which_nothing_was_measured_is_made_again(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    history.paired(NOON, measured(300), empty(Request("http://speed.example.org")))
    assert history.next_kind(NOON + timedelta(hours=1)) == "pair"


def test_a_pair_that_ends_at_its_cap_is_not_made_again_and_again(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    history.paired(NOON, measured(300), measured(100, stop="cap"))
    assert history.next_kind(NOON + timedelta(hours=1)) == "quick"


def test_a_pair_with_a_failed_direction_counts_for_the_other(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    history.paired(NOON, measured(300), measured(100))
    assert history.lessons.ratios == {"down": (3.0,)}


def test_lessons_survive_a_restart_and_a_damaged_file_is_a_new_site(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "tests.json"
    history = History(file)
    for day in range(3):
        paired(history, NOON + day * DAY, 300, 100)
    history.save()
    assert History(file).lessons == history.lessons
    assert History(file).bursty
    file.write_bytes(file.read_bytes()[:-7])
    assert History(file).next_kind(NOON + 3 * DAY) == "pair"


def test_a_poor_result_is_confirmed_within_10_to_20_minutes_unless_it_is_too_late(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    history.tested(NOON, confirming=False, poor=True, share=0.5)
    due = NOON + timedelta(minutes=15)
    assert not history.confirm_is_due(due - timedelta(seconds=1))
    assert history.confirm_is_due(due)
    assert not history.confirm_is_due(due + timedelta(hours=1))
    history.tested(due, confirming=True, poor=True, share=0.5)
    assert not history.confirm_is_due(due + timedelta(minutes=15))


def test_a_clock_that_was_wrong_neither_stops_the_pairs_nor_lasts(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    history.tested(datetime(1970, 1, 1, tzinfo=UTC), confirming=False, poor=True, share=0.5)
    assert history.lessons.first_test == history.lessons.confirm_at == 0
    paired(history, NOON + 3650 * DAY, 100, 100)
    assert history.next_kind(NOON) == "pair"
    paired(history, NOON, 100, 100)
    assert history.lessons.first_test == NOON.timestamp()


@given(st.lists(st.tuples(st.floats(1, 1e9), st.floats(1, 1e9)), max_size=20))
def test_three_pairs_are_kept_and_order_decides_nothing_but_age(pairs: list[tuple[float, float]]) -> None:
    ratios: tuple[float, ...] = ()
    for quick, sustained in pairs:
        ratios = with_pair(ratios, quick, sustained)
    assert len(ratios) <= 3
    odd = [not 0.9 <= round(quick / sustained, 3) <= 1.1 for quick, sustained in pairs[-3:]]
    assert is_bursty(ratios) == (sum(odd) >= 2)
