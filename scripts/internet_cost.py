"""What measuring the line costs in MB a month, as docs/internet.md says it.

python -m scripts.internet_cost            writes the table into the document
python -m scripts.internet_cost --check    exits 1 if the document says otherwise
"""

import sys
from pathlib import Path

from collectors.internet.budget import DAYS_A_MONTH
from collectors.internet.decide import DIRECTIONS, Direction, Money, Plan, expected_cost
from collectors.internet.full import COST_SECONDS, full_length
from collectors.internet.schedule import affordable
from collectors.internet.targets import Method, automatic, month_bytes, period

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/internet.md"
_HEADING = "## What it costs\n"
_PLANS = ((8, 1), (20, 5), (50, 10), (100, 25), (500, 100))
_MONTHLY, _MOST = 1500e6, 60_000_000


def probes(*, metered: bool) -> int:
    """Bytes a month of the default targets with one resolver of the provider's and a far end of ours."""
    targets = automatic(["100.64.0.53"], "http://speed.example.org", "192.168.1.1")
    asked: list[tuple[Method, float]] = [
        ("icmp", period(one.role, 5.0, metered=metered)) for one in targets if one.role != "lan"
    ]
    hop: tuple[Method, float] = ("hop", period("access", 5.0, metered=metered))
    return month_bytes([*asked, hop], resolvers=1, metered=metered)


def table() -> str:
    """Markdown."""
    usual = probes(metered=False)
    lines = [
        f"Probes, names and page: {usual / 1e6:.0f} MB a month, {probes(metered=True) / 1e6:.0f} MB with `metered`.",
        "They go on whatever the budget says; it is the tests that wait.",
        "",
        "Tests at the default 1500 MB a month, if a test costs 2.5 s of the contract (at most 60 MB a direction), and",
        f"{COST_SECONDS} s at full length; the real cost is learnt from the first tests and is mostly lower:",
        "",
        "| contract, Mbit/s | a test, MB | tests | full length | all measuring, MB a month |",
        "|---|---|---|---|---|",
    ]
    for down, up in _PLANS:
        rates: dict[Direction, float] = {"down": down * 125_000.0, "up": up * 125_000.0}
        plan = Plan("site", 4, 9, 21, _MOST, rates)
        costs = {way: expected_cost(plan, Money(0, 0), way) for way in DIRECTIONS}
        cost, daily = sum(costs.values()), (_MONTHLY - usual) / DAYS_A_MONTH
        full = full_length([way for way in DIRECTIONS if costs[way] == _MOST], {}, rates, daily, 0.0)
        often = affordable(4, cost, daily - (full.daily if full else 0.0))
        full_cost = (
            COST_SECONDS * max(rates[way] for way in full.directions) * DAYS_A_MONTH / full.days if full else 0.0
        )
        a_month = min(DAYS_A_MONTH * often.slots / often.days, (_MONTHLY - usual - full_cost) // cost)
        words = f"{often.slots} a day" if often.days == 1 else f"{a_month:.0f} a month"
        total = usual + a_month * cost + full_cost
        seldom = f"1 in {full.days} days" if full else "not needed"
        lines.append(f"| {down} / {up} | {cost / 1e6:.1f} | {words} | {seldom} | {total / 1e6:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write, or check; prints the table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    fresh = text[: text.index(_HEADING)] + f"{_HEADING}\n{table()}"
    if "--check" in sys.argv:
        if fresh != text:
            print("docs/internet.md: run python -m scripts.internet_cost", file=sys.stderr)
        return int(fresh != text)
    DOCUMENT.write_text(fresh, encoding="utf-8")
    print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
