"""The Internet collector on loopback: probes, verdict, change and its event, with far ends that open and close.

The only target is ours on the LAN, and the far side is a page that answers 204: a loopback target
would answer ICMP, and refuse TCP, whatever stands behind it.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.echo import icmp_allowed
from collectors.internet import Config, Internet, Target, build
from collectors.internet.budget import Budget
from collectors.internet.history import History
from collectors.internet.route import interface_bytes
from stage.process import free_port
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.metric import Metric
from telemetry.reading import Reading
from tests.unit.internet import servers

PATIENCE_SECONDS = 15.0
LAN = Target("gateway", "lan", "127.0.0.1", 80)


class Taken:
    """One collection."""

    def __init__(self, items: list[Reading | Event]) -> None:
        self.readings = [one for one in items if isinstance(one, Reading)]
        self.events = [one for one in items if isinstance(one, Event)]

    def of(self, metric: Metric) -> dict[tuple[str, ...], float]:
        """Labels -> value."""
        return {one.series.labels: one.value for one in self.readings if one.metric is metric}

    def domain(self) -> str:
        (found,) = [labels[1] for labels, value in self.of(names.NET_FAULT).items() if value]
        return found


async def take(collector: Internet) -> Taken:
    return Taken([one async for one in collector.collect()])


async def turned(collector: Internet) -> Taken:
    """The collection that a change of the verdict asks for."""
    assert collector.changed is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        await collector.changed.wait()
    collector.changed.clear()
    return await take(collector)


@contextlib.asynccontextmanager
async def collecting(directory: Path, **changes: object) -> AsyncIterator[Internet]:
    """A collector that probes each 0.2 s and has given its first verdict."""
    async with servers.names() as dns:
        lan = msgspec.to_builtins(LAN)
        table = {
            "interface": "lo",
            "probe_seconds": 0.2,
            "resolvers": [f"127.0.0.1#{dns}"],
            "targets": [lan],
            **changes,
        }
        config = msgspec.convert(table, Config)
        history = History(directory / "tests.json")
        async with Internet(config, Budget(directory / "budget.json", 10**9), history) as collector:
            await turned(collector)
            yield collector


def test_all_is_well_while_the_far_page_answers(tmp_path: Path) -> None:
    async def story() -> Taken:
        async with (
            servers.listening(servers.saying(servers.NO_CONTENT)) as page,
            servers.names() as dns,
            collecting(tmp_path, check_url=f"http://127.0.0.1:{page}/", resolvers=[f"127.0.0.1#{dns}"]) as collector,
        ):
            return await take(collector)

    taken = asyncio.run(story())
    assert taken.of(names.NET_UP) == {("wan",): 1}
    assert taken.domain() == "none"
    assert set(taken.of(names.NET_FAULT)) == {("wan", domain) for domain in names.FAULT_DOMAINS}
    assert taken.events == []
    assert 0 < taken.of(names.NET_DNS)[("wan", "resolver-1")] < 1
    assert taken.of(names.NET_PROBE_SENT)[("wan", "gateway")] >= 1
    assert taken.of(names.NET_PROBE_LOST) == {("wan", "gateway"): 0}
    received, sent = interface_bytes("lo") or (0, 0)
    assert 0 < taken.of(names.NET_WAN_BYTES)[("wan", "down")] <= received
    assert 0 < taken.of(names.NET_WAN_BYTES)[("wan", "up")] <= sent


def test_a_far_end_that_closes_and_opens_again_is_told_at_once_and_is_one_event(tmp_path: Path) -> None:
    page = free_port()

    async def story() -> tuple[Taken, Taken]:
        async with contextlib.AsyncExitStack() as stack:
            far = await stack.enter_async_context(contextlib.AsyncExitStack())
            await far.enter_async_context(servers.listening(servers.saying(servers.NO_CONTENT), page))
            check = f"http://127.0.0.1:{page}/generate_204"
            collector = await stack.enter_async_context(collecting(tmp_path, check_url=check))
            assert (await take(collector)).domain() == "none"
            await far.aclose()
            cut = await turned(collector)
            await stack.enter_async_context(servers.listening(servers.saying(servers.NO_CONTENT), page))
            return cut, await turned(collector)

    cut, mended = asyncio.run(story())
    assert (cut.of(names.NET_UP), cut.domain()) == ({("wan",): 0}, "access")
    assert (mended.of(names.NET_UP), mended.domain()) == ({("wan",): 1}, "none")
    (begun,), (ended,) = cut.events, mended.events
    assert (begun.kind, begun.end) == ("internet_fault", None)
    said = dict(begun.evidence)
    assert re.fullmatch(r"gateway (\d+)/\1", str(said.pop("lan")))
    assert said == {"uplink": "wan", "domain": "access", "dns": "1/1", "web": "failed"}
    assert ended.evidence == begun.evidence, "the facts at its start"
    assert (ended.id, ended.start) == (begun.id, begun.start)
    assert ended.end is not None
    assert ended.end > ended.start


def test_a_portal_is_captive_and_names_that_do_not_resolve_are_dns(tmp_path: Path) -> None:
    page = free_port()

    async def story() -> tuple[Taken, Taken]:
        portal = servers.saying(b"HTTP/1.1 302 Found\r\nLocation: http://pay/\r\n\r\n")
        good, nobody = servers.saying(servers.NO_CONTENT), f"127.0.0.1#{free_port()}"
        async with collecting(tmp_path, check_url=f"http://127.0.0.1:{page}/", resolvers=[nobody]) as collector:
            async with servers.listening(portal, page):
                captive = await turned(collector)
            while (failed := await turned(collector)).domain() == "captive":
                pass
            assert failed.domain() == "access"
            async with servers.listening(good, page):
                return captive, await turned(collector)

    captive, dns = asyncio.run(story())
    assert (captive.domain(), captive.of(names.NET_UP)) == ("captive", {("wan",): 0})
    assert (dns.domain(), dns.of(names.NET_UP)) == ("dns", {("wan",): 1})
    assert dns.of(names.NET_DNS) == {}, "no answer is no time"


def test_a_far_target_that_refuses_counts_as_an_answer(tmp_path: Path) -> None:
    far = {"name": "far", "role": "target", "host": "127.0.0.1", "port": free_port()}

    async def story() -> Taken:
        async with collecting(tmp_path, targets=[far]) as collector:
            return await take(collector)

    taken = asyncio.run(story())
    assert (taken.of(names.NET_UP), taken.domain()) == ({("wan",): 1}, "none")
    assert {labels[2] for labels in taken.of(names.NET_PROBE_RTT)} <= {"p50", "p95", "max"}
    assert taken.of(names.NET_TEST_BYTES)[("wan", "up", "probe")] >= 60


def test_the_notes_say_what_the_verdict_rests_on_and_how_each_target_is_asked_and_name_no_machine(
    tmp_path: Path,
) -> None:
    async def story() -> dict[str, Any]:
        async with (
            servers.listening(servers.saying(servers.NO_CONTENT)) as page,
            collecting(tmp_path, check_url=f"http://127.0.0.1:{page}/") as collector,
        ):
            return collector.notes

    notes = asyncio.run(story())
    assert notes["targets"]["gateway"]["method"] == ("icmp" if icmp_allowed() else "tcp")
    assert notes["targets"]["gateway"]["loss_ratio"] is None, "fewer than 50 probes"
    assert re.fullmatch(r"gateway \d+/\d+", notes["evidence"]["lan"])
    assert re.search(r"\d+\.\d+\.\d+\.\d+", json.dumps(notes)) is None


def test_a_name_that_does_not_resolve_is_a_lost_probe(tmp_path: Path) -> None:
    far = {"name": "far", "role": "target", "host": "no-such-host.invalid"}

    async def story() -> Taken:
        async with collecting(tmp_path, targets=[far, msgspec.to_builtins(LAN)]) as collector:
            return await take(collector)

    taken = asyncio.run(story())
    assert taken.of(names.NET_PROBE_LOST)[("wan", "far")] >= 1
    assert (taken.of(names.NET_UP), taken.domain()) == ({("wan",): 0}, "access")
    assert not any(labels[1] == "far" for labels in taken.of(names.NET_PROBE_RTT))


def test_with_nobody_far_to_ask_there_is_no_verdict_and_no_zero(tmp_path: Path) -> None:
    config = Config(targets=(LAN,), resolvers=("127.0.0.1#9",), probe_seconds=0.2, interface="none-such")

    async def story() -> Taken:
        async with build(config, tmp_path) as collector:
            return await take(collector)

    taken = asyncio.run(story())
    assert taken.of(names.NET_UP) == {}
    assert taken.of(names.NET_FAULT) == {}
    assert taken.of(names.NET_WAN_BYTES) == {}


def test_what_probing_cost_is_kept_over_a_restart(tmp_path: Path) -> None:
    far = Target("far", "target", "127.0.0.1", 9)
    config = Config(targets=(far,), resolvers=("127.0.0.1#9",), probe_seconds=0.2, interface="lo")

    async def once() -> float:
        async with build(config, tmp_path) as collector:
            await take(collector)
            return (await take(collector)).of(names.NET_TEST_BYTES)[("wan", "up", "probe")]

    first = asyncio.run(once())
    assert first >= 60
    assert asyncio.run(once()) > first
    assert (tmp_path / "internet-wan.json").exists()


def test_a_prober_that_dies_is_a_loud_end_and_no_silence(tmp_path: Path) -> None:
    """Such an address is refused by the configuration; were it not, no reading may look fresh."""

    async def story() -> None:
        async with build(Config(targets=(LAN,)), tmp_path) as collector:
            assert collector._task is not None
            collector._prober.first_round.clear()
            collector._task.cancel()
            await take(collector)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(story())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("check_url", "https://example.org/generate_204"),
        ("check_url", "http://example.org:99999/"),
        ("check_url", "example.org/generate_204"),
        ("resolvers", ["192.0.2.1#fifty-three"]),
        ("resolvers", ["192.0.2.1#99999"]),
        ("resolve_name", "x" * 300),
        ("targets", [msgspec.to_builtins(LAN), msgspec.to_builtins(LAN)]),
        ("name", "wan\n"),
    ],
)
def test_a_configuration_that_can_never_work_is_refused_at_the_start(field: str, value: object) -> None:
    """https would be asked in plain HTTP at port 80 and be called captive; the others end the prober."""
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: value}, Config)


def test_the_events_id_is_a_fact_and_its_start(tmp_path: Path) -> None:
    collector = build(Config(), tmp_path)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    (event,) = collector._fault_event("isp", at)
    assert event.id == f"internet-wan-isp-{int(at.timestamp())}"
    assert list(collector._fault_event("isp", at)) == []
    closed, opened = collector._fault_event("lan", at)
    assert (closed.id, closed.end) == (event.id, at)
    assert opened.evidence["domain"] == "lan"
