"""When the time is known on a gateway that has no clock battery, and what is done with stamps from before."""

from pathlib import Path

import pytest

from agent.clock import UNSET, Clock, Stamped

NOW = 1_790_000_000.0


class Machine:
    """A gateway: `wall` can be set by anybody, `up` only grows; `synchronised` is what its kernel says."""

    def __init__(self, wall: float, *, boot: str = "first", synchronised: bool = False) -> None:
        self.wall, self.up, self.boot, self.synchronised = wall, 100.0, boot, synchronised

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.up += seconds

    def clock(self, file: Path | None = None) -> Clock:
        return Clock(
            file,
            wall=lambda: self.wall,
            boottime=lambda: self.up,
            synchronised=lambda: self.synchronised,
            boot=self.boot,
        )


def test_a_clock_that_the_kernel_vouches_for_is_known_and_needs_no_correction() -> None:
    clock = Machine(NOW, synchronised=True).clock()
    assert (clock.stamped().certain, clock.stamped().correction_ms, clock.unset) == (True, 0, False)


@pytest.mark.parametrize("off", [0.0, 1.5, -0.9, 4.0])
def test_a_clock_that_agrees_with_the_centre_of_the_country_is_known(off: float) -> None:
    # An answer may have been under way for seconds: a clock that is no further ahead of it agrees.
    machine = Machine(NOW + off)
    clock = machine.clock()
    assert not clock.stamped().certain
    clock.told(NOW, 3.0)
    assert (clock.stamped().certain, clock.stamped().correction_ms) == (True, 0)


@pytest.mark.parametrize("off", [3600.0, -86400.0, -NOW + 60.0, -4.0])
def test_a_clock_that_is_off_is_corrected_by_what_the_centre_of_the_country_says(off: float) -> None:
    machine = Machine(NOW + off)
    clock = machine.clock()
    clock.told(NOW, 0.0)
    assert clock.now() == pytest.approx(NOW)
    machine.passes(1000)
    assert clock.now() == pytest.approx(NOW + 1000)


def test_an_answer_that_lay_in_a_line_that_stood_still_proves_no_clock_wrong() -> None:
    machine = Machine(NOW)
    clock = machine.clock()
    clock.told(NOW - 40, 45.0)  # forty seconds under way
    assert (clock.stamped().certain, clock.stamped().correction_ms) == (True, 0)
    machine.passes(100)
    clock.told(NOW - 500, 700.0)
    assert clock.now() == pytest.approx(NOW + 100)


def test_a_slow_answer_that_contradicts_the_clock_sets_none_and_leaves_a_doubt() -> None:
    machine = Machine(NOW - 3600)
    clock = machine.clock()
    clock.told(NOW - 40, 45.0)
    assert not clock.stamped().certain
    clock.told(NOW, 0.2)
    assert clock.now() == pytest.approx(NOW, abs=0.2)


def test_while_nothing_is_known_an_ack_that_may_be_hours_old_confirms_nothing() -> None:
    machine = Machine(NOW + 3600)
    clock = machine.clock()
    clock.told(NOW, 12 * 3600.0)  # of a row, on a connection of half a day
    assert not clock.stamped().certain
    clock.told(NOW, 0.5)
    assert clock.now() == pytest.approx(NOW, abs=0.5)


def test_a_clock_that_was_set_by_an_answer_stays_as_it_is_while_answers_agree() -> None:
    machine = Machine(NOW - 3600)
    clock = machine.clock()
    clock.told(NOW - 1, 1.5)
    assert clock.now() == pytest.approx(NOW, abs=1.5)
    settled = clock.stamped().correction_ms
    for _ in range(20):
        machine.passes(60)
        clock.told(machine.wall + 3600 - 0.3, 0.4)
        assert clock.stamped().correction_ms == settled


def test_a_step_of_the_clock_after_the_time_was_known_changes_nothing() -> None:
    machine = Machine(NOW)
    clock = machine.clock()
    clock.told(NOW, 0.0)
    machine.wall += 3600  # somebody sets it
    assert clock.now() == pytest.approx(NOW)
    machine.synchronised, machine.wall = True, NOW  # and time synchronisation sets it right
    assert (clock.now(), clock.stamped().correction_ms) == (pytest.approx(NOW), 0)


def test_time_synchronisation_is_believed_more_than_an_ack() -> None:
    clock = Machine(NOW, synchronised=True).clock()
    clock.told(NOW + 7200, 0.0)
    assert clock.now() == pytest.approx(NOW)


