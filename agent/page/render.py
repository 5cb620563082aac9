"""A View -> one HTML file: inline style, inline shapes, no script, refreshed by the browser each 5 s."""

from datetime import datetime
from html import escape
from pathlib import Path

from agent.page.tiles import Level, Tile, View, duration

_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
_SHAPES: dict[Level, tuple[str, str]] = {
    "good": ("good", '<circle cx="12" cy="12" r="11" fill="currentColor"/><path d="M6 12.5l4 4 8-9" class="m"/>'),
    "warning": ("attention", '<path d="M12 1l11.5 21H.5z" fill="currentColor"/><path d="M12 8v7m0 3v1" class="m"/>'),
    "bad": (
        "bad",
        '<path d="M7 0h10l7 7v10l-7 7H7l-7-7V7z" fill="currentColor"/><path d="M7 7l10 10M17 7L7 17" class="m"/>',
    ),
    "unknown": (
        "unknown",
        '<rect x="1" y="1" width="22" height="22" rx="3" class="o"/><path d="M7 12h10" class="d"/>',
    ),
}


_LINKS = (
    '<footer><nav><a href="/wall">Free seats</a><a href="/status.json">Values</a>'
    '<a href="/metrics">Metrics</a><a href="/health">Health</a></nav></footer>'
)


def page(view: View, *, centre: str, simulated: bool, now: datetime) -> str:
    """The status page."""
    verdict = view.verdict
    action = f'<p class="action">{escape(verdict.action)}</p>' if verdict.action else ""
    return _document(
        f"{centre}: {verdict.sentence}",
        f'<header><h1>e-Rozgar centre <bdi dir="ltr">{escape(centre)}</bdi></h1>'
        f"<time>{now:%Y-%m-%d %H:%M:%S} UTC</time></header>\n{_banner(simulated)}"
        f'<section class="verdict {verdict.level}" aria-label="Verdict">'
        f'<p class="sentence">{escape(verdict.sentence)}</p>{action}</section>\n'
        f'<ul class="tiles">{"".join(_tile(tile) for tile in view.tiles)}</ul>\n{_LINKS}',
    )


def wall(spaces: dict[str, int | None], *, centre: str, simulated: bool) -> str:
    """Free seats by space in big digits; None is shown as a dash."""
    rows = "".join(
        f"<div>{'–' if free is None else free} <small>{escape(space)}</small></div>" for space, free in spaces.items()
    )
    body = rows or "<div>–<small>no seats are configured</small></div>"
    return _document(f"{centre}: free seats", f'{_banner(simulated)}<h1>Free seats</h1><div class="wall">{body}</div>')


def _banner(simulated: bool) -> str:
    return '<p class="simulated">Simulated: no real device stands behind these values.</p>' if simulated else ""


def _tile(tile: Tile) -> str:
    name, shape = _SHAPES[tile.level]
    details = "".join(f"<li>{escape(line)}</li>" for line in tile.details if line)
    age = "never read" if tile.age_seconds is None else f"{duration(tile.age_seconds)} ago"
    stale = " stale" if tile.stale else ""
    return (
        f'<li class="tile {tile.level}{stale}" data-tile="{tile.title.lower()}" data-level="{tile.level}">'
        f'<h2>{escape(tile.title)}</h2><p class="word"><svg viewBox="0 0 24 24" role="img" aria-label="{name}">'
        f'{shape}</svg>{escape(tile.word)}</p><ul>{details}</ul><p class="age">{age}</p></li>'
    )


def _document(title: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="5">
<style>{_STYLE}</style></head>
<body><main>{body}</main></body></html>"""
