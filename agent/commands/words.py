"""Colours and words on a terminal; plain text when the output is not one, or NO_COLOR is set."""

import os
import sys

_CODES = {"good": "32", "warning": "33", "bad": "31", "unknown": "2"}
_SIGNS = {"good": "●", "warning": "▲", "bad": "■", "unknown": "?"}


def coloured(level: str, text: str) -> str:
    """`text` behind the sign of its level, in its colour where colours are wanted."""
    signed = f"{_SIGNS[level]} {text}"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return signed
    return f"\033[{_CODES[level]}m{signed}\033[0m"
