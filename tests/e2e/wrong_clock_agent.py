"""An agent on a machine whose clock is off by so many seconds and that no time service disciplines.

    python -m tests.e2e.wrong_clock_agent CONFIG SECONDS

What reads the wall clock is shifted before the agent is loaded; what the wire carries keeps the true types.
"""

import datetime as dt
import sys
import time

import telemetry.event
import telemetry.wire

assert telemetry.wire.Event is telemetry.event.Event
SHIFT = float(sys.argv[2])
_real_time, _RealDatetime = time.time, dt.datetime


class _Shifted(_RealDatetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return _RealDatetime.now(tz) + dt.timedelta(seconds=SHIFT)

    @classmethod
    def fromtimestamp(cls, stamp: float, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return _RealDatetime.fromtimestamp(stamp, tz)


time.time = lambda: _real_time() + SHIFT
dt.datetime = _Shifted  # type: ignore[misc]

from agent import clock  # noqa: E402
from agent.__main__ import main  # noqa: E402

clock._kernel_synchronised = lambda: False
sys.exit(main(["run", "--config", sys.argv[1]]))
