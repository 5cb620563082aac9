"""Outages to play on a card: a recorded one on mains (see tests.devices.recordings), or one made from its MIB.

No walk of a real outage exists in public. What changes is what the MIB says must change, in the units of the walk.
"""

from collections.abc import Mapping

from msgspec import Struct

from agent.demo.card import CardValue
from tests.devices.recordings import recording

Values = Mapping[str, CardValue]
_R, _X, _M = "1.3.6.1.2.1.33.1", "1.3.6.1.4.1.534.1", "1.3.6.1.4.1.705.1"
_P, _H = "1.3.6.1.4.1.935.1.1.1", "1.3.6.1.4.1.2011.6.174.1"
_A, _C = "1.3.6.1.4.1.318.1.1.1", "1.3.6.1.4.1.3808.1.1.1"
_ALARM: dict[str, CardValue] = {f"{_R}.6.1.0": 1, f"{_R}.6.2.1.2.1": ".1.3.6.1.2.1.33.1.6.3.2"}


class Outage(Struct, frozen=True):
    """On mains; the cut; the battery at 15 % with the card's own flag; mains again."""

    mains: Values
    cut: Values
    low: Values

    @property
    def back(self) -> Values:
        """What it said on mains, but for its charge."""
        changed = {oid: self.mains.get(oid) for oid in (*self.cut, *self.low)}
        return {oid: value for oid, value in changed.items() if value is not None}


def _rfc1628(walk: str, inputs: list[str]) -> Outage:
    return Outage(
        recording(walk),
        {f"{_R}.4.1.0": 5, f"{_R}.2.4.0": 90, **_ALARM, **dict.fromkeys(inputs, 0)},
        {f"{_R}.2.1.0": 3, f"{_R}.2.4.0": 15},
    )


RECORDED = {
    "eaton-93e-80": Outage(
        recording("eaton-93e-80"),
        {f"{_M}.7.3.0": 1, f"{_M}.7.7.0": 1, f"{_M}.5.2.0": 90, f"{_M}.5.1.0": 1500, f"{_R}.4.1.0": 5, **_ALARM},
        {f"{_M}.5.14.0": 1, f"{_M}.5.2.0": 15, f"{_M}.5.1.0": 200},
    ),
    "eaton-9px-partial": Outage(
        recording("eaton-9px-partial"),
        {f"{_M}.7.3.0": 1, f"{_M}.5.2.0": 90, f"{_X}.4.5.0": 5, f"{_M}.6.2.1.2.1.0": 0},
        {f"{_M}.5.14.0": 1, f"{_M}.5.2.0": 15, f"{_M}.5.1.0": 240},
    ),
    "huawei-gse200m": Outage(
        recording("huawei-gse200m"),
        {f"{_H}.2.101.1.1.1": 4, f"{_H}.6.100.1.3.1": 90, f"{_R}.4.1.0": 5},
        {f"{_R}.2.1.0": 3, f"{_H}.6.100.1.3.1": 15, f"{_H}.6.100.1.4.1": 250},
    ),
    "phoenixtec-power": Outage(
        recording("phoenixtec-power"),
        {f"{_P}.4.1.1.0": 3, f"{_P}.2.2.1.0": 90, f"{_P}.3.2.1.0": 0, f"{_R}.4.1.0": 5},
        {f"{_P}.2.1.1.0": 3, f"{_P}.2.2.1.0": 15},
    ),
    "ingrasys-power-switch": _rfc1628("ingrasys-power-switch", [f"{_R}.3.3.1.3.{line}" for line in (1, 2, 3)]),
    "eastpower-istars-swv053": _rfc1628("eastpower-istars-swv053", [f"{_R}.3.3.1.3.{line}.0" for line in (1, 2, 3)]),
}
"""Every recorded UPS."""

MADE = {
    "apc": Outage(
        {
            "1.3.6.1.2.1.1.2.0": ".1.3.6.1.4.1.318.1.3.27", f"{_A}.4.1.1.0": 2, f"{_A}.2.1.1.0": 2,
            f"{_A}.2.2.1.0": 100, f"{_A}.3.2.1.0": 231,
        },
        {f"{_A}.4.1.1.0": 3, f"{_A}.2.2.1.0": 90, f"{_A}.3.2.1.0": 0},
        {f"{_A}.2.1.1.0": 3, f"{_A}.2.2.1.0": 15},
    ),
    "cyberpower": Outage(
        {
            "1.3.6.1.2.1.1.2.0": ".1.3.6.1.4.1.3808.1.1.1", f"{_C}.4.1.1.0": 2, f"{_C}.2.1.1.0": 2,
            f"{_C}.2.2.1.0": 100, f"{_C}.3.2.1.0": 2310,
        },
        {f"{_C}.4.1.1.0": 3, f"{_C}.2.2.1.0": 90, f"{_C}.3.2.1.0": 0},
        {f"{_C}.2.1.1.0": 3, f"{_C}.2.2.1.0": 15},
    ),
}  # fmt: skip
"""Of brands without a public walk of a UPS."""
