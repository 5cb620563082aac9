"""Ends a centre's established connection by taking its client id over, and touches no other.

mosquitto checks certificates at the handshake only: after a new list of the revoked the old session
lives on (measured with 2.0.11). A client with the same id ends it (MQTT 5, 3.1.4-3: reason 0x8E). On
the centres' listener nobody can do that, as the id is the certificate's name; on the second listener,
which is on loopback alone, the id is the client's own choice. What comes this way may write
nowhere that anybody reads.
"""

import ssl
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt.enums import CallbackAPIVersion

from central.enrol.authority import Authority, new_key, private_pem

NAME = "enrol-server"
_PATIENCE_SECONDS = 5.0


def cut(authority: Authority, host: str, port: int, centre: str) -> None:
    """Take over `centre` for a moment; raises OSError when the broker does not let us."""
    answers: list[Any] = []
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=centre, protocol=mqtt.MQTTv5, reconnect_on_failure=False
    )
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(code)
    client.tls_set_context(_context(authority))
    client.connect(host, port, keepalive=30, clean_start=True)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not answers and time.monotonic() < deadline and client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS:
            pass
    finally:
        client.disconnect()
        sock = client.socket()
        if sock is not None:
            sock.close()
    if not answers or answers[0].is_failure:
        raise OSError(f"the broker does not let us in ({answers[0] if answers else 'no answer'})")


def _context(authority: Authority) -> ssl.SSLContext:
    """A certificate of our own, an hour old at most: there is no secret to keep."""
    key, now = new_key(), datetime.now(UTC)
    made = authority.client(key.public_key(), NAME, now - timedelta(hours=1), now + timedelta(hours=1))
    context = ssl.create_default_context(cadata=authority.pem.decode())
    with tempfile.TemporaryDirectory() as directory:  # ssl reads keys from files only
        file = Path(directory) / "pair.pem"
        file.touch(mode=0o600)
        file.write_bytes(private_pem(key) + made.public_bytes(Encoding.PEM))
        context.load_cert_chain(file)
    return context
