"""A gateway without a clock battery: whatever its clock says, what reaches the store has its true time, or waits."""

import json
import time
from pathlib import Path

import pytest

from stage import parts
from telemetry import catalogue as names
from tests.e2e.chain import Chain, wait_until

DAY = 86_400.0


class WrongClock(Chain):
    """The chain, its agent on a machine whose clock is off; `known`: once, in another boot, it knew."""

    def __init__(self, directory: Path, shift: float, *, known: bool) -> None:
        super().__init__(directory, "prometheus", hold_seconds=2.0)
        words = ["tests.e2e.wrong_clock_agent", str(directory / "agent.toml"), str(shift)]
        self.agent = parts.python("agent", directory / "agent", words)
        if known:
            (directory / "state").mkdir()
            (directory / "state/clock.json").write_text(json.dumps({"boot": "another", "offset": 1.0}))

    def true_times(self) -> list[float]:
        """Seconds from the test's own start to each sample in the store, whatever window they fall into."""
        return [at / 1000 - self.begun for at, _ in self.samples(names.HOST_CPU.name, 4 * 86_400)]

    begun = 0.0


@pytest.mark.parametrize("shift", [-time.time() + 60, -DAY, 3600.0], ids=["1970", "a day behind", "an hour ahead"])
def test_readings_of_a_wrong_clock_arrive_with_their_true_time(tmp_path: Path, shift: float) -> None:
    chain = WrongClock(tmp_path, shift, known=True)
    chain.begun = time.time()
    for part in chain.parts:
        part.start()
    try:
        wait_until(lambda: len(chain.true_times()) >= 12, 60, "too little arrived")
        elapsed = time.time() - chain.begun
        assert all(-3 < at < elapsed + 3 for at in chain.true_times())
    finally:
        for part in reversed(chain.parts):
            part.stop()


def test_after_a_reboot_nothing_is_sent_until_somebody_has_told_the_time_and_then_everything(tmp_path: Path) -> None:
    chain = WrongClock(tmp_path, -7200.0, known=True)
    chain.begun = time.time()
    for part in (chain.broker, chain.store, chain.agent):
        part.start()
    try:
        wait_until(lambda: (tmp_path / "state/outbox.sqlite").exists() and chain.outbox_rows() >= 4, 30, "no rows")
        before = chain.outbox_rows()
        time.sleep(5)
        assert chain.outbox_rows() > before  # kept, not sent
        first = time.time() - chain.begun
        chain.ingest.start()  # it was away; now somebody answers "I am here" with the time
        wait_until(lambda: len(chain.true_times()) >= 10, 60, "nothing came after the time was known")
        assert min(chain.true_times()) < first  # what was measured before is there, at its own time
    finally:
        for part in reversed(chain.parts):
            part.stop()
