"""Whom the prober asks after the system has changed its mind: a router that came up after the agent, or another one."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import pytest

import collectors.internet
from collectors.internet import Config, Target, prober
from collectors.internet.prober import Prober
from collectors.internet.route import Route

LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 10.0


class System:
    """What the machine says of its route and its name servers."""

    route: Route | None = None
    resolvers: tuple[str, ...] = ()


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    said = System()
    for module in (collectors.internet, prober):
        monkeypatch.setattr(module, "default_route", lambda **_: said.route)
    monkeypatch.setattr(collectors.internet, "system_resolvers", lambda: said.resolvers)
    monkeypatch.setattr(prober, "_LOOK_SECONDS", LOOK_SECONDS)
    return said


@contextlib.asynccontextmanager
async def probing(targets: tuple[Target, ...] = ()) -> AsyncIterator[Prober]:
    made = Prober(Config(interface="lo", probe_seconds=60.0, targets=targets), asyncio.Event())
    task = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await made.first_round.wait()
        yield made
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(LOOK_SECONDS / 5)


def hosts(made: Prober) -> dict[str, str]:
    return {name: one.target.host for name, one in made.probed.items()}


def test_a_router_that_comes_up_after_the_agent_brings_its_name_servers_and_its_place_on_the_way(
    system: System,
) -> None:
    async def story() -> None:
        async with probing() as made:
            assert made.probed.keys() == {"gateway", "cloudflare", "google", "international"}
            assert made.probed["gateway"].target.role == "lan"
            kept = made.probed["google"]
            system.route, system.resolvers = Route("lo", "100.64.0.1"), ("100.64.0.53",)
            await until(lambda: "resolver-1" in made.probed)
            assert made.probed["gateway"].target.role == "access", "the provider's own router"
            assert made.names.servers == ("100.64.0.53",)
            assert made.probed["google"] is kept, "what has not changed keeps its evidence"
            assert all(one.task is not None and not one.task.done() for one in made.probed.values())

    asyncio.run(story())


def test_another_router_has_other_name_servers_and_one_that_is_gone_leaves_those_that_are_known(
    system: System,
) -> None:
    async def story() -> None:
        system.route, system.resolvers = Route("lo", "192.168.1.1"), ("100.64.0.53", "100.64.0.54")
        async with probing() as made:
            before = hosts(made)
            system.route, system.resolvers = None, ("100.64.9.9",)
            await asyncio.sleep(5 * LOOK_SECONDS)
            system.route, system.resolvers = Route("lo", "192.168.1.1"), ()
            await asyncio.sleep(5 * LOOK_SECONDS)
            assert hosts(made) == before
            gone = made.probed["resolver-1"]
            system.resolvers = ("100.64.1.53",)
            await until(lambda: hosts(made).get("resolver-1") == "100.64.1.53")
            assert "resolver-2" not in made.probed
            assert gone.task is not None
            assert gone.task.done()

    asyncio.run(story())


def test_a_first_hop_that_the_site_has_named_is_asked_on(system: System) -> None:
    async def story() -> None:
        system.route, system.resolvers = Route("lo", "192.168.1.1"), ("100.64.0.53",)
        targets = (Target("access", "access", "127.0.0.9"), Target("far", "target", "127.0.0.8"))
        async with probing(targets=targets) as made:
            await asyncio.sleep(5 * LOOK_SECONDS)
            assert hosts(made) == {"access": "127.0.0.9", "far": "127.0.0.8"}

    asyncio.run(story())


def test_a_line_that_turns_out_to_have_ipv6_alone_is_asked_over_it(system: System) -> None:
    async def story() -> None:
        async with probing() as made:
            assert hosts(made)["cloudflare"] == "1.1.1.1"
            system.route, system.resolvers = Route("lo", "fe80::1%lo"), ("2001:4860:4860::8888",)
            await until(lambda: hosts(made)["cloudflare"] == "2606:4700:4700::1111")

    asyncio.run(story())
