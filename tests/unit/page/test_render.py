"""The page as HTML: small, whole without a network, and safe whatever the names are."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.page import render
from agent.page.tiles import Level, Tile, Verdict, View, view
from agent.web import Site
from telemetry import catalogue as names
from tests.unit.page.present import Present

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOSTILE = '<script src="http://evil.example/x.js">alert(1)</script>"\'&<b onload=x>'
TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "bdi", "time", "section", "p", "ul",
    "li", "svg", "circle", "path", "rect", "footer", "nav", "a", "div", "small",
}  # fmt: skip


class Reader(HTMLParser):
    """Tags, their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "circle", "path", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("circle", "path", "rect"):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(found: View, centre: str = "PK-PB-00042", *, simulated: bool = False) -> str:
    return render.page(found, centre=centre, simulated=simulated, now=NOW)


def assert_stands_alone(html: str) -> None:
    """No script, no other host, nothing that a browser would fetch, under 50 KB."""
    assert len(html.encode()) < 50_000
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", html.replace(HOSTILE, ""))
    read = Reader(html)
    assert {tag for tag, _ in read.tags} <= TAGS
    assert read.open == []
    for _, attributes in read.tags:
        assert not any(key.startswith("on") or key in ("src", "srcdoc", "style") for key in attributes)
        assert attributes.get("href", "/") in ("/", "/wall", "/status.json", "/metrics", "/health")


def test_a_full_page_stands_alone() -> None:
    present = Present().well()
    for target in ("gateway", "isp", "far"):
        for stat in ("p50", "p95", "max"):
            present.put(names.NET_PROBE_RTT, 0.02, uplink="wan", target=target, stat=stat)
    for direction in ("down", "up"):
        present.put(names.NET_THROUGHPUT, 2_400_000, uplink="wan", direction=direction, kind="line")
    html = page(view(present.snapshot, []))
    assert_stands_alone(html)
    text = Reader(html).text
    for words in ("Power and Internet are good.", "7 free", "Round trip 20 ms", "Down 19.2 Mbit/s", "Mains on"):
        assert words in text


def test_an_empty_page_stands_alone_and_is_nowhere_good() -> None:
    html = page(view(Present().snapshot, []))
    assert_stands_alone(html)
    levels = [attributes["data-level"] for tag, attributes in Reader(html).tags if "data-level" in attributes]
    assert levels == ["unknown"] * 4
    assert "never read" in html
    assert 'class="verdict unknown"' in html


def test_an_old_value_is_dashed_and_shows_its_age() -> None:
    html = page(view(Present().well().later(7200).snapshot, []))
    classes = [attributes["class"] for tag, attributes in Reader(html).tags if "data-tile" in attributes]
    assert classes == ["tile unknown stale"] * 4
    assert html.count("2 h 0 min ago") == 4
    assert re.search(r"\.stale\{[^}]*dashed", html), "the style dashes it"


def test_word_shape_and_colour_say_the_same() -> None:
    """Colour alone does not reach everybody."""
    shapes = set()
    labels: dict[Level, str] = {"good": "good", "warning": "attention", "bad": "bad", "unknown": "unknown"}
    for level, label in labels.items():
        tile = Tile("Power", level, "Word", (), 1.0)
        read = Reader(page(View(Verdict("good", "x"), (tile,))))
        (svg,) = [attributes for tag, attributes in read.tags if tag == "svg"]
        assert (svg["role"], svg["aria-label"]) == ("img", label)
        shapes.add(render._SHAPES[level][1])
    assert len(shapes) == 4


def test_hostile_names_words_and_problems_are_text() -> None:
    tile = Tile("Power", "bad", HOSTILE, (HOSTILE,), 1.0)
    html = page(View(Verdict("bad", HOSTILE, HOSTILE), (tile,)), centre=HOSTILE)
    assert "<script" not in html
    assert "<b onload" not in html
    assert {tag for tag, _ in Reader(html).tags} <= TAGS
    assert Reader(html).text.count(HOSTILE) == 7, "twice in the title; name, sentence, action, word, detail"


def test_the_centres_name_keeps_its_direction_beside_urdu() -> None:
    assert '<bdi dir="ltr">PK-PB-00042</bdi>' in page(view(Present().snapshot, []))


def test_simulated_is_said_where_it_is_and_only_there() -> None:
    found = view(Present().well().snapshot, [])
    assert "Simulated: no real device" in page(found, simulated=True)
    assert "Simulated: no real" not in page(found)
    assert "Simulated: no real device" in render.wall({"lab-1": 3}, centre="x", simulated=True)


LEVELS = st.sampled_from(["good", "warning", "bad", "unknown"])
TILES = st.builds(
    Tile, st.sampled_from(["Power", "Internet"]), LEVELS, st.text(max_size=40), st.tuples(st.text(max_size=60)),
    st.none() | st.floats(0, 1e9), st.booleans(),
)  # fmt: skip


@given(st.builds(Verdict, LEVELS, st.text(max_size=80), st.text(max_size=80)), st.lists(TILES, max_size=4), st.text())
def test_whatever_the_words_are_the_page_is_whole(verdict: Verdict, tiles: list[Tile], centre: str) -> None:
    read = Reader(page(View(verdict, tuple(tiles)), centre=centre))
    assert {tag for tag, _ in read.tags} <= TAGS
    assert read.open == []


# ── the wall ───────────────────────────────────────────────────────────────────────────────────
def get(present: Present, path: str, problems: list[str] | None = None) -> tuple[str, str]:
    """Status and body, by the site's own WSGI application."""
    site = Site("PK-PB-00042", present.snapshot, lambda: {"ok": True, "problems": problems or []}, simulated=False)
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start(status: str, _headers: list[tuple[str, str]]) -> None:
        statuses.append(status)

    body: Iterable[bytes] = site(environ, start)
    return statuses[0], b"".join(body).decode()


def shown(html: str) -> dict[str, str]:
    """Space -> what stands before it on the wall."""
    return {space: digits for digits, space in re.findall(r"<div>(\S+?) ?<small>(.*?)</small>", html)}


def test_the_wall_shows_free_seats_by_space() -> None:
    status, html = get(Present().seats(7, 4, 1).seats(0, 6, 0, "cabins"), "/wall")
    assert status == "200 OK"
    assert shown(html) == {"lab-1": "7", "cabins": "0"}
    assert_stands_alone(html)


def test_a_space_of_which_nothing_is_known_is_a_dash_and_never_zero() -> None:
    assert shown(get(Present().seats(0, 0, 12), "/wall")[1]) == {"lab-1": "–"}


def test_an_old_count_is_a_dash() -> None:
    present = Present().seats(7, 4, 1).seats(1, 1, 1, "cabins").later(600).seats(2, 1, 0, "cabins")
    assert shown(get(present, "/wall")[1]) == {"lab-1": "–", "cabins": "2"}


def test_a_wall_without_seats_says_so() -> None:
    assert shown(get(Present(), "/wall")[1]) == {"no seats are configured": "–"}


def test_a_hostile_space_is_text_on_the_wall() -> None:
    html = render.wall({HOSTILE: 3}, centre=HOSTILE, simulated=False)
    assert "<script" not in html
    assert {tag for tag, _ in Reader(html).tags} <= TAGS


@pytest.mark.parametrize("problem", [HOSTILE, "collector fails: timed_out"])
def test_the_page_is_served_with_its_problems_as_text(problem: str) -> None:
    status, html = get(Present().well(), "/", [problem])
    assert status == "200 OK"
    assert problem in Reader(html).text
    assert "<script" not in html
