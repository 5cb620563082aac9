"""The agent's internet collector on a bed of hops, watched from outside: which verdict stands, since when."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from stage.hops import Hops
from stage.parts import ROOT


class Watch:
    """While the block lasts. `last` is the newest line of line_watch; `seen` the verdicts since `forget`."""

    def __init__(self, hops: Hops, config: dict[str, Any], directory: Path, part: str = "site") -> None:
        file = directory / "config.json"
        file.write_text(json.dumps(config))
        words = [sys.executable, "-m", "bench.measure.line_watch", str(file), str(directory)]
        self._command = hops.inside(part, words)
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.last: dict[str, Any] = {}
        self.seen: set[str | None] = set()
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)

    def forget(self) -> None:
        """Only what comes from now on counts."""
        while not self._lines.empty():
            self._take(self._lines.get())
        self.seen.clear()
        self.events.clear()

    def wait(self, domain: str, seconds: float) -> float | None:
        """Seconds until this verdict stands, or None."""
        return self.until(lambda line: line["fault"] == domain, seconds)

    def until(self, true: Callable[[dict[str, Any]], bool], seconds: float) -> float | None:
        """Seconds until a line of line_watch is so, or None."""
        begun = time.monotonic()
        while (left := begun + seconds - time.monotonic()) > 0:
            try:
                self._take(self._lines.get(timeout=left))
            except queue.Empty:
                break
            if true(self.last):
                return round(time.monotonic() - begun, 1)
        return None

    def _take(self, line: dict[str, Any]) -> None:
        self.last = line
        self.seen.add(line["fault"])
        self.events += line["events"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))