def test_what_was_learned_holds_for_the_boot_over_a_restart_of_the_agent(tmp_path: Path) -> None:
    machine = Machine(NOW - 3600)
    machine.clock(tmp_path / "clock").told(NOW, 0.0)
    machine.passes(60)
    again = machine.clock(tmp_path / "clock")
    assert again.stamped().certain
    assert again.now() == pytest.approx(NOW + 60)


def test_after_another_boot_the_time_is_to_be_learned_anew(tmp_path: Path) -> None:
    Machine(NOW).clock(tmp_path / "clock").told(NOW, 0.0)
    rebooted = Machine(NOW + 5, boot="second").clock(tmp_path / "clock")  # the saved clock of hours ago, perhaps
    assert (rebooted.stamped().certain, rebooted.plausible, rebooted.unset) == (False, False, True)


def test_the_first_start_of_all_believes_a_clock_that_is_not_absurd(tmp_path: Path) -> None:
    fresh = Machine(NOW).clock(tmp_path / "clock")
    assert (fresh.stamped().certain, fresh.plausible, fresh.unset) == (False, True, False)
    absurd = Machine(60.0).clock(tmp_path / "clock")
    assert (absurd.plausible, absurd.unset) == (False, True)


def test_stamps_of_this_boot_can_be_shifted_and_those_of_another_cannot() -> None:
    machine = Machine(60.0)
    clock = machine.clock()
    then = clock.stamped()
    assert clock.shift_ms(then) is None
    clock.told(NOW, 0.0)
    assert clock.shift_ms(then) == round((NOW - 60.0) * 1000)
    assert clock.shift_ms(Stamped(certain=False, boot="another", offset_ms=0)) is None


@pytest.mark.parametrize(("off", "moves"), [(0.4, 0), (-1.9, 0), (3600.0, 3_600_000), (-86400.0, -86_400_000)])
def test_what_waited_for_the_time_moves_as_far_as_what_is_stamped_after(off: float, moves: int) -> None:
    # Else the state told at once and the row that waited would be two samples of one moment.
    machine = Machine(NOW - off)
    clock = machine.clock()
    then = clock.stamped()
    clock.told(NOW, 0.0)
    assert clock.stamped().correction_ms == clock.shift_ms(then) == moves
    machine.wall += 0.003  # the machine's clock is slewed
    later = clock.stamped()
    assert later.correction_ms == clock.shift_ms(later) == clock.shift_ms(then) == moves


def test_a_row_whose_date_was_lost_gets_the_same_one_from_the_next_run(tmp_path: Path) -> None:
    # It may have been sent already; another date would be another sample.
    machine = Machine(NOW - 3600)
    clock = machine.clock(tmp_path / "clock")
    clock.told(NOW, 0.0)
    assert clock.stamped().correction_ms == 3_600_000
    machine.wall += 0.003
    then = clock.stamped()
    assert clock.shift_ms(then) == 3_600_000
    assert machine.clock(tmp_path / "clock").shift_ms(then) == 3_600_000


def test_a_clock_that_was_believed_is_kept_once_it_is_confirmed(tmp_path: Path) -> None:
    machine = Machine(NOW)
    clock = machine.clock(tmp_path / "clock")
    clock.believe()
    clock.told(NOW, 0.0)
    assert not clock.plausible
    machine.boot, machine.wall = "second", NOW - 3600
    assert not machine.clock(tmp_path / "clock").plausible, "it once knew: a clock that is behind is no longer believed"


def test_a_clock_that_is_only_believed_is_not_kept(tmp_path: Path) -> None:
    machine = Machine(NOW)
    clock = machine.clock(tmp_path / "clock")
    clock.believe()
    machine.wall += 60
    assert clock.stamped().correction_ms == -60_000
    assert machine.clock(tmp_path / "clock").plausible


@pytest.mark.parametrize("seconds", [0.0, 60.0, UNSET - 1, -1.0])
def test_an_absurd_time_from_outside_teaches_nothing(seconds: float) -> None:
    clock = Machine(NOW).clock()
    clock.told(seconds, 0.0)
    assert not clock.stamped().certain


@pytest.mark.parametrize("body", [b"", b"{", b'{"boot": 1}', b"\xff\0"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "clock").write_bytes(body)
    assert Machine(NOW).clock(tmp_path / "clock").plausible
