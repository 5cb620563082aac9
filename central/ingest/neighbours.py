"""Why a centre went without a word, by what happened around it. Pure: presences and places in, causes set.

Most of those on the same feeder are dark: the power. Most of those of the same provider in the same
district fell silent with it: the internet. Two at least, since one is chance.
"""

from collections.abc import Mapping
from functools import partial

from central.ingest.presence import Presence

Places = Mapping[str, Mapping[str, str]]
"""Centre -> feeder, isp, district and the like, as the registry has them."""
_LATELY_SECONDS, _TOGETHER_SECONDS = 900.0, 300.0
_FEWEST = 2


def ask_neighbours(centres: Mapping[str, Presence], places: Places, now: float) -> None:
    """Settle the cause of centres that fell silent lately and said nothing about it."""
    silent = {
        centre: one
        for centre, one in centres.items()
        if one.online is False and one.cause == "unknown" and now - one.offline_since < _LATELY_SECONDS
    }
    if not silent:
        return
    feeders, providers = _groups(centres, places, "feeder"), _groups(centres, places, "isp", "district")
    for centre, one in silent.items():
        place = places.get(centre, {})
        if _most([_dark(each) for each in feeders.get(_key(place, "feeder"), ()) if each is not one]):
            one.cause = "power"
            continue
        together = partial(_fell_silent, then=one.offline_since)
        if _most([together(each) for each in providers.get(_key(place, "isp", "district"), ()) if each is not one]):
            one.cause = "internet"


def _groups(centres: Mapping[str, Presence], places: Places, *labels: str) -> dict[str, list[Presence]]:
    found: dict[str, list[Presence]] = {}
    for centre, place in places.items():
        one = centres.get(centre)
        if one is not None and one.online is not None:
            found.setdefault(_key(place, *labels), []).append(one)
    found.pop("", None)
    return found


def _key(place: Mapping[str, str], *labels: str) -> str:
    """The labels together; empty where one is missing, since nothing is next to nowhere."""
    values = [place.get(label, "") for label in labels]
    return "/".join(values) if all(values) else ""


def _most(answers: list[bool]) -> bool:
    return sum(answers) >= _FEWEST and 2 * sum(answers) >= len(answers)


def _dark(one: Presence) -> bool:
    return one.without_mains or (one.online is False and one.cause == "power")


def _fell_silent(one: Presence, then: float) -> bool:
    silent = one.online is False and one.cause in ("internet", "unknown")
    return silent and abs(one.offline_since - then) < _TOGETHER_SECONDS
