"""What is promised, each as a function from the runs of a cell to a verdict. Ratios are to the true payload rate."""

import statistics
from collections.abc import Callable, Iterator

from msgspec import Struct

from bench.bed.engines import OURS, Name, Outcome
from collectors.internet.burst import Ratios, is_bursty, with_pair
from collectors.internet.engines import Direction

RSS_MEGABYTES = 25.0
_DIRECTIONS: tuple[Direction, ...] = ("down", "up")


class Run(Struct, frozen=True):
    """An outcome, and what the line truly gave meanwhile, bytes/s of payload by direction."""

    outcome: Outcome
    truth: dict[Direction, float]

    def ratios(self) -> dict[Direction, float]:
        """Measured to true, by direction."""
        return {way: rate / self.truth[way] for way, rate in self.outcome.rates.items()}


class Verdict(Struct, frozen=True):
    """met: None when nothing can be said. figure: what was seen. bar: what was asked."""

    bar: str
    figure: str
    met: bool | None
    aim: bool | None = None


Bar = Callable[[list[Run]], Verdict]


def of_engine(runs: list[Run], name: Name) -> list[Run]:
    """Those of one engine."""
    return [run for run in runs if run.outcome.engine == name]


def error(limit: float, *, aim: float | None = None, of: Name = "quick") -> Bar:
    """The worst of all runs and directions; a direction that failed misses it."""

    def judge(runs: list[Run]) -> Verdict:
        found = of_engine(runs, of)
        off = [abs(ratio - 1) for run in found for ratio in run.ratios().values()]
        failed = sum(len(run.outcome.failed) for run in found)
        worst = max(off, default=float("inf"))
        figure = f"{worst:.1%}" + (f", {failed} failed" if failed else "")
        met = worst <= limit and not failed
        return Verdict(f"{of}: error <= {limit:.0%}, worst", figure, met, None if aim is None else met and worst <= aim)

    return judge


def median_error(limit: float, *, of: Name = "quick") -> Bar:
    """The median of all runs, each direction for itself."""

    def judge(runs: list[Run]) -> Verdict:
        found = of_engine(runs, of)
        off = {
            way: abs(statistics.median(ratios) - 1)
            for way in _DIRECTIONS
            if (ratios := [run.ratios()[way] for run in found if way in run.ratios()])
        }
        figure = ", ".join(f"{way} {value:.1%}" for way, value in off.items())
        met = bool(off) and max(off.values()) <= limit
        return Verdict(f"{of}: median of {len(found)} within {limit:.0%}", figure, met)

    return judge


def megabytes(limit: float) -> Bar:
    """What the line carried for one test of both directions, the most."""

    def judge(runs: list[Run]) -> Verdict:
        most = max(_wire(run) for run in of_engine(runs, "quick"))
        return Verdict(f"both ways <= {limit:g} MB", f"{most:.2f} MB", most <= limit)

    return judge


def tenth_of_speedtest_cli() -> Bar:
    """The means of the same minutes."""

    def judge(runs: list[Run]) -> Verdict:
        ours = statistics.mean(_wire(run) for run in of_engine(runs, "quick"))
        theirs = [_wire(run) for run in of_engine(runs, "speedtest-cli") if run.outcome.rates]
        if not theirs:
            return Verdict("bytes <= 1/10 of speedtest-cli's", "it gave no result", None)
        share = ours / statistics.mean(theirs)
        return Verdict("bytes <= 1/10 of speedtest-cli's", f"1/{1 / share:.1f}", share <= 0.1, share <= 0.05)

    return judge


def seconds(limit: float, aim: float = 0.6) -> Bar:
    """The longest direction."""

    def judge(runs: list[Run]) -> Verdict:
        longest = max(
            (one.seconds for run in of_engine(runs, "quick") for one in run.outcome.found.values()), default=99
        )
        return Verdict(f"a direction <= {limit:g} s", f"{longest:.2f} s", longest <= limit, longest <= aim)

    return judge


def processor(limit: float, aim: float = 0.15) -> Bar:
    """Of the child, both directions, from start to end."""

    def judge(runs: list[Run]) -> Verdict:
        most = max(run.outcome.cost.cpu for run in of_engine(runs, "quick"))
        return Verdict(f"processor <= {limit:g} s", f"{most:.2f} s", most <= limit, most <= aim)

    return judge


def cap(limit: float, *, over: float) -> Bar:
    """Wire bytes of one direction at the client's interface, above the cap."""

    def judge(runs: list[Run]) -> Verdict:
        most = max(max(run.outcome.cost.down, run.outcome.cost.up) for run in of_engine(runs, "quick")) / 1e6
        return Verdict(f"wire <= {limit:g} + {over:g} MB", f"{most:.1f} MB", most <= limit + over, most <= limit + 3)

    return judge


def flagged_bursty() -> Bar:
    """The collector's own rule, fed with the pairs of quick and sustained in their order."""

    def judge(runs: list[Run]) -> Verdict:
        pairs = list(zip(of_engine(runs, "quick"), of_engine(runs, "sustained"), strict=True))
        flagged = {}
        for way in _DIRECTIONS:
            ratios: Ratios = ()
            for quick, sustained in pairs:
                rates = quick.outcome.rates.get(way), sustained.outcome.rates.get(way)
                if rates[0] and rates[1]:
                    ratios = with_pair(ratios, rates[0], rates[1])
            flagged[way] = is_bursty(ratios)
        figure = ", ".join(f"{way} {'yes' if yes else 'no'}" for way, yes in flagged.items())
        return Verdict(f"flagged as bursty after {len(pairs)} pairs", figure, all(flagged.values()))

    return judge


def memory(runs: list[Run]) -> Verdict:
    """Of the child that runs the http engine; judged over all cells."""
    most = max((run.outcome.cost.rss for run in runs if run.outcome.engine in OURS), default=0.0)
    return Verdict(
        f"peak memory of the child <= {RSS_MEGABYTES:g} MB", f"{most:.1f} MB", most <= RSS_MEGABYTES, most <= 16
    )


def _wire(run: Run) -> float:
    return (run.outcome.cost.down + run.outcome.cost.up) / 1e6


def lines(verdicts: list[Verdict]) -> Iterator[str]:
    """Each in words."""
    for one in verdicts:
        word = {True: "met   ", False: "MISSED", None: "void  "}[one.met]
        yield f"  {word} {one.bar}: {one.figure}" + (" (aim met)" if one.aim else "")
