"""An ack only for what was held long enough in one life of the store."""

from hypothesis import given
from hypothesis import strategies as st

from central.ingest.hold import Held, HoldList

HOLD = 45.0


def _held(seq: int, stored: float, life: str = "first") -> Held:
    return Held("PK-PB-00042", 7, seq, stored - 1, stored, life)


def test_a_batch_is_released_when_it_was_held_long_enough() -> None:
    hold = HoldList(HOLD)
    hold.add([_held(1, 100.0)])
    assert (hold.due(144.9), hold.release(144.9, "first"), len(hold)) == (False, [], 1)
    assert (hold.due(145.0), hold.release(145.0, "first"), len(hold)) == (True, [_held(1, 100.0)], 0)


def test_a_batch_that_the_store_may_have_lost_is_forgotten() -> None:
    hold = HoldList(HOLD)
    hold.add([_held(1, 100.0), _held(2, 101.0)])
    assert hold.release(200.0, "second") == []
    assert len(hold) == 0


def test_batches_of_two_lives_are_told_apart() -> None:
    hold = HoldList(HOLD)
    hold.add([_held(1, 100.0, "first"), _held(2, 110.0, "second")])
    assert [one.seq for one in hold.release(155.0, "second")] == [2]


def test_nothing_held_is_nothing_due() -> None:
    assert (HoldList(HOLD).due(1e9), HoldList(HOLD).release(1e9, "first")) == (False, [])


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("store"), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.integers(0, 60)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("release"), st.just(0)),
    ),
    max_size=40,
)


@given(_STEPS)
def test_every_batch_is_released_once_or_forgotten_and_never_early_or_across_a_restart(
    steps: list[tuple[str, int]],
) -> None:
    hold, now, life, seq = HoldList(HOLD), 0.0, 0, 0
    released: list[Held] = []
    stored: list[Held] = []
    for step, amount in steps:
        if step == "store":
            batch = [_held(seq + number, now, str(life)) for number in range(1, amount + 1)]
            seq += len(batch)
            hold.add(batch)
            stored += batch
        elif step == "wait":
            now += amount
        elif step == "restart":
            life += 1
        else:
            ready = hold.release(now, str(life))
            assert all(now - one.stored >= HOLD and one.store_start == str(life) for one in ready)
            released += ready
    hold_end = now + HOLD
    released += hold.release(hold_end, str(life))
    assert len(hold) == 0
    assert [one.seq for one in released] == sorted({one.seq for one in released})
    survivors = [one for one in stored if one.store_start == str(life)]
    assert {one.seq for one in survivors} <= {one.seq for one in released}
