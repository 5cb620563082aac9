"""A trap makes the agent look at once: net-snmp's snmptrap, sent from the card's own address, as a process beside it.

The agent polls each ten minutes here, so that whatever shows within a second came by trap. Times are printed (-s).
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.demo import ber
from stage.process import free_port, program
from tests.e2e.chain import wait_until
from tests.e2e.devices import CardThread, cards, section
from tests.e2e.gateway import Gateway, shown, told
from tests.e2e.outages import MADE, RECORDED, Outage

POLL_SECONDS = 600.0
START_SECONDS = 30.0
TRAP_SECONDS = 1.0
QUIET_SECONDS = 1.1
STRANGER = "127.0.0.99"
ON_BATTERY_TRAP, BACK_TRAP = "1.3.6.1.2.1.33.2.1", "1.3.6.1.2.1.33.2.4"

# UPS: what it sends when mains goes, and when it returns. Version, then what snmptrap wants of it.
TRAPS: dict[str, tuple[list[str], list[str]]] = {
    "eastpower-istars-swv053": (  # UPS-MIB: upsTrapOnBattery, upsTrapAlarmEntryRemoved
        ["2c", "", ON_BATTERY_TRAP, "1.3.6.1.2.1.33.1.2.3.0", "i", "12"], ["2c", "", BACK_TRAP],
    ),
    "apc": (  # PowerNet-MIB: upsOnBattery, powerRestored
        ["2c", "", "1.3.6.1.4.1.318.0.5"], ["2c", "", "1.3.6.1.4.1.318.0.9"],
    ),
    "huawei-gse200m": (  # the same in version 1: enterprise, agent, generic, specific, uptime
        ["1", "1.3.6.1.4.1.318", "127.0.0.1", "6", "5", ""], ["1", "1.3.6.1.4.1.318", "127.0.0.1", "6", "9", ""],
    ),
    "cyberpower": (  # CPS-MIB: the same numbers under 3808
        ["2c", "", "1.3.6.1.4.1.3808.0.5"], ["2c", "", "1.3.6.1.4.1.3808.0.9"],
    ),
    "eaton-9px-partial": (  # XUPS-MIB: xupstdOnBattery; back: any of the branch
        ["2c", "", "1.3.6.1.4.1.534.1.11.4.1.0.3"], ["2c", "", "1.3.6.1.4.1.534.1.11.4.1.0.5"],
    ),
}  # fmt: skip
OUTAGES: dict[str, Outage] = {name: outage for name, outage in (RECORDED | MADE).items() if name in TRAPS}


@contextmanager
def listening(directory: Path, names: list[str]) -> Iterator[tuple[Gateway, dict[str, CardThread], int]]:
    """A gateway that has read these cards on mains; the port that it hears traps on."""
    port = free_port(socket.SOCK_DGRAM)
    slow = {"interval_seconds": POLL_SECONDS, "battery_interval_seconds": POLL_SECONDS, "trap_port": port}
    with cards({name: OUTAGES[name].mains for name in names}, apart=True) as made:
        sections = [section(name, card, **slow) for name, card in made.items()]
        with Gateway(directory, "".join(sections)) as gateway:
            online = [shown("online"), told(status="online")]
            gateway.until_all(online, dict.fromkeys(made, START_SECONDS), time.monotonic())
            yield gateway, made, port


def send(words: list[str], address: str, port: int) -> None:
    """A trap from `address`."""
    version, *rest = words
    command = [program("snmptrap", "snmp"), f"-v{version}", "-c", "public", "-On", f"--clientaddr={address}"]
    subprocess.run([*command, f"127.0.0.1:{port}", *rest], check=True, timeout=10, env={"MIBS": ""})


@pytest.fixture(scope="module")
def took(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """One card after another: seconds from its trap, by what and by UPS; a stranger's trap goes before."""
    found: dict[str, dict[str, float]] = {}
    with listening(tmp_path_factory.mktemp("traps"), list(TRAPS)) as (gateway, made, port):
        for name, card in made.items():
            before = card.card.requests
            card.update(OUTAGES[name].cut)
            send(TRAPS[name][0], STRANGER, port)
            send(TRAPS[name][0], other(name, made).address, port)  # a card of ours, but not this one
            time.sleep(TRAP_SECONDS + 0.5)
            assert card.card.requests == before
            assert gateway.look().shows(name, "online")
            for status, trap in zip(("on_battery", "online"), TRAPS[name], strict=True):
                time.sleep(QUIET_SECONDS)  # since its last trap: a second one waits for the end of its second
                card.update(OUTAGES[name].cut if status == "on_battery" else OUTAGES[name].back)
                begun = time.monotonic()
                send(trap, card.address, port)
                claims = [shown(status), told(status=status)]
                for what, by_ups in gateway.until_all(claims, {name: 5 * TRAP_SECONDS}, begun).items():
                    found.setdefault(what, {}).update(by_ups)
        for name in made:
            wait_until(lambda name=name: complete(gateway, name), 20, f"{name}: no complete event")
    return found


