"""Eight UPSes on one agent, one silent and one very slow: the others keep their time, and a cut shows at once."""

import asyncio
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

from agent.demo import ups
from agent.demo.card import Card
from agent.scheduler import Task, Tick, run_all
from collectors.ups import Config, build
from telemetry import catalogue as names

INTERVAL, RUN_SECONDS = 1.0, 25.0


def test_one_ups_never_delays_another(tmp_path: Path) -> None:
    times = asyncio.run(poll_eight(tmp_path))
    healthy = {source: seen for source, seen in times.items() if source not in ("ups/u0", "ups/u1")}
    assert len(healthy) == 6
    gaps = [later - earlier for seen in healthy.values() for earlier, later in pairwise(seen)]
    assert len(gaps) > 100
    p99 = quantiles(gaps, n=100)[98]
    print(f"p99 of {len(gaps)} poll intervals: {p99:.3f} s of {INTERVAL} s")
    assert p99 <= 1.1 * INTERVAL


async def poll_eight(state: Path) -> dict[str, list[float]]:
    cards = [Card(ups.identity() | ups.on_mains()) for _ in range(8)]
    cards[0].silent, cards[1].delay_seconds = True, 3.0
    tasks = []
    for number, card in enumerate(cards):
        port = await card.serve()
        config = Config(name=f"u{number}", host="127.0.0.1", port=port, interval_seconds=INTERVAL)
        tasks.append(Task("ups", config, build(config, state)))
    times: dict[str, list[float]] = defaultdict(list)

    async def note(tick: Tick) -> None:
        if any(one.metric is names.UPS_UP and one.value for one in tick.readings):
            times[tick.source].append(time.monotonic())

    running = asyncio.create_task(run_all(tasks, note))
    await asyncio.sleep(RUN_SECONDS)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for card in cards:
        card.close()
    await asyncio.sleep(0)
    return {source: seen[2:] for source, seen in times.items()}  # the first polls recognise the card


def test_a_cut_shows_within_one_interval_and_a_second(tmp_path: Path) -> None:
    async def act() -> float:
        card = Card(ups.identity() | ups.on_mains())
        config = Config(name="rack", host="127.0.0.1", port=await card.serve(), interval_seconds=2.0)
        task = Task("ups", config, build(config, tmp_path))
        seen = asyncio.Event()

        async def note(tick: Tick) -> None:
            statuses = [one for one in tick.readings if one.metric is names.UPS_STATUS and one.value]
            if any(one.series.labels[1] == "on_battery" for one in statuses):
                seen.set()

        running = asyncio.create_task(run_all([task], note))
        await asyncio.sleep(3)
        card.update(ups.on_battery(1))
        begun = time.monotonic()
        async with asyncio.timeout(10):
            await seen.wait()
        took = time.monotonic() - begun
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        card.close()
        await asyncio.sleep(0)
        return took

    took = asyncio.run(act())
    print(f"cut to reading: {took:.2f} s at 2 s")
    assert took <= 3.0
