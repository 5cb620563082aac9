"""A Ups collector over a session, with a journal of its own, as `build` would make it."""

import tempfile
from pathlib import Path
from typing import Any

from collectors.journal import Journal
from collectors.snmp import Session
from collectors.ups import Config, Ups
from collectors.ups.battery_book import BatteryBook
from collectors.ups.poll import Card


def collector(name: str, session: Session, **settings: Any) -> Ups:
    config = Config(name=name, host=session.access.host, port=session.access.port, **settings)
    state = Path(tempfile.mkdtemp())
    return Ups(config, Card(session), Journal(state / "journal.json", name), BatteryBook(state / "battery.json"))
