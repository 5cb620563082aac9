"""How far a bench is: one line that is written over on a terminal, lines elsewhere."""

import sys


def say(what: str) -> None:
    """To stderr; an empty text clears the line."""
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)
    elif what:
        print(what, file=sys.stderr, flush=True)
