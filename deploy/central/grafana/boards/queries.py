"""Every query of a board as a store would get it: variables substituted. For tests that run them all."""

import re
from typing import Any, NamedTuple

_BUILT_IN = {"__rate_interval": "2m", "__interval": "1m", "__range": "6h", "__range_s": "21600"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


class Query(NamedTuple):
    """One target of one panel."""

    board: str
    panel: str
    expr: str


def queries(board: dict[str, Any], **variables: str) -> list[Query]:
    """All of a board's JSON, with its own variables given by name, e.g. centre="PK-PB-00001".

    Raises:
        KeyError: naming a variable that nobody gave.
    """
    values = {**_BUILT_IN, **variables}
    return [
        Query(board["uid"], panel["title"], substituted(target["expr"], values))
        for panel in board["panels"]
        for target in panel.get("targets", [])
    ]


def substituted(expr: str, values: dict[str, str]) -> str:
    """`expr` with $name, ${name} and ${name:format} replaced; raises KeyError for an unknown one."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], expr)
