"""discover: what answers in the centre's own network, and a configuration to begin with.

One small SNMP question to every address from one socket; whoever answers is asked as a UPS. NUT,
apcupsd and MQTT brokers are known by their TCP ports. Nothing is changed anywhere.
"""

import asyncio
import importlib
import ipaddress
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from agent.demo import ber
from telemetry.errors import CollectError

_MOST_HOSTS = 1024
_SNMP_PORT = 161
_SYS_OBJECT_ID = (1, 3, 6, 1, 2, 1, 1, 2, 0)
_TCP_PORTS = {3493: "nut", 3551: "apcupsd", 1883: "mqtt"}
_PAUSE_SECONDS, _WAIT_SECONDS, _CONNECT_SECONDS, _AT_ONCE = 0.002, 2.0, 1.0, 128


class Found(Struct, frozen=True):
    """kind: ups, snmp (answers, but is no UPS we know), nut, apcupsd, mqtt."""

    host: str
    kind: str
    detail: str = ""


def discover(arguments: Namespace) -> int:
    """Look, print what was found and a proposed configuration; exit 1 when nothing answers."""
    network = _network(arguments.network)
    if network is None:
        print("Which network? For example: --network 192.168.1.0/24", file=sys.stderr)
        return 2
    if network.num_addresses > _MOST_HOSTS:
        print(f"{network} has {network.num_addresses} addresses; at most {_MOST_HOSTS}, a /22", file=sys.stderr)
        return 2
    hosts = [str(host) for host in network.hosts()] or [str(network.network_address)]
    print(f"Asking {len(hosts)} addresses of {network} ...", file=sys.stderr)
    found = asyncio.run(_look(hosts, arguments.community, arguments.snmp_port))
    for one in found:
        print(f"{one.host:<16}{one.kind:<9}{one.detail}")
    text = proposed(found)
    if arguments.write:
        Path(arguments.write).write_text(text, encoding="utf-8")
        print(f"Proposed configuration: {arguments.write}", file=sys.stderr)
    elif found:
        print(f"\n{text}")
    return 0 if found else 1


def _network(text: str) -> ipaddress.IPv4Network | None:
    try:
        if text:
            return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None
    route = importlib.import_module("collectors.internet.route").default_route()
    return ipaddress.IPv4Network(f"{route.gateway}/24", strict=False) if route and ":" not in route.gateway else None


async def _look(hosts: list[str], community: str, snmp_port: int) -> list[Found]:
    answering, services = await asyncio.gather(_ask_all(hosts, community, snmp_port), _services(hosts))
    cards = await asyncio.gather(*(_card(host, community, snmp_port) for host in answering))
    return sorted([*cards, *services], key=lambda one: (ipaddress.IPv4Address(one.host), one.kind))


class _Hearer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: set[str] = set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """asyncio's: somebody answers; what it says is asked again, properly."""
        if data[:1] == b"\x30":
            self.heard.add(addr[0])


async def _ask_all(hosts: Iterable[str], community: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    transport, hearer = await loop.create_datagram_endpoint(_Hearer, local_addr=("0.0.0.0", 0))
    question = _question(community)
    try:
        for host in hosts:
            transport.sendto(question, (host, port))
            await asyncio.sleep(_PAUSE_SECONDS)
        await asyncio.sleep(_WAIT_SECONDS)
    finally:
        transport.close()
    return sorted(hearer.heard)


def _question(community: str) -> bytes:
    """A v2c GET of sysObjectID."""
    binding = ber.element(ber.SEQUENCE, ber.oid(_SYS_OBJECT_ID) + ber.element(ber.NULL, b""))
    body = ber.integer(1) + ber.integer(0) + ber.integer(0) + ber.element(ber.SEQUENCE, binding)
    message = ber.integer(1) + ber.element(ber.OCTETS, community.encode()) + ber.element(ber.GET, body)
    return ber.element(ber.SEQUENCE, message)


async def _card(host: str, community: str, port: int) -> Found:
    snmp: Any = importlib.import_module("collectors.snmp")
    probing: Any = importlib.import_module("collectors.ups.probe")
    try:
        answer = await probing.probe(snmp.Access(host=host, port=port, community=community))
    except CollectError as problem:
        return Found(host, "snmp", problem.reason)
    if not answer["recognised"]:
        return Found(host, "snmp", "answers, but is no UPS that we know")
    words = (answer["vendor"], answer["model"], f"({answer['mib']})", answer["status"])
    return Found(host, "ups", " ".join(word for word in words if word))


async def _services(hosts: list[str]) -> list[Found]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def knock(host: str, port: int) -> Found | None:
        async with gate:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, writer = await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                return None
            writer.close()
            return Found(host, _TCP_PORTS[port], f"port {port}")

    found = await asyncio.gather(*(knock(host, port) for host in hosts for port in _TCP_PORTS))
    return [one for one in found if one is not None]


def proposed(found: list[Found]) -> str:
    """A configuration to begin with, for what was found."""
    lines = ["# Proposed by centre-agent discover; see config/agent.toml for every key.", 'centre = "PK-PB-00042"', ""]
    lines += ["[collect.host]", "", "[collect.internet]"]
    cards = [one for one in found if one.kind in ("ups", "nut", "apcupsd")]
    for number, one in enumerate(cards, 1):
        lines += ["", "[[collect.ups]]", f'name = "ups-{number}"', f'host = "{one.host}"']
        lines += [f'protocol = "{one.kind}"'] if one.kind != "ups" else [f"# {one.detail}"]
    brokers = [one for one in found if one.kind == "mqtt"]
    if brokers:
        lines += ["", "# [collect.seats]", '# map = "/etc/centre-agent/seats.toml"', "# [collect.seats.broker]"]
        lines += [f'# host = "{one.host}"' for one in brokers]
    return "\n".join(lines) + "\n"
