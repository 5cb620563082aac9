"""What the outbox's tests share: a clock that the test holds, and a file in a directory that is not there yet."""

from pathlib import Path

import pytest

from tests.unit.agent.outboxes import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite"
