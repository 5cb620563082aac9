"""Figures in words: the table, ratios, the bar, what is missing to the goal, and what is not like for like."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from bench.measure.rounds import Figures

RSS_BAR, CPU_BAR = 40.0, 4.0
RSS_GOAL, CPU_GOAL = 28.0, 1.05
COLLECTD, TRIMMED, DEFAULT = "collectd", "trio, node trimmed", "trio, node default"
NOT_ALIKE = """\
Not like for like, read before quoting a ratio:
- collectd cannot read the card's texts, keeps nothing on disk, and loses what the broker does not take; it
  publishes each value by itself (many small messages), our agent one batch in two minutes plus changes at once.
  It reads all interfaces as well, which our host collector does not; ours reads clock and temperatures.
- The trio publishes no MQTT and keeps nothing: a Prometheus or a bridge is missing, and its scraper is not counted.
  Its blackbox_exporter probes 127.0.0.1; only the row "with line" of our agent does the same.
- Our agent decodes what it reads (states, plausibility, units, events), commits each tick to SQLite and waits for
  an acknowledgement; here it comes at once, in the field after ingest's hold.
- All read the same 24 numbers of the card; our agent also the number of its lines, and texts once an hour.
- Our agent starts as a gateway has it: compiled, with the libraries of requirements.lock. Under .venv's interpreter
  that means without .venv's own site-packages, where pysnmp would find pysmi and load it.
- No TLS here, no speed test, no seats. RSS counts shared pages in full, PSS is too low for what runs twice here.
- A wake-up is a voluntary context switch of a thread that still lives: our /metrics serves each scrape in a
  thread of its own, whose switches are not seen (its processor time is)."""


class Bar(Struct, frozen=True):
    """A figure and the most that it may be."""

    what: str
    seen: float
    limit: float
    unit: str
    word: str = "bar"

    @property
    def met(self) -> bool:
        """Whether the figure is within its limit."""
        return self.seen <= self.limit

    def words(self) -> str:
        """The verdict as a sentence."""
        verdict = "met" if self.met else "NOT met"
        apart = _apart(self.seen, self.limit, self.unit)
        return f"{self.what}: {self.word} {verdict}: {self.seen:.2f} of {self.limit:g} {self.unit} ({apart})."


def table(rows: Mapping[str, Figures], messages: Mapping[str, str]) -> Iterator[str]:
    """Lines of the table; memory in MiB."""
    head = ("", "RSS", "PSS", "anon", "CPU s/h", "(min-max)", "wake/s", "threads", "MQTT in 10 s")
    widths = (30, 7, 7, 7, 9, 14, 8, 9, 18)
    yield line(head, widths)
    for name, one in rows.items():
        spread = f"({one.cpu_low:.2f}-{one.cpu_high:.2f})"
        cells = (
            name, f"{one.rss:.1f}", f"{one.pss:.1f}", f"{one.anon:.1f}", f"{one.cpu:.2f}", spread,
            f"{one.wakeups:.1f}", str(one.threads), messages.get(name, ""),
        )  # fmt: skip
        yield line(cells, widths)


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """One line of a table: the first cell to the left, the others to the right."""
    return cells[0].ljust(widths[0]) + "".join(
        cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)
    )


def ratios(rows: Mapping[str, Figures], name: str) -> dict[str, dict[str, float]]:
    """Ours divided by theirs."""
    ours = rows[name]
    return {
        other: {"rss": round(ours.rss / rows[other].rss, 2), "cpu": round(ours.cpu / rows[other].cpu, 2)}
        for other in (COLLECTD, TRIMMED, DEFAULT)
    }


def ratio_words(rows: Mapping[str, Figures], name: str) -> str:
    """The ratios as a sentence."""
    found = ratios(rows, name).items()
    return ", ".join(f"{one['rss']:.2f}x RSS and {one['cpu']:.2f}x CPU of {other}" for other, one in found)


def meets(one: Figures) -> bool:
    """Whether the bar is met."""
    return one.rss <= RSS_BAR and one.cpu <= CPU_BAR


def words(name: str, one: Figures) -> Iterator[str]:
    """The bar and the goal for one row of ours."""
    verdict = "met" if meets(one) else "NOT met"
    yield (
        f"{name}: bar {verdict}: RSS {one.rss:.1f} of {RSS_BAR:.0f} MiB ({_apart(one.rss, RSS_BAR, 'MiB')}), "
        f"CPU {one.cpu:.2f} of {CPU_BAR:.0f} s/h ({_apart(one.cpu, CPU_BAR, 's/h')})."
    )
    yield (
        f"  goal {RSS_GOAL:.0f} MiB and {CPU_GOAL} s/h: "
        f"RSS {_apart(one.rss, RSS_GOAL, 'MiB')}, CPU {_apart(one.cpu, CPU_GOAL, 's/h')}."
    )


def _apart(value: float, limit: float, unit: str) -> str:
    return f"{abs(limit - value):.2f} {unit} {'below' if value <= limit else 'above'}"
