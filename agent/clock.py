"""The time of a gateway without a clock battery: when it is known, and how far the machine's own is off.

Known means: the kernel says that a time service disciplines it, or the centre of the country has told
its time (in an ack). What was learned holds for this boot, counted by CLOCK_BOOTTIME, which nobody can
set. An agent that has never known the time, in its first start, believes a clock that is not absurd:
somebody has just installed it. Thread-safe.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from collectors import kept
from collectors.kernel_clock import kernel_clock

log = logging.getLogger(__name__)
UNSET = 1_735_689_600.0
"""2025-01-01: no clock that shows less has been set since the agent was written."""
_AGREE_SECONDS = 2.0
_LONGEST_WAIT_SECONDS = 10.0
"""An answer that took longer sets no clock: it may have lain in a line that stood still."""
_SAVE_SECONDS = 1.0
_JITTER_MS = 500
_WIDEST_PROOF_SECONDS = 60.0
"""A bracket wider than this, of an ack that was written at any time since we connected, confirms nothing."""
_READS, _APART_SECONDS = 3, 0.001


class Known(Struct, frozen=True):
    """On disk, for one boot: true time minus CLOCK_BOOTTIME, and what stamps were corrected by.

    A row whose date was lost with a damaged file gets the same one from the next run.
    """

    boot: str
    offset: float
    correction_ms: int = 0


class Stamped(Struct, frozen=True):
    """Under which clock something was stamped. certain: the truth is known. offset_ms: that clock minus boot time."""

    certain: bool
    boot: str
    offset_ms: int
    correction_ms: int = 0
    """What to add to a stamp just taken, to make it true; 0 while nobody knows."""

    def same_as(self, other: "Stamped") -> bool:
        """Whether one shift dates both."""
        drift = abs(self.offset_ms - other.offset_ms)
        return self.certain == other.certain and (self.certain or drift < _AGREE_SECONDS * 500)


class Clock:
    """What is known is kept in `file`."""

    def __init__(
        self,
        file: Path | None = None,
        *,
        wall: Callable[[], float] = time.time,
        boottime: Callable[[], float] | None = None,
        synchronised: Callable[[], bool] | None = None,
        boot: str | None = None,
    ) -> None:
        self._file, self._wall = file, wall
        self._boottime = boottime or _boottime
        self._synchronised = synchronised or _kernel_synchronised
        self.boot = _boot_id() if boot is None else boot
        self._lock = threading.Lock()
        before = kept.read(file, Known) if file else None
        self._ever_known = before is not None
        ours = before if before is not None and before.boot == self.boot else None
        self._offset = ours.offset if ours else None
        self._correction_ms = ours.correction_ms if ours else 0

    def now(self) -> float:
        """Epoch seconds, as true as they are known."""
        return self._wall() + self.stamped().correction_ms / 1000

    @property
    def plausible(self) -> bool:
        """Whether the machine's clock could be right, though nobody has said so yet: only before it was ever known."""
        return not self._ever_known and self._wall() >= UNSET

    @property
    def unset(self) -> bool:
        """Whether the machine's clock is certainly wrong, and nothing else is known."""
        return not self.stamped().certain and not self.plausible

    def stamped(self) -> Stamped:
        """The clock under which a stamp of this moment is taken."""
        with self._lock:
            here = self._here()
            if self._synchronised():
                self._learn(here)
            here_ms = round(here * 1000)
            if self._offset is None:
                return Stamped(certain=False, boot=self.boot, offset_ms=here_ms)
            if (correction_ms := self._corrected(here_ms)) != self._correction_ms:
                self._correction_ms = correction_ms
                self._keep()
            return Stamped(certain=True, boot=self.boot, offset_ms=here_ms, correction_ms=correction_ms)

    def believe(self) -> None:
        """Nobody has told the time, and the machine's is plausible: take it until somebody does."""
        with self._lock:
            if self._offset is None:
                self._offset = self._here()
                log.info("nobody tells the time, the machine's clock is believed")

    def told(self, seconds: float, waited: float) -> None:
        """The centre of the country wrote this time down at most `waited` seconds ago.

        So the truth lies in a bracket as wide as the wait: a clock within it agrees. An answer that was long under
        way proves no clock wrong; it can only raise a doubt, and then the time is to be asked for again. A time
        service of our own is better, if there is one.
        """
        with self._lock:
            if self._synchronised() or seconds < UNSET or (self._offset is None and waited > _WIDEST_PROOF_SECONDS):
                return
            earliest = seconds - self._boottime()
            latest = earliest + waited
            here = self._here()
            known = here if self._offset is None else self._offset
            if earliest - _AGREE_SECONDS <= known <= latest + _AGREE_SECONDS:
                self._learn(known)
            elif waited > _LONGEST_WAIT_SECONDS:
                self._offset = None
            elif earliest - _AGREE_SECONDS <= here <= latest + _AGREE_SECONDS:
                self._learn(here)
            else:
                self._learn((earliest + latest) / 2)

    def _corrected(self, here_ms: int) -> int:
        """What makes stamps of a clock that is `here_ms` ahead of boot time true, in milliseconds.

        The same for as long as that clock runs on: two stamps of one moment stay one moment.
        """
        assert self._offset is not None
        off = round(self._offset * 1000) - here_ms
        if abs(off) <= _AGREE_SECONDS * 1000:
            return 0
        return self._correction_ms if abs(off - self._correction_ms) <= _JITTER_MS else off

    def _learn(self, offset: float) -> None:
        same = self._offset is not None and abs(offset - self._offset) < _SAVE_SECONDS
        if same and self._ever_known:
            return
        if self._offset is None or same:
            log.info("the time is known")
        else:
            log.warning("the clock was corrected by=%.0f s", offset - self._offset)
        self._offset = offset
        self._ever_known = True
        self._keep()

    def _keep(self) -> None:
        """What somebody has told; a clock that is only believed is not kept."""
        if self._file is not None and self._ever_known and self._offset is not None:
            with contextlib.suppress(OSError):
                kept.write(self._file, Known(self.boot, self._offset, self._correction_ms))

    def shift_ms(self, then: Stamped) -> int | None:
        """What makes stamps of `then` true; None while nobody knows, or if they are of another boot."""
        if then.boot != self.boot or not self.stamped().certain:
            return None
        with self._lock:
            return None if self._offset is None else self._corrected(then.offset_ms)

    def _here(self) -> float:
        """The machine's clock minus boot time; read again if the processor went elsewhere in between."""
        for _ in range(_READS):
            before, wall, after = self._boottime(), self._wall(), self._boottime()
            if after - before < _APART_SECONDS:
                break
        return wall - (before + after) / 2


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _kernel_synchronised() -> bool:
    try:
        return kernel_clock().synchronised
    except OSError:
        return False
