"""A recorded card behind net-snmp's snmpd, for SNMPv3: `... recorded NAME` is what snmpd asks for its values.

The protocol is pass_persist of snmpd.conf(5): three lines a question, three an answer. The walks are
those of snmpsim-data, read by tests/devices/recordings.py.
"""

import socket
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.demo import ber
from agent.demo.card import CardValue
from bench.peers.contender import ROOT
from stage.process import Part, free_port, program
from tests.devices.recordings import recording

USER, AUTH_KEY, PRIV_KEY = "monitor", "authpass123", "privpass123"
_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
_ENTERPRISES, _UPS_MIB = (1, 3, 6, 1, 4, 1), (1, 3, 6, 1, 2, 1, 33)
_COUNTER32, _COUNTER64, _IP_ADDRESS = 0x41, 0x46, 0x40
_NUMBERS = {
    ber.INTEGER: "integer", _COUNTER32: "counter", ber.GAUGE32: "gauge", ber.TIMETICKS: "timeticks",
    _COUNTER64: "counter64",
}  # fmt: skip
_NONE = "NONE"


def snmpd(directory: Path, name: str) -> tuple[Part, int]:
    """The agent, with one user of SHA-256 and AES-128, and its UDP port."""
    port = free_port(socket.SOCK_DGRAM)
    directory.mkdir(parents=True)
    values = recording(name)
    source = f"{sys.executable} -m bench.peers.recorded {name}"
    lines = [
        f"createUser {USER} SHA-256 {AUTH_KEY} AES {PRIV_KEY}",
        f"rouser {USER} priv",
        f"sysObjectID {_text(_element(values[_OBJECT_ID]))}",
        *(f"pass_persist .{'.'.join(map(str, root))} {source}" for root in _roots(values)),
    ]
    config, log = directory / "snmpd.conf", directory / "snmpd.log"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command: list[str | Path] = [program("snmpd", "snmpd"), "-C", "-c", config, "-f", "-Lo", f"udp:127.0.0.1:{port}"]
    own = {"SNMP_PERSISTENT_DIR": str(directory), "SNMPCONFPATH": str(directory), "MIBS": "", "PYTHONPATH": str(ROOT)}
    return Part("snmpd", command, directory, lambda: "NET-SNMP version" in log.read_text(), environment=own), port


def numbers(values: Mapping[str, CardValue]) -> frozenset[str]:
    """The objects whose values are numbers."""
    return frozenset(oid for oid, value in values.items() if value is not None and _element(value).tag in _NUMBERS)


def _roots(values: Mapping[str, CardValue]) -> list[tuple[int, ...]]:
    """The branches of UPS and vendors; the rest is snmpd's own."""
    arcs = [ber.dotted(oid) for oid in values]
    return sorted({one[:7] for one in arcs if one[:6] == _ENTERPRISES or one[:7] == _UPS_MIB})


def _element(value: CardValue) -> ber.Item:
    if isinstance(value, bytes):
        (item,) = ber.items(value)
        return item
    assert isinstance(value, int)  # a recording holds nothing else but NULL
    return ber.Item(ber.INTEGER, ber.integer(value)[2:])


def _answer(order: list[tuple[int, ...]], values: Mapping[tuple[int, ...], CardValue], kind: str, name: str) -> str:
    asked = ber.dotted(name)
    if kind == "getnext":
        place = bisect_right(order, asked)
        asked = order[place] if place < len(order) else ()
    value = values.get(asked)
    if value is None:
        return _NONE
    item = _element(value)
    return f".{'.'.join(map(str, asked))}\n{_type(item)}\n{_text(item)}"


def _type(item: ber.Item) -> str:
    return _NUMBERS.get(item.tag) or {ber.OID: "objectid", _IP_ADDRESS: "ipaddress"}.get(item.tag, "octet")


def _text(item: ber.Item) -> str:
    if item.tag == ber.OID:
        return "." + ".".join(map(str, ber.to_oid(item.body)))
    if item.tag in _NUMBERS:
        return str(ber.to_int(item.body))
    return ".".join(map(str, item.body)) if item.tag == _IP_ADDRESS else item.body.hex(" ")


def _lines() -> Iterator[str]:
    for line in iter(sys.stdin.readline, ""):
        yield line.strip()


def _serve(name: str) -> None:
    values = {ber.dotted(oid): value for oid, value in recording(name).items()}
    order = sorted(values)
    lines = _lines()
    for kind in lines:
        answer = "PONG" if kind == "PING" else _answer(order, values, kind, next(lines))
        print(answer, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
