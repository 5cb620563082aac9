"""Named values from a daemon that speaks for a UPS (NUT, apcupsd) -> UpsState, through the same rules as SNMP.

Pure. What is not there, not a number, or cannot be true is absent, and counted like a card's lie.
"""

from collections.abc import Mapping

from msgspec import Struct

from collectors.ups.decode import clean_text
from collectors.ups.mib import PHASED
from collectors.ups.plausible import Rejection, plausible
from collectors.ups.settle import settle
from collectors.ups.state import UpsState
from telemetry.errors import NotRecognised, Unreachable

_NOTHING = ("", "N/A")


class Fact(Struct, frozen=True):
    """Which value tells which field; value x scale is in the field's unit."""

    name: str
    field: str
    scale: float = 1.0


def take(state: UpsState, facts: tuple[Fact, ...], values: Mapping[str, str]) -> None:
    """Fill the numbers of `state`; the first fact of a field that gives a plausible value wins."""
    for fact in facts:
        text = values.get(fact.name, "")
        if text.strip() in _NOTHING or getattr(state, fact.field) not in (None, []):
            continue
        verdict = _verdict(fact, text)
        if isinstance(verdict, str):
            state.rejected.append(Rejection(fact.name, text[:32], verdict))
        else:
            setattr(state, fact.field, [verdict] if fact.field in PHASED else verdict)


def _verdict(fact: Fact, text: str) -> float | str:
    words = text.split()
    try:
        number = float(words[0]) if words else float("nan")
    except ValueError:
        return "wrong_type"
    if not abs(number) < 1e12:
        return "wrong_type"
    raw = round(number) if number.is_integer() else 0
    return plausible(fact.field, round(number * fact.scale, 6), raw)


def text_of(values: Mapping[str, str], *names: str) -> str | None:
    """The first of these texts that says something, cleaned."""
    for name in names:
        if cleaned := clean_text(values.get(name, "").encode("ascii", "replace")):
            return cleaned
    return None


def finish(state: UpsState) -> UpsState:
    """The rules that need more than one field."""
    settle(state)
    return state


def believed(state: UpsState, daemon: str) -> UpsState:
    """The state, where it is one; raises Unreachable when `daemon` has lost the UPS, NotRecognised without status."""
    if state.communicating is False:
        raise Unreachable(f"{daemon} has no data of the UPS")
    if state.status is None:
        raise NotRecognised(f"{daemon} does not say where the output comes from")
    return state
