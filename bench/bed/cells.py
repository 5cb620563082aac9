"""What is measured: lines, the engines on each, and the bar that each must meet."""

from collections.abc import Sequence

from msgspec import Struct

from bench.bed import bars
from bench.bed.bars import Bar
from bench.bed.engines import Name
from bench.bed.line import Shape
from collectors.internet.engines import Direction

_BOTH: tuple[Direction, ...] = ("down", "up")
_COMPARED: tuple[Name, ...] = ("quick", "speedtest-cli", "iperf3", "fixed")
_CHECKED: tuple[Name, ...] = ("quick", "iperf3")
_STEPS = Shape(20, 20, steps_mbps=(14, 20, 26))


class Cell(Struct, frozen=True):
    """One line and its bars. others: greedy flows beside the test. fresh: the line is made anew for each run.

    short: part of the selection that is run without being asked for.
    """

    name: str
    shape: Shape
    engines: tuple[Name, ...] = _CHECKED
    bars: Sequence[Bar] = ()
    directions: tuple[Direction, ...] = _BOTH
    others: int = 0
    fresh: bool = False
    runs_factor: float = 1.0
    short: bool = False


def _steady(mbps: float, rtt: int, *more: Bar, engines: tuple[Name, ...] = _CHECKED, short: bool = False) -> Cell:
    shape = Shape(mbps, mbps, rtt_ms=rtt)
    quick = [bars.seconds(1.5)] if rtt <= 20 else []
    return Cell(f"{mbps:g}-rtt{rtt}", shape, engines, [bars.error(0.05, aim=0.02), *quick, *more], short=short)


def _lossy(mbps: float, *, short: bool = False) -> Cell:
    shape = Shape(mbps, mbps, rtt_ms=90, loss=0.5)
    return Cell(f"{mbps:g}-rtt90-loss", shape, _CHECKED, [bars.error(0.10, aim=0.03)], short=short)


CELLS = [
    Cell("dsl-8-1", Shape(8, 1, queue_ms=300), _COMPARED, [bars.error(0.05, aim=0.02)]),
    _steady(5, 20),
    _steady(20, 20, bars.megabytes(4.0), bars.tenth_of_speedtest_cli(), engines=_COMPARED, short=True),
    _steady(50, 20),
    _steady(100, 20, bars.megabytes(15.0), bars.processor(0.4)),
    _steady(5, 90),
    _steady(20, 90),
    _steady(50, 90),
    _steady(100, 90, bars.megabytes(60.0), bars.processor(0.4), engines=_COMPARED),
    _lossy(5),
    _lossy(20, short=True),
    _lossy(100),
    Cell("50-others-down", Shape(50, 50), _CHECKED, [bars.error(0.05, aim=0.02)], ("down",), others=4, short=True),
    Cell("50-others-up", Shape(50, 50), _CHECKED, [bars.error(0.10, aim=0.02)], ("up",), others=4, short=True),
    Cell("500-cap", Shape(500, 500), _CHECKED, [bars.cap(60.0, over=10.0)], short=True),
    Cell(
        "burst-60-20", Shape(20, 20, burst_megabytes=4, peak_mbps=60), ("quick", "sustained"),
        [bars.error(0.05, of="sustained"), bars.flagged_bursty()], fresh=True, short=True,
    ),
    Cell("steps-14-26", _STEPS, ("quick",), [bars.median_error(0.10)], runs_factor=1.8, short=True),
    Cell(
        "steps-14-26-sustained", _STEPS, ("sustained",),
        [bars.median_error(0.10, of="sustained")], runs_factor=1.8,
    ),
]  # fmt: skip
