"""One test held against what was bought and against the regulator's minimum. Pure.

PTA, Fixed Broadband Quality of Service Regulations 2022: 80 % of the advertised rate at all times; 4 Mbit/s
down and 2 Mbit/s up. The limits of latency and jitter stand in the central rules, where each probe's reading is.
"""

from collections.abc import Iterator
from typing import Literal

Limit = Literal["contract", "minimum"]
CONTRACT_SHARE = 0.8
MINIMUM = {"down": 4e6 / 8, "up": 2e6 / 8}
"""Bytes per second."""


def verdicts(direction: str, rate: float, contract: float | None, *, at_least: bool) -> Iterator[tuple[Limit, bool]]:
    """Which limits a measured rate (bytes per second) keeps. Nothing is said of what is not known.

    at_least: the test was cut short by its cap, so that the line may be faster: too slow is then not known.
    """
    wanted: dict[Limit, float | None] = {
        "contract": CONTRACT_SHARE * contract if contract else None, "minimum": MINIMUM[direction],
    }  # fmt: skip
    for limit, least in wanted.items():
        if least is not None and (rate >= least or not at_least):
            yield limit, rate >= least
