"""SNMPv3 against cards that are refused, swapped and rebooted: the error names the key, and the session recovers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.snmp import Access, Session
from collectors.ups.poll import Card
from stage.process import Part
from telemetry.errors import AccessDenied, CollectError
from tests.devices.snmpsim import AUTH_KEY, PRIV_KEY, USERS, boots, simulator

WALK, SERIAL = "eaton-93e-80", "4K234LXX06"
KEYS: dict[str, Any] = {"version": "3", "auth_key": AUTH_KEY, "priv_key": PRIV_KEY, "context": WALK}
every_kind = pytest.mark.parametrize("kind", USERS)


def access(port: int, kind: str, **change: Any) -> Access:
    return Access(host="127.0.0.1", port=port, **({"timeout_seconds": 0.5} | KEYS | USERS[kind] | change))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """UDP port of a recorded card."""
    part, number = simulator(tmp_path_factory.mktemp("v3") / "card", [WALK])
    with part:
        yield number


@every_kind
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"user": "nobody"}, "user"),
        ({"auth_key": "another-key"}, "auth key"),
        ({"auth_protocol": "SHA"}, "auth key"),
        ({"priv_key": "another-key"}, "priv key"),
        ({"priv_protocol": "AES192"}, "priv key"),
        ({"priv_key": ""}, "security level"),
        ({"priv_key": "", "auth_key": ""}, "security level"),
    ],
    ids=str,
)
def test_what_the_card_refuses_is_named(port: int, kind: str, change: dict[str, Any], named: str) -> None:
    async def ask() -> None:
        async with Session(access(port, kind, **change)) as session:
            await Card(session).read()

    with pytest.raises(AccessDenied, match=f"refuses the {named}"):
        asyncio.run(ask())


def test_the_right_keys_after_wrong_ones_are_not_held_back(port: int) -> None:
    async def ask() -> str | None:
        for change in ({"auth_key": "another-key"}, {}):
            async with Session(access(port, "SHA256/AES128", **change)) as session:
                try:
                    return (await Card(session).read()).serial
                except AccessDenied:
                    continue
        return None

    assert asyncio.run(ask()) == SERIAL


def serials(first: Part, second: Part, at: Access) -> list[str | None]:
    """What one session reads of the first, and then, at most eight times, until it reads the second."""

    async def act() -> list[str | None]:
        found: list[str | None] = []
        async with Session(at) as session:
            card = Card(session)
            with first:
                found.append((await card.read()).serial)
                first.kill()
            with second:
                while len(found) < 9:
                    try:
                        found.append((await card.read()).serial)
                        break
                    except CollectError:
                        found.append(None)
        return found

    return asyncio.run(act())


@every_kind
def test_a_card_that_reboots_is_read_again(tmp_path: Path, kind: str) -> None:
    part, number = simulator(tmp_path / "card", [WALK])
    with part:
        before = boots(tmp_path / "card")
    found = serials(part, part, access(number, kind))
    assert boots(tmp_path / "card") > before + 1  # twice since
    assert (found[0], found[-1]) == (SERIAL, SERIAL)
    print(f"{kind}: {len(found) - 2} readings lost to a reboot")


@every_kind
def test_a_card_that_was_swapped_for_another_is_read_again(tmp_path: Path, kind: str) -> None:
    old, number = simulator(tmp_path / "old", [WALK], engine_id="80001f880401")
    new, _ = simulator(tmp_path / "new", [WALK], engine_id="80001f880402", port=number)
    found = serials(old, new, access(number, kind))
    assert (found[0], found[-1]) == (SERIAL, SERIAL)
    print(f"{kind}: {len(found) - 2} readings lost to a swap")
