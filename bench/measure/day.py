"""A day of polls without the waits: the collector alone in a process, and what it holds from first to last."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.measure.verdict import Bar, line
from bench.peers.contender import ROOT
from bench.peers.polling import Checkpoint, Settings, command

GROWTH_BAR = 1.0
"""MiB of RSS that the day may add to what stands after the warm-up."""
_CHECKPOINTS = 10


class Day(Struct, frozen=True):
    """Checkpoints, the first of them after the warm-up; packets a poll, both ways, where they were counted."""

    found: tuple[Checkpoint, ...]
    packets: float | None = None

    @property
    def growth(self) -> float:
        """MiB from the warm-up to the highest checkpoint."""
        return max(one.rss for one in self.found) - self.found[0].rss

    @property
    def seconds(self) -> float:
        """Processor seconds a poll, after the warm-up."""
        first, last = self.found[0], self.found[-1]
        return (last.seconds - first.seconds) / (last.polls - first.polls)

    @property
    def failed(self) -> int:
        """Polls after the warm-up that gave an error."""
        return self.found[-1].failed - self.found[0].failed

    @property
    def held(self) -> int:
        """Open files and tasks more than after the warm-up, at the worst checkpoint."""
        first = self.found[0]
        return max(max(one.files - first.files, one.tasks - first.tasks) for one in self.found)

    def bars(self, name: str) -> list[Bar]:
        """What a day must hold to."""
        return [
            Bar(f"{name}: growth of RSS", self.growth, GROWTH_BAR, "MiB"),
            Bar(f"{name}: files or tasks gained", self.held, 0, "more"),
            Bar(f"{name}: polls that failed", self.failed, 0, "polls"),
        ]


class Run:
    """One collector under way."""

    def __init__(
        self, interpreter: Sequence[str | Path], installed: Path, directory: Path, ups: dict[str, Any],
        polls: tuple[int, int],
    ) -> None:  # fmt: skip
        directory.mkdir(parents=True)
        warm_up, whole = polls
        steps = [warm_up + (whole - warm_up) * step // _CHECKPOINTS for step in range(_CHECKPOINTS + 1)]
        words = command(interpreter, Settings(ups, str(directory), tuple(dict.fromkeys(steps))))
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=log, cwd=directory, env={"PYTHONPATH": f"{installed}:{ROOT}"}
            )

    def result(self) -> tuple[Checkpoint, ...]:
        """Its checkpoints, once it has ended; ends the program if it failed."""
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise SystemExit(f"the collector ended with {self._process.returncode}:\n{self._log.read_text()}")
        return tuple(msgspec.json.decode(row, type=Checkpoint) for row in out.splitlines())

    def kill(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait()


def table(days: Mapping[str, Day]) -> list[str]:
    """A line a day."""
    widths = (30, 8, 8, 10, 9, 9, 9, 8, 13, 8, 8)
    head = ("", "polls", "failed", "readings", "ms/poll", "packets", "RSS", "last", "growth, most", "files", "tasks")
    return [line(head, widths), *(line(_cells(name, day), widths) for name, day in days.items())]


def _cells(name: str, day: Day) -> tuple[str, ...]:
    first, last = day.found[0], day.found[-1]
    return (
        name, str(last.polls), str(day.failed), str(last.readings), f"{1000 * day.seconds:.2f}",
        "-" if day.packets is None else f"{day.packets:.2f}", f"{first.rss:.2f}", f"{last.rss:.2f}",
        f"{day.growth:+.2f}", f"{first.files}-{last.files}", f"{first.tasks}-{last.tasks}",
    )  # fmt: skip
