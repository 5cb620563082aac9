"""A centre that fell silent without a word: those around it tell why, if there are enough of them."""

import pytest

from central.ingest.neighbours import ask_neighbours
from central.ingest.presence import Presence

NOW = 1_760_000_000.0
SILENT = Presence(online=False, cause="unknown", offline_since=NOW - 60)


def _cause(*around: Presence, place: dict[str, str] | None = None, of_others: dict[str, str] | None = None) -> str:
    here = {"feeder": "F1", "isp": "Nayatel", "district": "Lahore"} if place is None else place
    there = here if of_others is None else of_others
    one = Presence(online=False, cause="unknown", offline_since=NOW - 60)
    centres = {"X": one} | {f"N{number}": each for number, each in enumerate(around)}
    places = {"X": here} | {f"N{number}": there for number in range(len(around))}
    ask_neighbours(centres, places, NOW)
    return one.cause


def _well() -> Presence:
    return Presence(online=True)


def _on_battery() -> Presence:
    return Presence(online=True, without_mains=True)


def _dark() -> Presence:
    return Presence(online=False, cause="power", offline_since=NOW - 90)


def _gone(since: float = NOW - 100) -> Presence:
    return Presence(online=False, cause="unknown", offline_since=since)


@pytest.mark.parametrize(
    ("around", "cause"),
    [
        ([], "unknown"),
        ([_dark()], "unknown"),  # one is chance
        ([_dark(), _on_battery()], "power"),
        ([_dark(), _dark(), _well(), _well(), _well()], "unknown"),  # most are well
        ([_gone(), _gone()], "internet"),
        ([_gone(), _gone(), _well()], "internet"),
        ([_gone(), _gone(), _well(), _well(), _well()], "unknown"),
        ([_gone(NOW - 5000), _gone(NOW - 5000)], "unknown"),  # they were gone long before
        ([_dark(), _dark(), _gone(), _gone()], "power"),
    ],
)
def test_the_neighbours_tell(around: list[Presence], cause: str) -> None:
    assert _cause(*around) == cause


def test_who_is_next_to_nowhere_has_no_neighbours() -> None:
    assert _cause(_dark(), _dark(), place={"feeder": "", "isp": "", "district": ""}) == "unknown"
    assert _cause(_gone(), _gone(), of_others={"feeder": "F2", "isp": "PTCL", "district": "Lahore"}) == "unknown"


def test_what_happens_around_hours_later_proves_nothing() -> None:
    old = Presence(online=False, cause="unknown", offline_since=NOW - 7200)
    place = {"feeder": "F1"}
    ask_neighbours({"X": old, "A": _dark(), "B": _dark()}, {"X": place, "A": place, "B": place}, NOW)
    assert old.cause == "unknown"
