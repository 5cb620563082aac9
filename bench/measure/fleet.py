"""`python -m bench.measure.fleet PLAN.json`: many agents' outboxes and uplinks in one process, on a real broker.

Each is the product's own, with its own file, certificate, back-off and thread. Twice a second a line is added to
`connected.log`: seconds of the machine's monotonic clock, and how many are connected.
"""

import json
import random
import resource
import sys
import threading
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.outbox import Outbox
from agent.states import State
from agent.uplink import Uplink
from bench.measure.central_side import uplink_config
from bench.measure.readings import readings
from central.simulate.centre import make_centre

_STEP_SECONDS = 0.5


class FleetPlan(Struct, frozen=True):
    """Numbers of the centres, where they live, and how they send."""

    first: int
    count: int
    directory: str
    certificates: str
    port: int
    tick_seconds: float = 120.0
    spread_seconds: float = 120.0


def main() -> None:
    plan = msgspec.convert(json.loads(Path(sys.argv[1]).read_text()), FleetPlan)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    threading.stack_size(256 * 1024)
    agents = [_agent(plan, number) for number in range(plan.first, plan.first + plan.count)]
    with (Path(plan.directory) / "connected.log").open("w", buffering=1) as log:
        due = {number: time.monotonic() + random.uniform(0, plan.tick_seconds) for number in range(len(agents))}
        while True:
            now = time.monotonic()
            for number in [number for number, at in due.items() if at <= now]:
                _tick(plan.first + number, *agents[number])
                due[number] += plan.tick_seconds
            log.write(f"{time.monotonic():.2f} {sum(uplink.connected for _, uplink in agents)}\n")
            time.sleep(_STEP_SECONDS)


def _agent(plan: FleetPlan, number: int) -> tuple[Outbox, Uplink]:
    centre = make_centre(number, 1).id
    outbox = Outbox(Path(plan.directory) / centre / "outbox.sqlite")
    config = uplink_config(Path(plan.certificates), centre, plan.port, connect_spread_seconds=plan.spread_seconds)
    uplink = Uplink(centre, config, outbox, "bench")
    now = int(1000 * time.time())
    uplink.tell({
        "power": State(now, {"ups": {"rack": {"ts": now, "up": True, "status": "online", "charge_ratio": 1.0}}}),
        "internet": State(now, {"uplinks": {"wan": {"ts": now, "up": True, "fault": "none"}}}),
    })  # fmt: skip
    uplink.start()
    return outbox, uplink


def _tick(number: int, outbox: Outbox, uplink: Uplink) -> None:
    """One tick of 150 series, closed at once: what is on its way when the broker goes."""
    now = time.time()
    for lane, found in readings(make_centre(number, 1), now, 3600.0).items():
        outbox.append(lane, found)
    outbox.close_all()
    uplink.wake()


if __name__ == "__main__":
    main()
