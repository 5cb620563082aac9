"""A gateway as it stands in a centre: the agent as a process, a broker, and an ear on each of its outputs."""

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from msgspec import Struct
from msgspec.json import encode
from paho.mqtt.enums import CallbackAPIVersion

from stage import parts
from stage.process import answers, free_port
from telemetry.event import Event
from telemetry.letter import opened
from telemetry.wire import Ack, ack_topic, parse_line, samples_topic, state_topic
from tests.e2e.chain import CENTRE

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_LOOK_SECONDS = 0.05


class Gateway:
    """`collect`: the [[collect.*]] sections of its file. As a context manager it runs, and ends as planned."""

    def __init__(self, directory: Path, collect: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.broker, broker_port = parts.broker(directory / "broker")
        self.port = free_port()
        self.file = directory / "agent.toml"
        self.file.write_text(
            f'centre = "{CENTRE}"\nstate_directory = "{directory}/state"\n[listen]\nport = {self.port}\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {broker_port}\ntls = false\nbatch_seconds = 2\n'
            f"connect_spread_seconds = 0.5\nwill_delay_seconds = 2\n{collect}"
        )
        health = answers(f"http://127.0.0.1:{self.port}/metrics")
        self.agent = parts.python("agent", directory / "agent", ["agent", "run", "--config", str(self.file)], health)
        self._broker_port = broker_port
        self.ear: Ear

    def __enter__(self) -> Self:
        self.broker.start()
        self.ear = Ear(self._broker_port)
        self.agent.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.agent.stop()
        self.ear.close()
        self.broker.stop()

    def look(self) -> "Look":
        """The present on both outputs."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        rows = [(name, dict(_LABEL.findall(inside)), float(value)) for name, inside, value in _SAMPLE.findall(page)]
        return Look(rows, self.ear.states.get("power", {}).get("ups", {}))

    def until(self, claim: "Claim", ups: str, seconds: float) -> float:
        """Seconds until the claim held; fails after `seconds`."""
        return self.until_all([claim], {ups: seconds}, time.monotonic())[claim.what][ups]

    def until_all(self, claims: "list[Claim]", limits: dict[str, float], since: float) -> dict[str, dict[str, float]]:
        """Claim -> UPS -> seconds from `since` (monotonic) until it held; fails when one is beyond its UPS's limit."""
        awaited = {(claim.what, ups): claim.holds for claim in claims for ups in limits}
        held: dict[tuple[str, str], float] = {}
        while held.keys() != awaited.keys():
            look, now = self.look(), time.monotonic() - since
            held |= {key: now for key, holds in awaited.items() if key not in held and holds(look, key[1])}
            late = [f"{ups}: {what}" for what, ups in awaited.keys() - held.keys() if now > limits[ups]]
            late += [
                f"{ups}: {what} came after {took:.1f} s" for (what, ups), took in held.items() if took > limits[ups]
            ]
            assert not late, f"late after {now:.1f} s: {'; '.join(late)}"
            time.sleep(_LOOK_SECONDS)
        return {claim.what: {ups: held[claim.what, ups] for ups in limits} for claim in claims}


class Look(Struct, frozen=True):
    """/metrics, and the retained state of each UPS at the broker."""

    rows: list[tuple[str, dict[str, str], float]]
    power: dict[str, dict[str, Any]]

    def value(self, name: str, **labels: str) -> float | None:
        """Of a series in /metrics; None while it is absent."""
        return next((value for one, has, value in self.rows if one == name and labels.items() <= has.items()), None)

    def shows(self, ups: str, status: str) -> bool:
        """Whether /metrics has this status and no other."""
        statuses = {
            has["status"]
            for name, has, value in self.rows
            if name == "centre_ups_status" and has["ups"] == ups and value == 1
        }
        return statuses == {status}

    def tells(self, ups: str, **fields: Any) -> bool:
        """Whether the state at the broker says so."""
        return fields.items() <= self.power.get(ups, {}).items()


class Claim(Struct, frozen=True):
    """What is to hold of a present and a UPS."""

    what: str
    holds: Callable[[Look, str], bool]


def shown(status: str) -> Claim:
    """In /metrics."""
    return Claim(f"{status} in /metrics", lambda look, ups: look.shows(ups, status))


def told(**fields: Any) -> Claim:
    """At the broker."""
    words = ", ".join(f"{name}={value}" for name, value in fields.items())
    return Claim(f"{words} at the broker", lambda look, ups: look.tells(ups, **fields))


def measured(metric: str, value: float) -> Claim:
    """In /metrics."""
    return Claim(f"{metric} {value:g}", lambda look, ups: look.value(metric, ups=ups) == value)


class Ear:
    """Hears what the gateway says at its broker: the latest states, and every event in the order it came.

    It acknowledges each batch as ingest would, without which the agent soon sends only its newest, and tells who says
    that it is here the time.
    """

    def __init__(self, port: int) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self._events: dict[tuple[int, int], list[Event]] = {}
        self._lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([(state_topic(CENTRE, "+"), 1), (samples_topic(CENTRE), 1)])
        self._client.loop_start()

    def _hear(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == samples_topic(CENTRE):
            batches = [parse_line(line) for line in opened(bytes(message.payload))]
            with self._lock:  # a batch that is sent again is the same batch
                self._events |= {(batch.e, batch.q): batch.ev for batch in batches}
            for batch in batches:
                self._answer(client, e=batch.e, a=[(batch.q, batch.q)])
        else:
            name, state = message.topic.rsplit("/", 1)[1], json.loads(message.payload)
            self.states[name] = state
            if name == "online" and state["online"] and not message.retain:
                self._answer(client, asked=state["asked"])

    def _answer(self, client: mqtt.Client, **what: Any) -> None:
        client.publish(ack_topic(CENTRE), encode(Ack(round(time.time() * 1000), **what)))

    def events(self, kind: str, **evidence: Any) -> list[Event]:
        """The events of a kind whose evidence says so."""
        with self._lock:
            heard = [event for _, batch in sorted(self._events.items()) for event in batch]
        return [one for one in heard if one.kind == kind and evidence.items() <= one.evidence.items()]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
