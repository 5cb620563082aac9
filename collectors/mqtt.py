"""The centre's own MQTT broker (3.1.1: what Zigbee2MQTT, Tasmota and ESPHome speak), where sensors and plugs are heard.

One thread that owns its loop and hands messages to the event loop. How long a broker may be away
before its devices are unknown is the collector's to say; none is frozen at its last word.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import paho.mqtt.client as mqtt
from msgspec import Meta, Struct
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.errors import ConfigError

log = logging.getLogger(__name__)
_KEEPALIVE_SECONDS = 30
_BACKOFF_CAP_SECONDS = 60.0


class BrokerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """[collect.*.broker]: the centre's own MQTT broker."""

    host: str = "127.0.0.1"
    """Name or address."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    """TCP port."""
    username: str = ""
    """Where the broker wants one."""
    password_file: str = ""
    """A file that holds the password."""

    def password(self) -> str:
        """The secret in that file, or nothing; raises ConfigError for a file that cannot be read."""
        if not self.password_file:
            return ""
        file = Path(self.password_file)
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigError(file, "$", "secret not readable", "a text file the agent's user may read") from problem


class MqttMessage(Struct, frozen=True):
    """One message of a device."""

    topic: str
    payload: bytes
    retained: bool


class MqttListener:
    """Listens to `topics`; calls `on_message` in the event loop."""

    def __init__(
        self, host: str, port: int, username: str, password: str, topics: Sequence[str],
        on_message: Callable[[MqttMessage], None],
    ) -> None:  # fmt: skip
        self._host, self._port, self._topics, self._on_message = host, port, list(dict.fromkeys(topics)), on_message
        self._credentials = (username, password)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="local-mqtt", daemon=True)
        self._lost_at: float | None = time.monotonic()
        self.connections = 0
        """How often the broker was found: what a device said in an earlier one may be history."""

    def start(self) -> None:
        """Connect in the background; call inside the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End the thread within a loop turn."""
        self._stopping.set()

    def lost_seconds(self) -> float:
        """For how long the broker has been away; 0 while connected."""
        since = self._lost_at
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        delay = 1.0
        while not self._stopping.is_set():
            client = self._new_client()
            try:
                client.connect(self._host, self._port, keepalive=_KEEPALIVE_SECONDS)
                while not self._stopping.is_set() and client.loop(1.0) == mqtt.MQTT_ERR_SUCCESS:
                    delay = 1.0
            except OSError as problem:
                log.debug("local broker not reached cause=%r", str(problem)[:80])
            finally:
                client.disconnect()
                if (sock := client.socket()) is not None:
                    sock.close()
            if self._lost_at is None and not self._stopping.is_set():
                self._lost_at = time.monotonic()
                log.warning("local broker lost")
            self._stopping.wait(delay)
            delay = min(2 * delay, _BACKOFF_CAP_SECONDS)

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311, reconnect_on_failure=False)
        username, password = self._credentials
        if username:
            client.username_pw_set(username, password or None)
        client.on_connect = self._connected
        client.on_message = self._received
        return client

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, code: Any, _props: Any) -> None:
        if code.is_failure:
            log.error("local broker refuses us reason=%r", str(code))
            return
        self.connections += 1
        client.subscribe([(topic, 1) for topic in self._topics])
        self._lost_at = None
        log.info("local broker connected topics=%d", len(self._topics))

    def _received(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        if self._loop is not None and not self._stopping.is_set():
            found = MqttMessage(message.topic, bytes(message.payload), message.retain)
            self._loop.call_soon_threadsafe(self._on_message, found)
