"""Debian's apcupsd on loopback, in the foreground: its UPS is a simulated card of APC, or another apcupsd.

It can touch nothing of the machine: its script for every event does nothing, its own shutdown is
switched off, and all that it writes stays in its directory.
"""

from pathlib import Path

from agent.demo import ber
from agent.demo.card import CardValue
from stage.process import Missing, Part, free_port, listens, program

_APC = "1.3.6.1.4.1.318.1.1.1"
ONLINE, ON_BATTERY, BOOST, OFF, TRIM = 2, 3, 4, 7, 12
BLACKOUT, SELF_TEST = 4, 9


def card(
    status: int = ONLINE, *, low: bool = False, replace: bool = False, cause: int = BLACKOUT, charge: int = 100,
    minutes: int = 38, test_result: int = 1, calibrating: bool = False, overload: bool = False,
    mains: bool | None = None,
) -> dict[str, CardValue]:  # fmt: skip
    """Objects of PowerNet-MIB; status: upsBasicOutputStatus, cause: upsAdvInputLineFailCause.

    mains: whether the input has any, else as the status lets expect.
    """
    flags = "".join("1" if place == 9 and overload else "0" for place in range(1, 65))
    return {
        f"{_APC}.1.1.1.0": "Smart-UPS 1500",
        f"{_APC}.1.2.1.0": "UPS 08.8",
        f"{_APC}.1.2.3.0": "AS1234567890",
        f"{_APC}.2.1.1.0": 3 if low else 2,
        f"{_APC}.2.2.1.0": gauge(charge),
        f"{_APC}.2.2.2.0": gauge(31),
        f"{_APC}.2.2.3.0": ber.integer(minutes * 6000, ber.TIMETICKS),
        f"{_APC}.2.2.4.0": 2 if replace else 1,
        f"{_APC}.2.2.8.0": 27,
        f"{_APC}.3.2.1.0": gauge(231 if (status != ON_BATTERY if mains is None else mains) else 0),
        f"{_APC}.3.2.4.0": gauge(50),
        f"{_APC}.3.2.5.0": cause,
        f"{_APC}.4.1.1.0": status,
        f"{_APC}.4.2.1.0": gauge(230),
        f"{_APC}.4.2.3.0": gauge(17),
        f"{_APC}.7.2.3.0": test_result,
        f"{_APC}.7.2.6.0": 3 if calibrating else 1,
        f"{_APC}.11.1.1.0": flags,
    }


def gauge(value: int) -> bytes:
    """A Gauge32."""
    return ber.integer(value, ber.GAUGE32)


def behind_card(directory: Path, card_port: int) -> tuple[Part, int]:
    """An apcupsd that polls a card each second, and its port."""
    return _apcupsd(directory, "snmp", f"127.0.0.1:{card_port}:APC:public")


def let_pass(directory: Path, seconds: int) -> None:
    """For the apcupsd of this directory so much more time has passed since its start."""
    (directory / "time").write_text(f"+{seconds}\n", encoding="ascii")


def behind_apcupsd(directory: Path, master_port: int) -> tuple[Part, int]:
    """An apcupsd that copies another, and its port."""
    return _apcupsd(directory, "net", f"127.0.0.1:{master_port}")


def _apcupsd(directory: Path, kind: str, device: str) -> tuple[Part, int]:
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    script = directory / "apccontrol"
    script.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
    script.chmod(0o755)
    config = directory / "apcupsd.conf"
    config.write_text(
        f"## apcupsd.conf v1.1 ##\nUPSNAME rack\nUPSCABLE ether\nUPSTYPE {kind}\nDEVICE {device}\nPOLLTIME 1\n"
        f"LOCKFILE {directory}\nSCRIPTDIR {directory}\nPWRFAILDIR {directory}\nNOLOGINDIR {directory}\n"
        "BATTERYLEVEL -1\nMINUTES -1\nTIMEOUT 0\nANNOY 0\nNOLOGON disable\nKILLDELAY 0\n"
        f"NETSERVER on\nNISIP 127.0.0.1\nNISPORT {port}\nEVENTSFILE {directory}/events\n"
        f"UPSCLASS standalone\nUPSMODE disable\nSTATTIME 0\nSTATFILE {directory}/status\nDATATIME 0\n",
        encoding="ascii",
    )
    command: list[str | Path] = [program("apcupsd", "apcupsd"), "-b", "-f", config, "-P", directory / "pid"]
    let_pass(directory, 0)
    time = {"LD_PRELOAD": _faketime(), "FAKETIME_TIMESTAMP_FILE": f"{directory}/time", "FAKETIME_NO_CACHE": "1"}
    return Part("apcupsd", command, directory, listens(port), environment=time), port


def _faketime() -> str:
    found = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if found is None:
        raise Missing("libfaketime is not there: apt-get install libfaketime, or scripts/test")
    return str(found)
