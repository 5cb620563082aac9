"""The oracle's judgement: what is missing is lost, unless there is a reason that somebody counted."""

from bench.oracle.verdict import Book, Outcome, judge
from bench.oracle.words import Meant

CENTRE, LANE = "PK-PB-00001", "lane-0"
AT = 1_760_000_000_000


def meant(value: int, *, true_clock: bool = True) -> Meant:
    return Meant(CENTRE, LANE, value, AT + value, true_clock)


def judged(
    samples: list[tuple[int, int]],
    *,
    values: range = range(3),
    true_clock: bool = True,
    damaged: bool = False,
    given_up: int = 0,
    epoch: int = 1,
    refused: frozenset[tuple[str, int]] = frozenset(),
    shown: int | None = None,
) -> Outcome:
    """Of values that were all on disk, each meant for AT + value."""
    ticks = [(CENTRE, LANE, value) for value in values]
    book = Book(
        meant={tick: meant(tick[2], true_clock=true_clock) for tick in ticks},
        on_disk=dict.fromkeys(ticks, 1),
        epochs={CENTRE: epoch},
        rows=len(ticks),
        damaged=frozenset([CENTRE] if damaged else []),
        given_up={CENTRE: given_up},
        refused=refused,
        unreadable=frozenset(),
    )
    own = (CENTRE, LANE)
    return judge(book, {own: samples}, {own: len(samples) if shown is None else shown})


def all_but(*missing: int) -> list[tuple[int, int]]:
    return [(AT + value, value) for value in range(3) if value not in missing]


def test_everything_there_once_is_clean() -> None:
    found = judged(all_but())
    assert found.clean
    assert found.once == found.committed == 3


def test_a_tick_that_is_not_there_is_lost() -> None:
    found = judged(all_but(1))
    assert found.lost == ((CENTRE, LANE, 1),)
    assert not found.clean


def test_a_value_at_two_times_is_there_twice() -> None:
    assert judged([*all_but(), (AT + 9, 1)]).twice == 1


def test_a_value_that_nobody_meant_is_wrong() -> None:
    assert judged([*all_but(), (AT + 9, 99)]).wrong == 1


def test_a_board_that_counts_more_than_is_there_is_not_clean() -> None:
    assert judged(all_but(), shown=4).shown == 1


def test_a_damaged_file_excuses_only_what_was_counted() -> None:
    assert judged(all_but(1), damaged=True).uncounted == ((CENTRE, LANE, 1),)
    assert judged(all_but(1), damaged=True, given_up=1).uncounted, "the file that is there now was not given up"
    counted = judged(all_but(1), damaged=True, given_up=1, epoch=2)
    assert (counted.set_aside, counted.lost, counted.uncounted) == (1, (), ())


def test_a_wrong_clock_excuses_only_what_was_refused() -> None:
    assert judged(all_but(1), true_clock=False).lost
    refused = judged(all_but(1), true_clock=False, refused=frozenset({(CENTRE, 1)}))
    assert (refused.refused, refused.lost) == (1, ())


def test_a_right_clock_is_no_excuse_for_a_refusal() -> None:
    assert judged(all_but(1), refused=frozenset({(CENTRE, 1)})).lost


def test_a_tick_with_a_corrected_time_is_found() -> None:
    found = judged([(AT + 3_600_000, 0), *all_but(0)])
    assert found.once == 3
    assert found.redated == 1
