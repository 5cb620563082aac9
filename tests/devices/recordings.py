"""Walks of real devices -> the table of a simulated card.

The walks are those of the package snmpsim-data (BSD-2-Clause); they are read where they are
installed and never copied. A line is `OID|type|value`: 2 INTEGER, 4 string, 4x hex, 5 NULL, 6 OID,
64 IpAddress, 65 Counter32, 66 Gauge32, 67 TimeTicks, 70 Counter64. A type with `:module` varies in
the simulator; here it stands at its first value.
"""

import bz2
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path

from agent.demo import ber
from agent.demo.card import CardValue

FOLDER = Path(str(files("snmpsim_data"))) / "data/UPS"
_UNSIGNED = {"65": 0x41, "66": ber.GAUGE32, "67": ber.TIMETICKS, "70": 0x46}
_IP_ADDRESS = 0x40
_MOST_ROWS = 5000
_HEX = re.compile(r"([0-9A-Fa-f]{2})*")
_FIRST_VALUE = re.compile(r"(?:value|initial|min)=([^,]*)")


def names() -> list[str]:
    """Every recorded device of the package."""
    return sorted(file.name.split(".")[0] for file in FOLDER.iterdir() if ".snmprec" in file.name)


@cache
def recording(name: str) -> dict[str, CardValue]:
    """Dotted OID -> the value as the device sent it; of a very long walk the first 5,000 rows."""
    rows = (line.decode("latin-1").rstrip("\r\n").split("|", 2) for line in lines(name))
    return {oid: _value(kind, text) for oid, kind, text in rows}


def lines(name: str) -> Iterator[bytes]:
    """The rows as they stand in the walk, with their line ends; of a very long one the first 5,000."""
    (file,) = FOLDER.glob(f"{name}.snmprec*")
    with bz2.open(file) if file.suffix == ".bz2" else file.open("rb") as rows:
        yield from islice((row for row in rows if row.count(b"|") >= 2), _MOST_ROWS)


def _value(kind: str, text: str) -> CardValue:
    kind, varies, _ = kind.partition(":")
    if varies:
        found = _FIRST_VALUE.search(text)
        text = found.group(1) if found else "0"
    if kind == "5":
        return None
    if kind == "2":
        return int(text)
    if kind in _UNSIGNED:
        return ber.integer(int(text), _UNSIGNED[kind])
    if kind == "6":
        return ber.oid(ber.dotted(text))
    if kind == "64":
        return ber.element(_IP_ADDRESS, bytes(int(part) for part in text.split(".")))
    is_hex = kind.endswith("x") and _HEX.fullmatch(text)
    octets = bytes.fromhex(text) if is_hex else text.encode("latin-1")
    return ber.element(_IP_ADDRESS if kind == "64x" else ber.OCTETS, octets)
