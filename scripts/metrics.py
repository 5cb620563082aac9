"""docs/metrics.md from the catalogue.

python -m scripts.metrics            writes it
python -m scripts.metrics --check    exits 1 if the committed one differs
"""

import sys

from scripts.generated import write_or_check
from stage.parts import ROOT
from telemetry.catalogue import CATALOGUE
from telemetry.metric import Metric

FILE = ROOT / "docs/metrics.md"
HEAD = """# Metrics

Every metric, from `telemetry/catalogue.py`. The label `centre` is added by ingest or by the scrape.
A series is absent while its value is not known, and once it is older than its max age.

"""


def page() -> str:
    """The whole file."""
    parts = [HEAD]
    for owner in dict.fromkeys(metric.owner for metric in CATALOGUE.values()):
        parts.append(f"## {owner}\n\n| metric | kind | meaning | max age |\n|---|---|---|---|\n")
        parts += [_row(metric) for metric in CATALOGUE.values() if metric.owner == owner]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _row(metric: Metric) -> str:
    labels = ", ".join(_label(metric, label) for label in metric.labels)
    name = f"`{metric.name}`" + (f" {{{labels}}}" if labels else "")
    return f"| {name} | {metric.kind} | {metric.help} | {metric.max_age_seconds:g} s |\n"


def _label(metric: Metric, label: str) -> str:
    values = metric.states.get(label)
    return f'{label}="{"/".join(values)}"' if values else label


def main() -> int:
    """Write, or check."""
    return write_or_check(FILE, page(), "scripts.metrics")


if __name__ == "__main__":
    sys.exit(main())