def other(name: str, made: dict[str, CardThread]) -> CardThread:
    return next(card for key, card in made.items() if key != name)


def complete(gateway: Gateway, ups: str) -> bool:
    return any(event.end for event in gateway.ear.events("outage", ups=ups))


@pytest.mark.parametrize("name", TRAPS)
def test_what_a_card_sends_at_a_cut_and_after_it_shows_within_a_second(
    took: dict[str, dict[str, float]], name: str
) -> None:
    for what, by_ups in took.items():
        print(f"{name}: {what} after {by_ups[name]:.2f} s")
        assert by_ups[name] <= TRAP_SECONDS


def test_a_cut_right_after_another_trap_shows_when_the_second_is_over(tmp_path: Path) -> None:
    name = "apc"
    with listening(tmp_path, [name]) as (gateway, made, port):
        card = made[name]
        before = card.card.requests
        send(TRAPS[name][1], card.address, port)  # a test has ended, say
        wait_until(lambda: card.card.requests > before, 5, "no poll by trap")
        card.update(OUTAGES[name].cut)
        send(TRAPS[name][0], card.address, port)
        took = gateway.until(shown("on_battery"), name, TRAP_SECONDS + 1)
        print(f"{name}: on_battery, right after another trap, after {took:.2f} s")


def test_a_flood_of_traps_makes_one_poll_a_second(tmp_path: Path) -> None:
    flood_seconds, name = 4.0, "eastpower-istars-swv053"
    with listening(tmp_path, [name]) as (_, made, port):
        card = made[name]
        a_poll = requests_after(card, lambda: send(TRAPS[name][1], card.address, port))
        assert a_poll > 0
        sent = 0

        def flood() -> None:
            nonlocal sent
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((card.address, 0))
                end = time.monotonic() + flood_seconds
                while time.monotonic() < end:
                    sender.sendto(upstrap(), ("127.0.0.1", port))
                    sent += 1
                    time.sleep(0.002)

        polls = requests_after(card, flood) / a_poll
        print(f"{sent} traps in {flood_seconds:g} s: {polls:.1f} polls of {a_poll} requests")
        assert sent > 300
        assert 2 <= polls <= flood_seconds + 2  # one at once, one a second, one for the last of them


def requests_after(card: CardThread, act: object) -> int:
    """How many requests the card gets from `act`, until it has had peace for the length of a quiet second."""
    assert callable(act)
    time.sleep(1.2)
    before = card.card.requests
    act()
    last = -1
    while last != card.card.requests:
        last = card.card.requests
        time.sleep(1.5)
    return last - before


def upstrap() -> bytes:
    """UPS-MIB's upsTrapOnBattery in version 2c (RFC 3416): sysUpTime and snmpTrapOID."""
    rows = [
        ber.oid(ber.dotted("1.3.6.1.2.1.1.3.0")) + ber.integer(1, ber.TIMETICKS),
        ber.oid(ber.dotted("1.3.6.1.6.3.1.1.4.1.0")) + ber.oid(ber.dotted(ON_BATTERY_TRAP)),
    ]
    bindings = ber.element(ber.SEQUENCE, b"".join(ber.element(ber.SEQUENCE, row) for row in rows))
    pdu = ber.element(0xA7, ber.integer(1) + ber.integer(0) + ber.integer(0) + bindings)
    return ber.element(ber.SEQUENCE, ber.integer(1) + ber.element(ber.OCTETS, b"public") + pdu)
