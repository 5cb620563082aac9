"""What measuring may cost in a month: kept over a restart, never overspent for lack of a file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.budget import Budget

NOVEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
LIMIT = 1_000_000


def budget(directory: Path) -> Budget:
    return Budget(directory / "internet-wan.json", LIMIT)


def test_tests_and_probes_share_one_purse(tmp_path: Path) -> None:
    one = budget(tmp_path)
    one.spend(NOVEMBER, down=100_000, up=20_000)
    one.spend(NOVEMBER, down=3_000, up=4_000, probe=True)
    assert one.remaining(NOVEMBER) == LIMIT - 127_000
    assert (one.spent.total_down, one.spent.total_up) == (100_000, 20_000), "probes are not tests"


def test_what_was_spent_survives_a_restart(tmp_path: Path) -> None:
    one = budget(tmp_path)
    one.spend(NOVEMBER, down=400_000)
    one.count("converged", NOVEMBER, success=True)
    one.save()
    again = budget(tmp_path)
    assert again.remaining(NOVEMBER) == 600_000
    assert again.spent == one.spent
    assert again.spent.last_success == NOVEMBER.timestamp()


def test_a_new_month_begins_full_and_the_counters_go_on(tmp_path: Path) -> None:
    one = budget(tmp_path)
    one.spend(NOVEMBER, down=LIMIT)
    one.count("converged", NOVEMBER, success=True)
    assert one.remaining(NOVEMBER) == 0
    assert one.remaining(DECEMBER) == LIMIT
    assert (one.spent.total_down, one.spent.tests) == (LIMIT, {"converged": 1})
    assert one.spent.last_test == NOVEMBER.timestamp()


def test_a_month_that_turned_while_the_gateway_was_off_begins_full(tmp_path: Path) -> None:
    one = budget(tmp_path)
    one.spend(NOVEMBER, up=LIMIT)
    one.save()
    assert budget(tmp_path).remaining(DECEMBER) == LIMIT


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"month":7}', b'{"down":5}', b"\xff\xfe", b'{"month":"2026-11","down":"5"}']
)
def test_a_damaged_file_counts_as_spent_until_the_month_turns(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "internet-wan.json").write_bytes(body)
    one = budget(tmp_path)
    assert one.remaining(NOVEMBER) == 0
    one.save()
    again = budget(tmp_path)
    assert again.remaining(NOVEMBER) == 0, "a restart mends nothing"
    assert again.remaining(DECEMBER) == LIMIT


def test_a_directory_in_the_files_place_counts_as_spent(tmp_path: Path) -> None:
    (tmp_path / "internet-wan.json").mkdir()
    assert budget(tmp_path).remaining(NOVEMBER) == 0


def test_a_disk_that_takes_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    one = Budget(tmp_path / "state/internet-wan.json", LIMIT)
    assert one.remaining(NOVEMBER) in (0, LIMIT)
    one.save()


def test_a_torn_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    one = budget(tmp_path)
    one.spend(NOVEMBER, down=400_000)
    one.save()
    (tmp_path / "internet-wan.new").write_bytes(b'{"month":"20')
    assert budget(tmp_path).remaining(NOVEMBER) == 600_000
    one.save()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["internet-wan.json"]


def test_a_clock_that_jumps_back_and_forth_does_not_fill_the_purse_again(tmp_path: Path) -> None:
    """A gateway without a battery starts in 1970 until time synchronisation."""
    one = budget(tmp_path)
    one.spend(NOVEMBER, down=900_000)
    assert one.remaining(datetime(1970, 1, 1, tzinfo=UTC)) <= 100_000
    assert one.remaining(NOVEMBER) == 100_000


def test_a_damaged_file_counts_as_spent_also_when_the_clock_was_not_set_at_the_start(tmp_path: Path) -> None:
    """One power cut does both."""
    (tmp_path / "internet-wan.json").write_bytes(b"")
    one = budget(tmp_path)
    assert one.remaining(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert one.remaining(NOVEMBER) == 0


def test_a_clock_that_ran_ahead_does_not_keep_the_purse_shut_for_years(tmp_path: Path) -> None:
    one = budget(tmp_path)
    one.spend(datetime(2036, 1, 1, tzinfo=UTC), down=LIMIT)
    assert one.remaining(NOVEMBER) >= 0
    one.spend(NOVEMBER, down=LIMIT)
    assert one.remaining(NOVEMBER) == 0
    assert one.remaining(DECEMBER) == LIMIT


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans()), max_size=20))
def test_what_remains_is_never_negative_and_never_grows_within_a_month(
    tmp_path: Path, spendings: list[tuple[int, int, bool]]
) -> None:
    one = Budget(tmp_path / "none.json", LIMIT)
    left = one.remaining(NOVEMBER)
    for down, up, probe in spendings:
        one.spend(NOVEMBER, down=down, up=up, probe=probe)
        assert 0 <= one.remaining(NOVEMBER) <= left
        assert one.remaining(NOVEMBER) == max(0, left - down - up)
        left = one.remaining(NOVEMBER)
