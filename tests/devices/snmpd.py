"""net-snmp's own agent on loopback: the other end that our library did not write."""

import socket
from collections.abc import Callable
from pathlib import Path

from stage.process import Part, free_port, program

COMMUNITY = "r34d0nly"
USER, AUTH_KEY, PRIV_KEY = "monitor", "authpass123", "privpass123"
SIGNED_ONLY_USER = "signed"
_CONFIG = f"""
rocommunity {COMMUNITY} 127.0.0.1
createUser {USER} SHA {AUTH_KEY} AES {PRIV_KEY}
rouser {USER} priv
createUser {SIGNED_ONLY_USER} SHA {AUTH_KEY}
rouser {SIGNED_ONLY_USER} auth
sysDescr A real agent
sysObjectID 1.3.6.1.4.1.8072.3.2.10
"""


UPS_ON_MAINS = """
override 1.3.6.1.2.1.33.1.4.1.0 integer 3
override 1.3.6.1.2.1.33.1.2.4.0 integer 100
"""
"""upsOutputSource normal, upsEstimatedChargeRemaining 100 %: makes a UPS of it."""


def snmpd(directory: Path, port: int | None = None, engine_id: str = "", extra: str = "") -> tuple[Part, int]:
    """The agent and its UDP port; `extra`: more of snmpd.conf.

    Started again after a stop, it has rebooted: boots + 1, time from 0.
    """
    port = port or free_port(socket.SOCK_DGRAM)
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "snmpd.conf"
    engine = f"exactEngineID {engine_id}\n" if engine_id else ""
    config.write_text(engine + _CONFIG + extra, encoding="utf-8")
    command: list[str | Path] = [program("snmpd", "snmpd"), "-f", "-Lo", f"udp:127.0.0.1:{port}"]
    kept = directory / "kept"
    own = {"SNMP_PERSISTENT_DIR": str(kept), "SNMPCONFPATH": f"{directory}:{kept}", "MIBS": ""}
    return Part("snmpd", command, directory, says(directory / "snmpd.log", "NET-SNMP version"), environment=own), port


def says(log: Path, words: str) -> Callable[[], bool]:
    """Whether a log holds these words once more than when this last was true: at each start they come anew."""
    seen = 0

    def look() -> bool:
        nonlocal seen
        count = log.read_text(errors="replace").count(words)
        before, seen = seen, max(seen, count)
        return count > before

    return look
