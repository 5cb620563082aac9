"""Mains from a machine that answers: silence is an outage only while somebody else answers."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.echo import icmp_allowed
from collectors.mains import Config, Mains, build
from collectors.mains.ping import Ping, Pinged
from stage.process import free_port
from telemetry.errors import CollectError, Unreachable
from tests.devices.host import Host
from tests.unit.mains.taken import Taken, taken

NOBODY = "no.such.host.invalid"


def ping(device: Host, reference: Host | None = None, **settings: Any) -> Ping:
    settings = {"method": "tcp", "misses": 2, "port": device.port} | settings
    if reference is not None:
        settings |= {"reference": "127.0.0.1", "reference_port": reference.port}
    return Ping(host="127.0.0.1", **settings)


def made(config: Ping, state: Path) -> Mains:
    return build(Config(name="printer", ping=config), state)


def story(collector: Mains, *steps: Callable[[], None]) -> list[Taken]:
    """One collection, and one more after each step."""

    async def act() -> list[Taken]:
        found = [await taken(collector)]
        for step in steps:
            step()
            found.append(await taken(collector))
        return found

    return asyncio.run(act())


def nothing() -> None:
    """Time passes."""


def test_a_device_that_answers_shows_that_mains_is_there(tmp_path: Path) -> None:
    with Host() as device, Host() as switch:
        assert story(made(ping(device, switch), tmp_path)) == [(1.0, [], None)]


def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    with Host() as device, Host() as switch:
        assert story(made(ping(device, switch, port=free_port()), tmp_path)) == [(1.0, [], None)]


def test_an_outage_is_told_after_its_misses_began_with_the_first_of_them_and_ends_with_an_answer(
    tmp_path: Path,
) -> None:
    with Host() as device, Host() as switch:
        collector = made(ping(device, switch), tmp_path)
        before, once, twice, thrice, back = story(collector, device.lose_power, nothing, nothing, device.regain_power)
    assert [one[0] for one in (before, once, twice, thrice, back)] == [1, None, 0, 0, 1]
    assert [one[2] for one in (before, once, twice, thrice, back)] == [None] * 5
    ((opened,), (ended,)) = twice[1], back[1]
    assert before[1] + once[1] + thrice[1] == []
    assert (opened.kind, opened.end, ended.id, ended.start) == ("outage", None, opened.id, opened.start)
    assert opened.evidence == ended.evidence == {"source": "printer", "inferred_from": "ping"}
    assert ended.end is not None
    assert (ended.end - ended.start).total_seconds() > 2, "the first miss took longer than that"


def test_a_network_that_is_silent_altogether_says_nothing_and_misses_count_anew(tmp_path: Path) -> None:
    with Host() as device, Host() as switch:
        found = story(
            made(ping(device, switch), tmp_path),
            device.lose_power,  # the first miss
            switch.lose_power,  # nothing is known
            switch.regain_power,  # the first miss again
            nothing,
        )
    assert [one[0] for one in found] == [1, None, None, None, 0]
    assert [type(one[2]) for one in found] == [type(None), type(None), Unreachable, type(None), type(None)]
    assert [len(one[1]) for one in found] == [0, 0, 0, 0, 1]


def test_an_outage_is_not_over_because_nothing_is_known_for_a_while(tmp_path: Path) -> None:
    with Host() as device, Host() as switch:
        collector = made(ping(device, switch, misses=1), tmp_path)
        found = story(collector, device.lose_power, switch.lose_power, switch.regain_power, device.regain_power)
    assert [one[0] for one in found] == [1, 0, None, 0, 1]
    events = [event for one in found for event in one[1]]
    assert [event.end is None for event in events] == [True, False]
    assert len({event.id for event in events}) == 1


def test_an_outage_goes_on_over_a_restart_of_the_agent(tmp_path: Path) -> None:
    with Host() as device, Host() as switch:
        config = ping(device, switch, misses=1)
        _, (_, (opened,), _) = story(made(config, tmp_path), device.lose_power)
        ((up, again, _),) = story(made(config, tmp_path))
        device.regain_power()
        ((_, (ended,), _),) = story(made(config, tmp_path))
    assert (up, again) == (0, [])
    assert (ended.id, ended.start) == (opened.id, opened.start)
    assert (ended.evidence["source"], ended.evidence["ended"]) == ("printer", "unseen")


@pytest.mark.parametrize(
    ("carrier", "up", "problem"), [("1\n", 0, None), ("0\n", None, Unreachable), (None, None, Unreachable)]
)
def test_the_carrier_of_our_own_interface_can_be_the_reference(
    tmp_path: Path, carrier: str | None, up: float | None, problem: type[CollectError] | None
) -> None:
    folder = tmp_path / "class/net/lan0"
    folder.mkdir(parents=True)
    if carrier is not None:
        (folder / "carrier").write_text(carrier)
    with Host() as device:
        device.lose_power()
        config = Config(name="printer", ping=ping(device, interface="lan0", misses=1))
        collector = build(config, tmp_path)
        assert config.ping is not None
        collector._witness = Pinged(config.ping, sys=tmp_path)
        ((found, _, raised),) = story(collector)
    assert (found, None if raised is None else type(raised)) == (up, problem)


def test_a_name_that_has_no_address_is_no_outage(tmp_path: Path) -> None:
    with Host() as switch:
        config = Ping(host=NOBODY, reference="127.0.0.1", reference_port=switch.port, method="tcp", misses=1)
        ((up, events, problem),) = story(made(config, tmp_path))
    assert (up, events, type(problem)) == (None, [], Unreachable)


def test_icmp_is_asked_where_the_kernel_allows_it_and_tcp_where_not(tmp_path: Path) -> None:
    with Host() as device, Host() as switch:
        device.lose_power()  # of its TCP port only: the machine's kernel goes on to answer an echo
        ((up, _, _),) = story(made(ping(device, switch, method="icmp", misses=1), tmp_path))
    assert up == (1 if icmp_allowed() else 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"ping": {"host": "h"}}, {"ping": {"host": "h", "reference": "r"}, "plug": {"topic": "t"}},
        {"ping": {"host": "", "reference": "r"}}, {"ping": {"host": "h", "reference": "r", "misses": 0}},
        {"ping": {"host": "h", "interface": "../../x"}}, {"ping": {"host": "h", "reference": "r", "method": "arp"}},
        {"plug": {"topic": "a/#"}}, {"plug": {"topic": ""}}, {"plug": {"topic": "t", "key": "state"}},
        {"plug": {"topic": "t", "max_age_seconds": 0}}, {"plug": {"topic": "t", "silence": "on_battery"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_config_that_could_only_guess_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "printer"} | wrong, Config)
