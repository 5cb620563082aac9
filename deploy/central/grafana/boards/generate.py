"""Writes dashboards/*.json from the modules beside this file; `--check` exits 1 if they differ.

Usage: python deploy/central/grafana/boards/generate.py [--check]
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
DASHBOARDS = Path(__file__).resolve().parents[1] / "dashboards"


def texts() -> dict[str, str]:
    """File name -> its text, for every board."""
    from deploy.central.grafana.boards.centre import centre
    from deploy.central.grafana.boards.fleet import fleet

    return {f"{one['uid']}.json": json.dumps(one, indent=1, ensure_ascii=False) + "\n" for one in (fleet(), centre())}


def main() -> int:
    """0 when written or the same, 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description="Dashboards as code.")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if a file is not up to date")
    check = parser.parse_args().check
    made = texts()
    present = {file.name: file.read_text(encoding="utf-8") for file in DASHBOARDS.glob("*.json")}
    if check:
        different = sorted(name for name in made.keys() | present.keys() if made.get(name) != present.get(name))
        for name in different:
            print(f"{name} is not what boards/ makes: run {Path(__file__).name}", file=sys.stderr)
        return 1 if different else 0
    for name, text in made.items():
        (DASHBOARDS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
