"""What goes when there is too much or it is too old: detail before hours, events last, all of it counted and told."""

from pathlib import Path

from agent.clock import Clock as AgentClock
from telemetry.event import Event
from tests.unit.agent.outboxes import START, Clock, fill, numbers, opened, tick


def test_over_the_bytes_allowed_detail_goes_before_any_hour_oldest_first(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1, max_bytes=30_000)
    for number in range(1, 400):  # six an hour
        fill(outbox, clock, 1, first=number, every=600)
        assert outbox.stats().bytes <= 30_000 + 400  # the growing row is never dropped
    outbox.close_all()
    kept = [number for _, number in numbers(outbox)]
    lost = outbox.stats().lost
    assert set(lost) == {"thinned"}
    assert lost["thinned"] == (399 - len(kept), 399 - len(kept))
    hours = [int(START + (number - 1) * 600) // 3600 for number in kept]
    assert len(set(hours)) == max(hours) - min(hours) + 1 >= 67  # no hour is lost
    detailed = [hour for hour in set(hours) if hours.count(hour) > 1]
    assert min(detailed) > min(hours) + 5
    assert sorted(detailed) == list(range(min(detailed), max(detailed) + 1))  # the newest keep all of theirs
    outbox.close()


def test_when_every_hour_is_down_to_one_batch_the_oldest_hours_go_and_events_last(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1, max_bytes=20_000, max_age=30 * 86400)
    outage = Event("outage", "outage-rack-1", clock.at())
    outbox.append("ups/rack", tick(clock, 1000), [outage])
    clock.now += 3600
    fill(outbox, clock, 200, every=3600)
    outbox.close_all()
    kept = [number for _, number in numbers(outbox)]
    assert kept == [1000, *range(202 - len(kept), 201)]
    assert outbox.stats().lost["full"] == (201 - len(kept), 201 - len(kept))
    outbox.close()


def test_what_is_given_up_is_told_once_with_count_range_and_reason(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1, max_age=6 * 3600)
    fill(outbox, clock, 24, every=3600)
    (told,) = outbox.losses_to_tell()
    count = told.evidence["ticks"]
    assert told.evidence == {"reason": "age", "batches": count, "ticks": count}
    assert isinstance(count, int)
    assert (told.start.timestamp(), told.end and told.end.timestamp()) == (START, START + (count - 1) * 3600)
    fill(outbox, clock, 1, every=3600)
    (again,) = outbox.losses_to_tell()  # the first is on disk by now; what went since is another
    assert again.id != told.id
    assert outbox.losses_to_tell() == []
    outbox.close()
    later = opened(file, clock)
    assert not {told.id, again.id} & {event.id for event in later.losses_to_tell()}
    assert later.stats().dropped >= count + int(str(again.evidence["batches"]))
    later.close()


def test_a_crash_before_a_loss_was_told_tells_it_again_under_the_same_name(file: Path, clock: Clock) -> None:
    outbox = opened(file, clock, batch_seconds=1, max_age=6 * 3600)
    fill(outbox, clock, 24, every=3600)
    (told,) = outbox.losses_to_tell()
    outbox.close()
    again = opened(file, clock)
    assert again.losses_to_tell()[0] == told
    again.close()


def test_rows_beyond_the_age_allowed_are_dropped_and_counted(file: Path, clock: Clock) -> None:
    hours = 3600.0
    outbox = opened(file, clock, batch_seconds=1, max_age=6 * hours)
    fill(outbox, clock, 24, every=hours)
    outbox.close_all()
    kept = [number for _, number in numbers(outbox)]
    assert kept == list(range(25 - len(kept), 25))
    assert 6 <= len(kept) <= 8
    assert outbox.stats().dropped + len(kept) == 24
    assert outbox.stats().oldest_seconds <= 8 * hours
    outbox.close()


def test_a_wall_clock_of_the_far_future_does_not_cost_the_backlog(file: Path, clock: Clock) -> None:
    # A real-time clock without its battery: one start in 2036, and nobody vouches for it.
    outbox = opened(file, clock, batch_seconds=1)
    fill(outbox, clock, 3)
    outbox.close()
    clock.now = START + 10 * 365 * 86400
    outbox = opened(file, clock, batch_seconds=1, known=AgentClock(wall=clock, synchronised=lambda: False))
    outbox.append("ups/rack", tick(clock, 4))
    assert {number for _, number in numbers(outbox)} >= {1, 2, 3}
    outbox.close()
