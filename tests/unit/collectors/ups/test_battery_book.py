"""Which discharges are written down: those that were seen whole, and no others."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.ups.battery_book import BatteryBook
from collectors.ups.state import UpsState
from telemetry import catalogue as names

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
Seen = tuple[float, str, float | None]
"""Second, status, charge."""
WHOLE: list[Seen] = [
    (0, "online", 1.0), *[(10 * n, "on_battery", 1.0 - n / 200) for n in range(1, 101)], (1010, "online", 0.5),
]  # fmt: skip


def _fed(file: Path, seen: Sequence[Seen], load: float | None = 0.4) -> BatteryBook:
    second = [0.0]
    book = BatteryBook(file, monotonic=lambda: second[0])
    for second[0], status, charge in seen:
        state = UpsState(status=status, charge_ratio=charge, load_ratio=[load])
        book.see(state, NOON + timedelta(seconds=second[0]))
    return book


def test_a_mains_cut_that_was_seen_whole_is_a_test_of_the_battery_and_outlives_a_restart(tmp_path: Path) -> None:
    book = _fed(tmp_path / "b", WHOLE)
    assert [(one.seconds, one.drop, one.load) for one in book.battery.discharges] == [(990, 0.495, 0.4)]
    assert [(one.metric, round(one.value)) for one in book.readings("rack", NOON)] == [
        (names.UPS_MEASURED_RUNTIME, 2000)
    ]
    again = BatteryBook(tmp_path / "b")
    assert again.battery == book.battery
    assert list(again.readings("rack", NOON)) == []  # at which load is not known yet
    assert book.notes(NOON)["runtime_at_load_seconds"] == 2000


@pytest.mark.parametrize(
    "seen",
    [
        WHOLE[1:],  # the agent started in the middle
        [*WHOLE[:20], *WHOLE[60:]],  # the card was silent for minutes
        [*WHOLE[:-1], (1010, "off", 0.5)],
        [(second, "test" if status == "on_battery" else status, charge) for second, status, charge in WHOLE],
        WHOLE[:-1],  # it is not over
    ],
    ids=["began unseen", "silent in between", "switched off", "self-test", "still on"],
)
def test_what_was_not_seen_whole_is_not_written_down(tmp_path: Path, seen: list[Seen]) -> None:
    assert _fed(tmp_path / "b", seen).battery.discharges == []


def test_a_card_that_tells_no_load_or_no_charge_gives_no_evidence(tmp_path: Path) -> None:
    assert _fed(tmp_path / "b", WHOLE, load=None).battery.discharges == []
    blind: list[Seen] = [(second, status, None) for second, status, _ in WHOLE]
    assert _fed(tmp_path / "b", blind).battery.discharges == []


def test_a_disk_that_takes_nothing_still_leaves_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert len(_fed(tmp_path / "file" / "b", WHOLE).battery.discharges) == 1
