"""Hostile messages at ingest, a full disk at the agent, a wrong file at reload: counted, said, survived."""

import json
import random
import resource
import signal
import socket
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from bench.hostile.everything import FOREIGN, UNAIMED
from bench.hostile.kinds import SCHEMA as HOSTILE_SCHEMA
from bench.hostile.kinds import Message, Shot, message
from stage.process import Part, answers
from telemetry import catalogue as names
from telemetry.reading import series
from telemetry.wire import Batch, encode_batch, encode_schema, make_schema
from tests.e2e.chain import Chain, wait_until

EVIL = "PK-XX-66666"
SCHEMA = make_schema([series(names.HOST_CPU, {})])
WEEK_MS = 7 * 86_400_000


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    chain = Chain(tmp_path_factory.mktemp("bad"), "prometheus", hold_seconds=2.0).start()
    wait_until(lambda: bool(chain.samples(names.HOST_CPU.name, 60)), 60, "the honest centre never arrived")
    yield chain
    chain.stop()


class Attacker:
    """A client that may publish anything, and listens to the acks of its victim name."""

    def __init__(self, port: int) -> None:
        self.acks: list[dict[str, Any]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = lambda _c, _d, message: self.acks.append(json.loads(message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"centres/{EVIL}/ack")
        self._client.loop_start()

    def send(self, topic: str, body: bytes) -> None:
        self._client.publish(topic, body, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def broker_port(chain: Chain) -> int:
    line = (chain.directory / "broker/mosquitto.conf").read_text().split("listener ")[1]
    return int(line.split()[0])


def good(seq: int, at_ms: int) -> bytes:
    return encode_batch(SCHEMA, Batch(1, seq, (at_ms,), ((5,),)))


def hostile(dice: random.Random) -> list[Message]:
    """One of each kind that a broken or wicked centre may send; here no ACL keeps it from writing anywhere."""
    shot = Shot(dice, int(time.time() * 1000), EVIL, EVIL)
    return [message(kind, shot) for kind in (*UNAIMED, *FOREIGN)]


EACH_REASON = {"malformed", "oversized", "future", "old", "schema", "labels", "metric", "topic"}


def reasons(quarantine: Path) -> set[str]:
    return {file.name.split("-")[1] for file in quarantine.iterdir()}


def test_hostile_messages_are_counted_set_aside_and_harm_nobody(chain: Chain) -> None:
    attacker = Attacker(broker_port(chain))
    pid = chain.ingest.pid
    for schema in (SCHEMA, HOSTILE_SCHEMA):
        attacker.send(f"centres/{EVIL}/state/schema/{schema.sid}", encode_schema(schema))
    attacker.send(f"centres/{EVIL}/samples", good(10, int(time.time() * 1000) + WEEK_MS))
    dice = random.Random(1)
    for one in hostile(dice) + hostile(dice):
        if len(one.topic.encode()) + len(one.body) < 16_000:  # the broker itself refuses larger ones
            attacker.send(one.topic, one.body)
    quarantine = chain.directory / "quarantine"
    wait_until(lambda: len(list(quarantine.iterdir())) >= 150, 60, "too little was set aside")
    wait_until(lambda: reasons(quarantine) >= EACH_REASON, 60, "a reason is missing")
    wait_until(
        lambda: any(10 in ack.get("r", []) for ack in attacker.acks),
        20,
        "the future row was not acknowledged as rejected",
    )
    attacker.close()
    assert chain.ingest.process is not None
    assert chain.ingest.process.poll() is None
    assert chain.ingest.pid == pid
    assert "has a bug" not in chain.ingest.log.read_text()
    before = len(chain.samples(names.HOST_CPU.name, 300))
    wait_until(lambda: len(chain.samples(names.HOST_CPU.name, 300)) > before, 30, "the honest centre stopped")
    assert rejected(chain, "future") >= 10


def rejected(chain: Chain, reason: str) -> float:
    wait_until(lambda: ask(chain, reason) > 0, 30, "the rejections were not counted")
    return ask(chain, reason)


def ask(chain: Chain, reason: str) -> float:
    query = f"centre_ingest_rejected_total%7Breason%3D%22{reason}%22%7D"
    with urlopen(f"{chain.url}/api/v1/query?query={query}", timeout=10) as answer:
        found = json.load(answer)["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def health(chain: Chain) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{chain.web_port}/health", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read().decode()


def test_a_full_disk_is_said_and_survived(chain: Chain) -> None:
    wait_until(lambda: health(chain)[0] == 200, 30, "not healthy before")
    pid = chain.agent.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    wait_until(lambda: "do not reach the disk" in health(chain)[1], 30, "the full disk was not said")
    assert health(chain)[0] == 503
    with urlopen(f"http://127.0.0.1:{chain.web_port}/", timeout=5) as answer:
        assert "do not reach the disk" in answer.read().decode()
    with urlopen(f"http://127.0.0.1:{chain.web_port}/metrics", timeout=5) as answer:
        assert "centre_host_cpu_usage_ratio" in answer.read().decode()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: health(chain)[0] == 200, 30, "it did not recover by itself")
    assert chain.agent.pid == pid


def test_a_wrong_file_at_reload_keeps_the_old_configuration(chain: Chain) -> None:
    file = chain.directory / "agent.toml"
    right = file.read_text()
    assert chain.agent.process is not None
    file.write_text(right + "nonsense = 1\n")
    chain.agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old one stays" in chain.agent.log.read_text(), 20, "the wrong file was not refused")
    wait_until(lambda: health(chain)[0] == 200, 60, "it does not run on")
    file.write_text(right.replace("interval_seconds = 1", "interval_seconds = 2"))
    chain.agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "configuration read again" in chain.agent.log.read_text(), 20, "the right file was not taken")
    wait_until(lambda: health(chain)[0] == 200, 60, "it does not run on")
    assert "Traceback" not in chain.agent.log.read_text()


def test_systemd_is_told_ready_and_the_watchdog_is_fed(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(20)
        config = tmp_path / "agent.toml"
        config.write_text(
            f'centre = "PK-PB-00042"\nstate_directory = "{tmp_path}/state"\n[listen]\nport = 0\n[collect.host]\n'
        )
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "PYTHONPATH": str(Path.cwd())}
        agent = agent_part(tmp_path, config, environment)
        with agent:
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            begun = time.monotonic()
            agent.stop()
            assert time.monotonic() - begun < 5
        said = [systemd.recv(100)]
        while said[-1] == b"WATCHDOG=1":
            said.append(systemd.recv(100))
        assert said[-1] == b"STOPPING=1"


def agent_part(directory: Path, config: Path, environment: dict[str, str]) -> Part:
    import sys

    command = [sys.executable, "-m", "agent", "run", "--config", str(config)]
    return Part("agent", command, directory, lambda: True, environment=environment)


def test_the_page_answers_while_the_broker_is_away(chain: Chain) -> None:
    chain.broker.kill()
    assert answers(f"http://127.0.0.1:{chain.web_port}/metrics")()
    wait_until(lambda: "No connection to the national monitor" in health(chain)[1], 30, "the lost broker was not said")
    chain.broker.start()
    wait_until(lambda: health(chain)[0] == 200, 60, "it did not reconnect")
