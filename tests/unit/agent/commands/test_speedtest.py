"""What `centre-agent speedtest` says to a person."""

from argparse import ArgumentTypeError

import pytest

from agent.commands.speedtest import Live, contract, details, verdict
from collectors.internet.engines import Measured, Progress

MEGABIT = 125_000.0


@pytest.mark.parametrize(
    ("rate", "promised", "level", "text"),
    [
        (17.2, 20, "good", "17.2 Mbit/s, 86 % of the contract: good"),
        (16, 20, "good", "16 Mbit/s, 80 % of the contract: good"),
        (13, 20, "warning", "13 Mbit/s, 65 % of the contract: poor"),
        (4, 20, "bad", "4 Mbit/s, 20 % of the contract: bad"),
        (950, 0, "", "950 Mbit/s"),
        (0.95, 1, "good", "0.95 Mbit/s, 95 % of the contract: good"),
    ],
)
def test_a_rate_becomes_a_verdict(rate: float, promised: float, level: str, text: str) -> None:
    assert verdict(rate * MEGABIT, promised * MEGABIT) == (level, text)


def test_a_test_that_ran_out_of_bytes_says_at_least_and_blames_nobody() -> None:
    assert verdict(450 * MEGABIT, 500 * MEGABIT, at_least=True)[1].startswith("at least 450 Mbit/s")
    assert verdict(200 * MEGABIT, 500 * MEGABIT, at_least=True)[0] == "unknown"


def test_what_else_a_person_should_know() -> None:
    found = Measured(
        line_bytes_per_second=20 * MEGABIT, own_bytes_per_second=8 * MEGABIT, converged=False, stop="time",
        seconds=5.0, wire_bytes=5_200_000, rtt_idle_seconds=0.0204, rtt_loaded_seconds=0.0811,
        cpu_limited=True, variable=True,
    )  # fmt: skip
    assert details(found) == [
        "round trip 20 ms, 81 ms under load",
        "5.0 s, 5.2 MB",
        "others used the line too: our part was 8 Mbit/s",
        "the rate changed while it was measured",
        "this machine was the limit: the line may be faster",
    ]


def test_a_quiet_line_needs_no_more_words() -> None:
    found = Measured(20 * MEGABIT, 20 * MEGABIT, converged=True, stop="converged", seconds=0.5, wire_bytes=1_200_000)
    assert details(found) == ["0.5 s, 1.2 MB"]


@pytest.mark.parametrize(("text", "rates"), [("20/5", (2.5e6, 625e3)), ("8", (1e6, 0)), ("0/1", (0, 125e3))])
def test_a_contract_is_down_and_up(text: str, rates: tuple[float, float]) -> None:
    assert contract(text) == rates


@pytest.mark.parametrize("text", ["", "fast", "1/2/3", "-5", "20/", "inf", "nan"])
def test_a_contract_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        contract(text)


def test_the_bar_is_full_at_the_contract_and_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    live = Live({"down": 20 * MEGABIT, "up": 0.0})
    for rate in (0, 10, 20, 25):
        live.show(Progress("down", 0.3, rate * MEGABIT))
    shown = [text.count("█") for text in capsys.readouterr().err.split("\r")[1:]]
    assert shown == [0, 12, 24, 24]
    live.clear()
    assert capsys.readouterr() == ("", "\r\033[K")


def test_without_progress_nothing_is_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    Live({"down": 0.0, "up": 0.0}).clear()
    assert capsys.readouterr().err == ""
