"""Runs the internet collector of a configuration and says, a JSON line at a time, what it finds at each collection.

python -m bench.measure.line_watch CONFIG.json STATE, CONFIG being what stands under [collect.internet].
"""

import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from collectors.internet import Config, build
from telemetry.event import Event


async def main(config: Config, state: Path) -> None:
    async with build(config, state) as collector:
        while True:
            line: dict[str, Any] = {"events": [], "values": {}}
            async with aclosing(collector.collect()) as items:
                async for one in items:
                    if isinstance(one, Event):
                        line["events"].append(msgspec.to_builtins(one))
                    else:
                        line["values"][" ".join((one.metric.name, *one.series.labels))] = one.value
            print(json.dumps({**line, **collector.notes}), flush=True)
            assert collector.changed is not None
            try:
                await asyncio.wait_for(collector.changed.wait(), config.interval_seconds)
            except TimeoutError:
                continue
            collector.changed.clear()


if __name__ == "__main__":
    asyncio.run(main(msgspec.convert(json.loads(Path(sys.argv[1]).read_text()), Config), Path(sys.argv[2])))
