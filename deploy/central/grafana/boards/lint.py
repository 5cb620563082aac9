"""What a board must have before anybody sees it. Pure: the JSON comes in, sentences come out."""

import re
from collections import Counter
from collections.abc import Collection
from itertools import combinations
from typing import Any

from deploy.central.grafana.boards.common import SPOKEN
from deploy.central.grafana.boards.queries import queries

Json = dict[str, Any]
_STORE = {"type": "prometheus", "uid": "${datasource}"}
_LINK = re.compile(r"/d/([\w-]+)")
_RATE_WINDOWS = {"$__rate_interval"}
_RATE = re.compile(r"\b(?:rate|irate)\((?:[^()]|\([^()]*\))*?\[([^\]]+)\]")


def faults(board: Json, known_uids: Collection[str]) -> list[str]:
    """One sentence a fault; an empty list is a board without."""
    found = [*_board_faults(board, known_uids)]
    for panel in board["panels"]:
        if panel["type"] != "row":
            found += [f"{panel.get('title')!r}: {fault}" for fault in _panel_faults(panel)]
    return found


def _board_faults(board: Json, known_uids: Collection[str]) -> list[str]:
    panels, found = board["panels"], []
    ids = [panel.get("id") for panel in panels]
    if None in ids or 0 in ids or len(set(ids)) < len(ids):
        found.append("panel ids are not 1..n, each once")
    titles = Counter(panel["title"] for panel in panels)
    found += [f"two panels are called {title!r}" for title, count in titles.items() if count > 1]
    found += [f"{a['title']!r} and {b['title']!r} overlap" for a, b in combinations(panels, 2) if _overlap(a, b)]
    found += [f"{one['title']!r} leaves the grid" for one in panels if one["gridPos"]["x"] + one["gridPos"]["w"] > 24]
    names = [one["name"] for one in board["templating"]["list"]]
    if "datasource" not in names:
        found.append("no datasource variable")
    try:
        queries(board, **dict.fromkeys(names, "x"))
    except KeyError as unknown:
        found.append(f"unknown variable {unknown}")
    found += [f"a link to {uid}, which is no board" for uid in set(_links(board)) - set(known_uids)]
    if any("placement" in link for link in board["links"]):
        found.append("links carry a placement")
    return found


def _panel_faults(panel: Json) -> list[str]:
    defaults, targets = panel["fieldConfig"]["defaults"], panel.get("targets", [])
    refs = [target.get("refId") for target in targets]
    checks = {
        "no title": panel.get("title"),
        "no description": len(panel.get("description", "")) >= 20,
        "no unit": defaults.get("unit"),
        "nothing to say when there are no data": defaults.get("noValue"),
        "no query": targets,
        "refIds are not unique": all(refs) and len(set(refs)) == len(refs),
        "not the board's datasource": all(one.get("datasource") == _STORE for one in (panel, *targets)),
        "colours without words": _has_words(panel),
        "rate() without $__rate_interval": set(_RATE.findall(" ".join(one["expr"] for one in targets)))
        <= _RATE_WINDOWS,
    }
    return [fault for fault, well in checks.items() if not well]


def _has_words(panel: Json) -> bool:
    """Every colour that a threshold gives is explained in the description; a mapped value has a text."""
    defaults = panel["fieldConfig"]["defaults"]
    steps = defaults.get("thresholds", {}).get("steps", [])
    names = {SPOKEN.get(step["color"], step["color"]) for step in steps} if len(steps) > 1 else set()
    explained = all(re.search(rf"\b{name}( from [^:;]+)?: \w", panel["description"]) for name in names)
    mapped = [result for mapping in defaults.get("mappings", []) for result in mapping["options"].values()]
    return explained and all(result.get("text") for result in mapped)


def _overlap(one: Json, other: Json) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    over = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not (beside or over)


def _links(part: Any) -> list[str]:
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list):
        return [uid for one in part for uid in _links(one)]
    return _LINK.findall(part) if isinstance(part, str) else []
