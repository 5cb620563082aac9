"""snmpsim on loopback: recorded cards behind SNMPv3, one context a card.

A walk is copied as far as tests.devices.recordings reads it: the index of a whole one can take minutes.
"""

import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stage.process import Part, free_port
from tests.devices.recordings import lines
from tests.devices.snmpd import says

AUTH_KEY, PRIV_KEY = "authpass123", "privpass123"
USERS: dict[str, dict[str, Any]] = {
    "SHA256/AES128": {"user": "monitor", "auth_protocol": "SHA256", "priv_protocol": "AES128"},
    "SHA512/AES256": {"user": "guard", "auth_protocol": "SHA512", "priv_protocol": "AES256"},
}
"""What an Access needs, beside the keys."""
ENGINE_ID = "80001f8804756e6f"


def simulator(directory: Path, walks: Iterable[str], *, engine_id: str = ENGINE_ID, port: int = 0) -> tuple[Part, int]:
    """The simulator of these walks, and its UDP port. Started again, it has rebooted: more boots, time from 0."""
    port = port or free_port(socket.SOCK_DGRAM)
    data = directory / "data"
    data.mkdir(parents=True)
    for walk in walks:
        (data / f"{walk}.snmprec").write_bytes(b"".join(lines(walk)))
    command: list[str | Path] = [
        Path(sys.executable).parent / "snmpsim-command-responder", "--logging-method=stderr",
        f"--cache-dir={directory}/cache", f"--v3-engine-id={engine_id}", *map(str, _users()),
        f"--data-dir={data}", f"--agent-udpv4-endpoint=127.0.0.1:{port}",
    ]  # fmt: skip
    # It keeps its boots in the temporary directory, and as root wants to be told that it may.
    own = {"TMPDIR": str(directory), "SNMPSIM_ALLOW_ROOT": "true"}
    ready = says(directory / "snmpsim.log", "Listening at")
    return Part("snmpsim", command, directory, ready, environment=own), port


def boots(directory: Path) -> int:
    """The boots of the simulator of this directory (snmpEngineBoots); it counts each start more than once."""
    (file,) = directory.glob("__pysnmp/*/boots")
    return int(file.read_text())


def _users() -> Iterable[str]:
    for one in USERS.values():
        yield f"--v3-user={one['user']}"
        yield f"--v3-auth-key={AUTH_KEY}"
        yield f"--v3-auth-proto={one['auth_protocol']}"
        yield f"--v3-priv-key={PRIV_KEY}"
        yield f"--v3-priv-proto={one['priv_protocol']}"
