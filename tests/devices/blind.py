"""The http engine as the child of a machine that shows no interface's counter: `command` in place of the parent's."""

import sys
from unittest.mock import patch

from collectors.internet.engines import http


def command(engine: str) -> list[str]:
    """The words that start it."""
    assert engine == "http"
    return [sys.executable, "-m", "tests.devices.blind"]


if __name__ == "__main__":
    with patch.object(http, "open_counter", return_value=None):
        sys.exit(http.main())
