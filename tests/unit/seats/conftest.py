"""A real broker for the sensors, one for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stage import parts
from stage.process import Part


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[Part, int]]:
    """Mosquitto and its port, not started."""
    part, port = parts.broker(tmp_path / "broker")
    yield part, port
    part.stop()
