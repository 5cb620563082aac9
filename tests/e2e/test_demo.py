"""What a newcomer sees: the demo, its metrics, its page in a phone's browser, and a mains cut."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from stage import parts
from stage.browser import Browser
from stage.process import Part, answers, free_port, program
from tests.e2e.chain import wait_until

WORST_CONTRAST = """(() => {
  const part = c => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4 };
  const numbers = s => s.match(/[0-9.]+/g).map(Number);
  const light = s => { const [r, g, b] = numbers(s); return .2126 * part(r) + .7152 * part(g) + .0722 * part(b) };
  const back = e => {
    while (getComputedStyle(e).backgroundColor.startsWith('rgba(')) e = e.parentElement;
    return getComputedStyle(e).backgroundColor;
  };
  const ratio = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  const words = [...document.querySelectorAll('h1,h2,p,li,a,time')].filter(e => e.innerText);
  return Math.min(...words.map(e => ratio(light(getComputedStyle(e).color), light(back(e)))));
})()"""
SUBJECTS = ("centre_host_", "centre_internet_", "centre_ups_", "centre_seats")


class Demo:
    def __init__(self, part: Part, url: str) -> None:
        self.part, self.url = part, url

    def get(self, path: str) -> str:
        with urlopen(self.url + path, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def status(self) -> dict[str, dict[str, dict[str, str]]]:
        found: dict[str, dict[str, dict[str, str]]] = json.loads(self.get("/status.json"))
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    directory = tmp_path_factory.mktemp("demo")
    with parts.python("demo", directory, ["agent", "demo", "--port", str(port)], answers(url + "/")) as part:
        yield Demo(part, url)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def test_every_subject_is_measured_within_90_seconds(demo: Demo) -> None:
    wait_until(lambda: all(subject in demo.get("/metrics") for subject in SUBJECTS), 90, "a subject is missing")
    wait_until(
        lambda: {tile["level"] for tile in demo.status()["tiles"].values()} == {"good"}, 60, "a tile is not good"
    )


def test_the_metrics_are_clean_for_promtool(demo: Demo) -> None:
    checked = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"],
        input=demo.get("/metrics"), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.parametrize("width", [320, 768])
@pytest.mark.parametrize("path", ["/", "/wall"])
def test_the_page_fits_a_phone_and_asks_nobody_else(demo: Demo, browser: Browser, width: int, path: str) -> None:
    browser.requests.clear()
    browser.open(demo.url + path, width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert {url for url in browser.requests if not url.startswith(demo.url)} == set()
    assert "Simulated" in browser.evaluate("document.body.innerText")


def test_the_page_says_it_in_one_sentence_and_four_tiles(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url + "/", 320)
    assert browser.evaluate("document.querySelectorAll('.verdict .sentence').length") == 1
    tiles = browser.evaluate(
        "[...document.querySelectorAll('.tile')].map(t => [t.querySelector('h2').innerText,"
        " t.querySelector('.word').innerText.trim() != '', t.querySelector('svg[aria-label]') != null,"
        " t.querySelector('.age').innerText.includes('ago')])"
    )
    assert tiles == [[title, True, True, True] for title in ("Internet", "Power", "Seats", "Monitoring")]
    assert len(demo.get("/").encode()) < 50_000


def test_words_on_the_page_have_enough_contrast(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url + "/", 320)
    assert browser.evaluate(WORST_CONTRAST) >= 4.5


def test_a_mains_cut_changes_the_page_within_10_seconds(demo: Demo, browser: Browser) -> None:
    said = "simulated mains cut"
    wait_until(lambda: said in demo.part.log.read_text(), 240, "the script never cut the mains")
    cut = time.monotonic()
    wait_until(lambda: "Mains power is off" in demo.get("/"), 10, "the page did not change")
    print(f"mains cut to page: {time.monotonic() - cut:.1f} s")
    browser.open(demo.url + "/", 320)
    assert browser.evaluate("document.querySelector('[data-tile=power]').dataset.level") == "warning"


def test_the_demo_ends_with_the_pages_address(demo: Demo) -> None:
    lines = [line for line in demo.part.log.read_text().splitlines() if line.strip()]
    cuts = [number for number, line in enumerate(lines) if "simulated mains" in line]
    assert lines[cuts[0] - 1 if cuts else -1].split() == ["page:", demo.url + "/"]


def test_values_of_a_dead_device_are_never_green(demo: Demo, tmp_path: Path) -> None:
    """A daemon whose UPS never answers says unknown, with a dashed grey tile."""
    port = free_port()
    config = tmp_path / "agent.toml"
    config.write_text(
        f'centre = "PK-PB-00042"\nstate_directory = "{tmp_path}/state"\n[listen]\nport = {port}\n'
        '[[collect.ups]]\nname = "rack"\nhost = "127.0.0.1"\nport = 9\ntimeout_seconds = 0.3\ninterval_seconds = 1\n'
    )
    url = f"http://127.0.0.1:{port}"
    with parts.python("agent", tmp_path, ["agent", "run", "--config", str(config)], answers(url + "/")):
        wait_until(lambda: 'data-tile="power" data-level="unknown"' in read(url), 20, "not unknown")
        wait_until(lambda: "rack does not answer" in read(url), 20, "no reason given")


def read(url: str) -> str:
    with urlopen(url + "/", timeout=10) as answer:
        text: str = answer.read().decode()
        return text
