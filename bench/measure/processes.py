"""What a running program costs, from /proc: memory, processor time, wake-ups. Needs no library.

Memory: smaps_rollup. Processor time: the kernel's clock of the whole process (clock_getcpuclockid(3)),
in nanoseconds: the schedstat of all its tasks and, unlike their sum, of the threads that have ended;
plus children that were reaped, which /proc/PID/stat gives in ticks of 10 ms. Wake-ups: voluntary
context switches of the tasks that live at both ends of a window; those of ended threads are lost.
"""

import os
import time
from pathlib import Path

from msgspec import Struct

_TICKS = os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2  # linux/posix-timers.h: the clock of a process is ~pid << 3 | 2


class Memory(Struct, frozen=True):
    """In MiB: resident, proportional, and what no file backs."""

    resident: float
    proportional: float
    anonymous: float


class Work(Struct, frozen=True):
    """Since the start of the processes: seconds of processor, voluntary switches by task, tasks that live."""

    seconds: float
    switches: dict[int, int]

    @property
    def threads(self) -> int:
        """Tasks that live."""
        return len(self.switches)

    def wakeups_since(self, before: "Work") -> int:
        """Voluntary switches since `before`; a thread that was born since counts in full."""
        return sum(count - before.switches.get(task, 0) for task, count in self.switches.items())


def memory(pid: int) -> Memory:
    """Of a process and its children; raises FileNotFoundError when it has ended."""
    found = [_rollup(one) for one in tree(pid)]
    return Memory(*(sum(column) / 1024 for column in zip(*found, strict=True)))


def peak(pid: int) -> float:
    """The most that was ever resident of this one process, in MB (10^6 bytes): VmHWM of proc(5)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nVmHWM:")[2].split(None, 1)[0]) * 1024 / 1e6


def work(pid: int) -> Work:
    """Of a process and its children."""
    seconds = 0.0
    switches: dict[int, int] = {}
    for one in tree(pid):
        seconds += time.clock_gettime(~one << 3 | _CPUCLOCK_SCHED) + _reaped_seconds(one)
        switches |= _switches(one)
    return Work(seconds, switches)


def tree(pid: int) -> list[int]:
    """The process and all its descendants that live."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += [int(word) for word in _text(task / "children").split()]
    return found


def _rollup(pid: int) -> tuple[int, int, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return kib["Rss"], kib["Pss"], kib["Anonymous"]


def _reaped_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / _TICKS  # cutime and cstime, proc(5)


def _switches(pid: int) -> dict[int, int]:
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        count = _text(task / "status").partition("\nvoluntary_ctxt_switches:")[2]
        if count:
            found[int(task.name)] = int(count.split(None, 1)[0])
    return found


def _text(file: Path) -> str:
    """Empty when the task has ended since it was listed."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
