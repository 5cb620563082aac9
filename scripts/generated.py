"""A document that a script writes: written, or held against what the script would write now."""

import sys
from pathlib import Path


def write_or_check(file: Path, text: str, module: str) -> int:
    """Write `file`; with --check only say whether it is up to date. Returns the exit code."""
    if "--check" not in sys.argv:
        file.write_text(text, encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return 0
    print(f"{file.parent.name}/{file.name}: run python -m {module}", file=sys.stderr)
    return 1
