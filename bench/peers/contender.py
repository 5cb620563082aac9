"""One program that is measured: how it is started, scraped and heard."""

from pathlib import Path

from bench.measure.scraper import Target
from stage.process import Part

ROOT = Path(__file__).resolve().parent.parent.parent


class Contender:
    """A part with its scrape target and the root of its MQTT topics ("" if it has none)."""

    def __init__(self, name: str, part: Part, target: Target, topic: str = "") -> None:
        self.name, self.part, self.target, self.topic = name, part, target, topic
