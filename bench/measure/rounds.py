"""Windows in which everything is measured at once, and the figures of one program over its windows."""

import time
from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct

from bench.measure.processes import Memory, Work, memory, work

_SAMPLE_EVERY = 10.0


class Window(Struct, frozen=True):
    """One program in one window: memory as the median of samples, processor seconds, wake-ups, threads."""

    seconds: float
    memory: Memory
    processor_seconds: float
    wakeups: int
    threads: int


class Figures(Struct, frozen=True):
    """MiB, processor seconds an hour (of all windows, and of the least and most), wake-ups a second, threads."""

    rss: float
    pss: float
    anon: float
    cpu: float
    cpu_low: float
    cpu_high: float
    wakeups: float
    threads: int


def window(pids: Sequence[int], seconds: float, progress: Callable[[float], None]) -> list[Window]:
    """Measure the processes for `seconds`; `progress` is told what is left."""
    begun = time.monotonic()
    before = [work(pid) for pid in pids]
    samples: list[list[Memory]] = [[] for _ in pids]
    every = min(_SAMPLE_EVERY, seconds)
    due = begun + every / 2
    while due < begun + seconds:
        _wait_until(due, begun + seconds, progress)
        for pid, found in zip(pids, samples, strict=True):
            found.append(memory(pid))
        due += every
    _wait_until(begun + seconds, begun + seconds, progress)
    after = [work(pid) for pid in pids]
    took = time.monotonic() - begun
    return [_window(took, *one) for one in zip(before, after, samples, strict=True)]


def _window(seconds: float, before: Work, after: Work, samples: Sequence[Memory]) -> Window:
    return Window(
        seconds=seconds,
        memory=Memory(
            median(one.resident for one in samples),
            median(one.proportional for one in samples),
            median(one.anonymous for one in samples),
        ),
        processor_seconds=after.seconds - before.seconds,
        wakeups=after.wakeups_since(before),
        threads=after.threads,
    )


def _wait_until(moment: float, end: float, progress: Callable[[float], None]) -> None:
    while (left := moment - time.monotonic()) > 0:
        progress(end - time.monotonic())
        time.sleep(min(left, 2.0))


def figures(windows: Sequence[Window]) -> Figures:
    """Memory: median over windows. Processor: the whole time, since not every window holds a publication."""
    hourly = [3600 * one.processor_seconds / one.seconds for one in windows]
    seconds = sum(one.seconds for one in windows)
    return Figures(
        rss=median(one.memory.resident for one in windows),
        pss=median(one.memory.proportional for one in windows),
        anon=median(one.memory.anonymous for one in windows),
        cpu=3600 * sum(one.processor_seconds for one in windows) / seconds,
        cpu_low=min(hourly),
        cpu_high=max(hourly),
        wakeups=sum(one.wakeups for one in windows) / seconds,
        threads=windows[-1].threads,
    )


def together(parts: Sequence[Sequence[Window]]) -> list[Window]:
    """Several programs as one: window by window, summed."""
    return [_sum(row) for row in zip(*parts, strict=True)]


def _sum(row: Sequence[Window]) -> Window:
    return Window(
        seconds=row[0].seconds,
        memory=Memory(
            sum(one.memory.resident for one in row),
            sum(one.memory.proportional for one in row),
            sum(one.memory.anonymous for one in row),
        ),
        processor_seconds=sum(one.processor_seconds for one in row),
        wakeups=sum(one.wakeups for one in row),
        threads=sum(one.threads for one in row),
    )
