"""A whole chain of real parts: agent, broker, ingest, store; and a ledger of every committed tick."""

import json
import sqlite3
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from stage import parts
from stage.process import Part, free_port
from telemetry.wire import decode_batch, decode_schema, unscaled

CENTRE = "PK-PB-00042"


class Chain:
    """One of each, on loopback. `control`: the agent deletes rows at PUBACK, as many agents do."""

    def __init__(self, directory: Path, store: str, *, control: bool = False, hold_seconds: float = 15.0) -> None:
        self.directory = directory
        self.broker, broker_port = parts.broker(directory / "broker")
        make = parts.prometheus if store == "prometheus" else parts.victoria_metrics
        self.store, self.url = make(directory / "store")
        self.web_port = free_port()
        central = directory / "central.toml"
        central.write_text(
            f"[broker]\nport = {broker_port}\ntls = false\n"
            f'[store]\nurl = "{self.url}"\nhold_seconds = {hold_seconds}\n'
            f'[database]\nurl = "sqlite:///{directory}/central.sqlite"\n'
            f'[ingest]\nquarantine_directory = "{directory}/quarantine"\n'
        )
        agent = directory / "agent.toml"
        agent.write_text(
            f'centre = "{CENTRE}"\nstate_directory = "{directory}/state"\n'
            f"[listen]\nport = {self.web_port}\n"
            f'[uplink]\nhost = "127.0.0.1"\nport = {broker_port}\ntls = false\nbatch_seconds = 3\n'
            f"resend_seconds = {hold_seconds + 8}\nconnect_spread_seconds = 1\nwill_delay_seconds = 2\n"
            "[collect.host]\ninterval_seconds = 1\n"
        )
        self.ingest = parts.python("ingest", directory / "ingest", ["central", "ingest", "--config", str(central)])
        words = ["tests.e2e.puback_agent", str(agent)] if control else ["agent", "run", "--config", str(agent)]
        self.agent = parts.python("agent", directory / "agent", words)
        self.ledger = Ledger(directory / "state/outbox.sqlite")

    @property
    def parts(self) -> list[Part]:
        return [self.broker, self.store, self.ingest, self.agent]

    def start(self) -> "Chain":
        for part in self.parts:
            part.start()
        self.ledger.start()
        return self

    def stop(self) -> None:
        self.ledger.stop()
        for part in reversed(self.parts):
            part.stop()

    def samples(self, name: str, seconds: int) -> list[tuple[int, float]]:
        """Raw samples of a series in the store: (epoch ms, value), as often as they are there."""
        query = urllib.parse.quote(f'{name}{{centre="{CENTRE}"}}[{seconds}s]')
        with urllib.request.urlopen(f"{self.url}/api/v1/query?query={query}", timeout=30) as answer:
            found = json.load(answer)["data"]["result"]
        return [(round(float(at) * 1000), float(value)) for at, value in found[0]["values"]] if found else []

    def outbox_rows(self) -> int:
        return self.ledger.rows_now()


class Ledger(threading.Thread):
    """Watches the outbox from outside and writes down every tick that was ever committed."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self._file = file
        self._stopping = threading.Event()
        self.ticks: dict[str, dict[int, float]] = {}
        self._problem: Exception | None = None

    def run(self) -> None:
        while not self._stopping.wait(0.25):
            self.look()

    def stop(self) -> None:
        self._stopping.set()
        self.join(5)

    def rows_now(self) -> int:
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=5) as db:
            count: int = db.execute("SELECT count(*) FROM batch").fetchone()[0]
        db.close()
        return count

    def look(self) -> None:
        if not self._file.exists():
            return
        db = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=5)
        try:
            rows = db.execute(
                "SELECT body, (SELECT body FROM schema WHERE schema.sid = batch.sid) FROM batch WHERE size > 0"
            )
            for body, schema_body in rows.fetchall():
                self._note(body, schema_body)
        except sqlite3.OperationalError:  # the file is just being made
            return
        finally:
            db.close()

    def _note(self, body: bytes, schema_body: bytes) -> None:
        schema = decode_schema(schema_body)
        batch = decode_batch(body, schema)
        for series, scale, column in zip(schema.series, schema.scales, batch.columns, strict=True):
            if series.labels:
                continue
            known = self.ticks.setdefault(series.metric.name, {})
            for at, value in zip(batch.times, column, strict=True):
                if value is not None:
                    known[at] = unscaled(value, scale)


def wait_until(condition: object, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.25)
