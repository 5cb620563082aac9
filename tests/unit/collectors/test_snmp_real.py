"""The session against net-snmp's snmpd: versions, users and keys as somebody else implements them."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from collectors.snmp import Access, Session, Value
from stage.process import free_port
from telemetry.errors import AccessDenied, CollectError, TimedOut
from tests.devices.snmpd import AUTH_KEY, COMMUNITY, PRIV_KEY, SIGNED_ONLY_USER, USER, snmpd

DESCR, OBJECT_ID, SYSTEM = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1"
BOTH = {DESCR: b"A real agent", OBJECT_ID: "1.3.6.1.4.1.8072.3.2.10"}
V3: dict[str, Any] = {
    "version": "3",
    "user": USER,
    "auth_protocol": "SHA",
    "auth_key": AUTH_KEY,
    "priv_protocol": "AES128",
    "priv_key": PRIV_KEY,
}


async def _get(port: int, oids: Sequence[str] = (DESCR, OBJECT_ID), **access: Any) -> dict[str, Value]:
    async with Session(Access(host="127.0.0.1", port=port, **({"timeout_seconds": 0.3} | access))) as session:
        return await session.get(oids)


@pytest.mark.parametrize("version", ["1", "2c"])
def test_versions_with_a_community_read_the_system_group(snmpd_port: int, version: str) -> None:
    assert asyncio.run(_get(snmpd_port, version=version, community=COMMUNITY)) == BOTH


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_missing_object_is_absent_and_the_others_are_there(snmpd_port: int, version: str) -> None:
    oids = [DESCR, "1.3.6.1.2.1.33.1.4.1.0", OBJECT_ID, "1.3.6.1.4.1.318.1.1.1.4.1.1.0"]
    assert asyncio.run(_get(snmpd_port, oids, version=version, community=COMMUNITY)) == BOTH


def test_a_walk_reads_the_whole_system_group_and_nothing_beyond(snmpd_port: int) -> None:
    async def walk() -> dict[str, Value]:
        access = Access(host="127.0.0.1", port=snmpd_port, community=COMMUNITY)
        async with Session(access) as session:
            return await session.walk(SYSTEM)

    found = asyncio.run(walk())
    assert BOTH.items() <= found.items()
    assert all(oid.startswith(SYSTEM + ".") for oid in found)


def test_a_signed_and_encrypted_user_reads(snmpd_port: int) -> None:
    assert asyncio.run(_get(snmpd_port, **V3)) == BOTH


def test_a_signed_user_without_encryption_reads(snmpd_port: int) -> None:
    assert asyncio.run(_get(snmpd_port, **(V3 | {"user": SIGNED_ONLY_USER, "priv_key": ""}))) == BOTH


def test_a_wrong_community_is_silence(snmpd_port: int) -> None:
    with pytest.raises(TimedOut):
        asyncio.run(_get(snmpd_port, [DESCR], community="wrong"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"auth_key": "another-key"}, "auth key"),
        ({"auth_protocol": "SHA256"}, "auth key"),
        ({"auth_protocol": "MD5"}, "auth key"),
        ({"user": "nobody"}, "user"),
        ({"user": SIGNED_ONLY_USER}, "security level"),
        ({"priv_key": ""}, "security level"),
        ({"priv_key": "", "auth_key": ""}, "security level"),
    ],
    ids=str,
)
def test_what_the_agent_refuses_is_named(snmpd_port: int, change: dict[str, Any], named: str) -> None:
    with pytest.raises(AccessDenied, match=f"refuses the {named}"):
        asyncio.run(_get(snmpd_port, **(V3 | change)))


@pytest.mark.parametrize("change", [{"priv_key": "another-key"}, {"priv_protocol": "DES"}, {"priv_protocol": "AES256"}])
def test_a_wrong_priv_key_is_named_although_net_snmp_drops_what_it_cannot_decrypt_in_silence(
    snmpd_port: int, change: dict[str, Any]
) -> None:
    with pytest.raises(AccessDenied, match="refuses the priv key"):
        asyncio.run(_get(snmpd_port, [DESCR], **(V3 | change)))


def test_a_card_with_the_right_keys_that_falls_silent_is_not_blamed_for_its_keys(tmp_path: Path) -> None:
    part, port = snmpd(tmp_path / "card")

    async def lose() -> None:
        async with Session(Access(host="127.0.0.1", port=port, timeout_seconds=0.3, **V3)) as session:
            with part:
                await session.get([DESCR])
            await session.get([DESCR])

    with pytest.raises(TimedOut):
        asyncio.run(lose())


def test_a_port_where_nobody_speaks_version_3_is_silent_and_no_refusal() -> None:
    with pytest.raises(TimedOut):
        asyncio.run(_get(free_port(socket.SOCK_DGRAM), [DESCR], **V3))


@pytest.mark.parametrize(
    "change", [{"user": ""}, {"auth_key": "short"}, {"priv_key": "short"}, {"auth_key": ""}], ids=str
)
def test_credentials_that_no_agent_could_accept_are_a_failed_collection(
    snmpd_port: int, change: dict[str, Any]
) -> None:
    with pytest.raises(CollectError):
        asyncio.run(_get(snmpd_port, **(V3 | change)))


def test_sessions_with_the_same_user_and_different_keys_do_not_spoil_each_other(snmpd_port: int) -> None:
    async def both() -> tuple[dict[str, Value], BaseException, dict[str, Value]]:
        wrong = {**V3, "auth_key": "another-key"}
        results = await asyncio.gather(
            _get(snmpd_port, **V3), _get(snmpd_port, **wrong), _get(snmpd_port, **V3), return_exceptions=True
        )
        first, refused, last = results
        assert isinstance(first, dict)
        assert isinstance(refused, BaseException)
        assert isinstance(last, dict)
        return first, refused, last

    first, refused, last = asyncio.run(both())
    assert (first, type(refused), last) == (BOTH, AccessDenied, BOTH)


BOOTS, UP_SECONDS = "1.3.6.1.6.3.10.2.1.2.0", "1.3.6.1.6.3.10.2.1.3.0"


def test_a_card_that_rebooted_is_read_again_in_the_same_session(tmp_path: Path) -> None:
    part, port = snmpd(tmp_path / "card", engine_id="0x80001f8801")

    async def reboot() -> tuple[dict[str, Value], dict[str, Value]]:
        async with Session(Access(host="127.0.0.1", port=port, timeout_seconds=0.5, **V3)) as session:
            with part:
                await asyncio.sleep(1.1)
                before = await session.get([BOOTS, UP_SECONDS])
            with part:
                return before, await session.get([BOOTS, UP_SECONDS])

    before, after = asyncio.run(reboot())
    assert int(after[BOOTS]) == int(before[BOOTS]) + 1
    assert int(after[UP_SECONDS]) < int(before[UP_SECONDS])


def test_a_card_that_was_swapped_for_one_with_another_engine_id_is_read_again(tmp_path: Path) -> None:
    first, port = snmpd(tmp_path / "first", engine_id="0x80001f8801")
    second, _ = snmpd(tmp_path / "second", port=port, engine_id="0x80001f8802")

    async def swap() -> dict[str, Value]:
        async with Session(Access(host="127.0.0.1", port=port, timeout_seconds=0.5, **V3)) as session:
            first.start()
            assert await session.get([DESCR]) == {DESCR: b"A real agent"}
            first.kill()
            second.start()
            for _ in range(4):
                try:
                    return await session.get([DESCR])
                except CollectError:
                    continue
            return {}

    try:
        assert asyncio.run(swap()) == {DESCR: b"A real agent"}
    finally:
        first.stop()
        second.stop()
