"""What the page says: unknown is never good, old is never shown as live, the worst comes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.page.tiles import Tile, View, duration, view
from telemetry import catalogue as names
from tests.unit.page.present import Present


def tile(present: Present, title: str, problems: list[str] | None = None) -> Tile:
    (found,) = [one for one in view(present.snapshot, problems or []).tiles if one.title == title]
    return found


def levels(found: View) -> dict[str, str]:
    return {one.title: one.level for one in found.tiles}


def test_nothing_read_is_unknown_everywhere_and_never_good() -> None:
    found = view(Present().snapshot, [])
    assert levels(found) == dict.fromkeys(("Internet", "Power", "Seats", "Monitoring"), "unknown")
    assert found.verdict.level == "unknown"
    assert all(one.age_seconds is None for one in found.tiles)


def test_a_centre_that_works_is_good_and_says_how_many_seats_are_free() -> None:
    found = view(Present().well().snapshot, [])
    assert set(levels(found).values()) == {"good"}
    assert (found.verdict.level, found.verdict.sentence) == ("good", "Power and Internet are good. 7 seats are free.")
    assert found.verdict.action == ""


@pytest.mark.parametrize("title", ["Internet", "Power", "Seats", "Monitoring"])
@pytest.mark.parametrize("hours", [0.25, 1, 100])
def test_a_value_that_is_old_is_unknown_stale_and_shown_with_its_age(title: str, hours: float) -> None:
    found = tile(Present().well().later(hours * 3600), title)
    assert (found.level, found.stale) == ("unknown", True)
    assert found.age_seconds == hours * 3600
    assert not any(character.isdigit() for line in found.details for character in line)


def test_a_tile_is_live_between_two_readings() -> None:
    assert levels(view(Present().well().later(30).snapshot, [])) == dict.fromkeys(
        ("Internet", "Power", "Seats", "Monitoring"), "good"
    )


@pytest.mark.parametrize(
    ("status", "values", "level", "word"),
    [
        ("online", {"runtime": 2280}, "good", "Mains on"),
        ("boost", {}, "good", "Mains on"),
        ("eco", {}, "good", "Mains on"),
        ("on_battery", {"runtime": 2280}, "warning", "On battery"),
        ("on_battery", {}, "warning", "On battery"),
        ("on_battery", {"runtime": 599}, "bad", "On battery"),
        ("on_battery", {"runtime": 2280, "low": 1}, "bad", "On battery"),
        ("off", {}, "bad", "UPS off"),
        ("bypass", {}, "warning", "Bypass: not protected"),
        ("online", {"overload": 1}, "bad", "Overload"),
        ("online", {"replace": 1}, "warning", "Battery needs replacing"),
        ("online", {"overload": 1, "replace": 1}, "bad", "Overload"),
        ("standby", {}, "warning", "UPS standby"),
        ("test", {}, "warning", "UPS test"),
        ("other", {}, "warning", "UPS other"),
    ],
)
def test_power_says_what_the_card_says(status: str, values: dict[str, float], level: str, word: str) -> None:
    found = tile(Present().ups(status, "rack", **values), "Power")
    assert (found.level, found.word, found.stale) == (level, word, False)


def test_a_card_that_does_not_answer_is_named_and_unknown() -> None:
    found = tile(Present().ups(runtime=2280).put(names.UPS_UP, 0, ups="rack"), "Power")
    assert (found.level, found.word, found.details) == ("unknown", "Unknown", ("rack does not answer",))


def test_of_two_cards_the_one_on_battery_decides() -> None:
    assert tile(Present().ups("online", "a").ups("on_battery", "b", runtime=2280), "Power").level == "warning"


def test_of_two_cards_one_that_fell_silent_without_a_word_keeps_power_from_good() -> None:
    """Its collector hangs, so that not even `up` comes; the other card says nothing of its mains."""
    present = Present().ups(ups="a").ups(ups="b").later(1000).ups(ups="a")
    assert tile(present, "Power").level != "good"


def test_a_mains_cut_that_one_card_sees_is_told_while_the_other_is_silent() -> None:
    present = Present().put(names.UPS_UP, 0, ups="a").ups("on_battery", "b", runtime=2280)
    assert tile(present, "Power").level == "warning"
    assert view(present.snapshot, []).verdict.sentence.startswith("Mains power is off")


@pytest.mark.parametrize(
    ("up", "domain", "level", "word"),
    [
        (1, "none", "good", "Up"),
        (1, None, "good", "Up"),
        (1, "target", "good", "Up"),
        (1, "dns", "warning", "Trouble"),
        (1, "captive", "warning", "Trouble"),
        (0, "access", "bad", "Down"),
        (0, None, "bad", "Down"),
        (None, "access", "unknown", "Unknown"),
    ],
)
def test_internet_says_what_the_probes_say(up: float | None, domain: str | None, level: str, word: str) -> None:
    found = tile(Present().line(up, domain), "Internet")
    assert (found.level, found.word) == (level, word)


def test_one_of_two_uplinks_keeps_the_line_up() -> None:
    assert tile(Present().line(0, "access", "lte").line(1, "none", "wan"), "Internet").word != "Down"


@pytest.mark.parametrize(
    ("counts", "level", "word"),
    [
        ((7, 4, 1), "good", "7 free"),
        ((0, 4, 1), "warning", "Full"),
        ((0, 0, 12), "unknown", "Unknown"),
        ((1, 0, 11), "good", "1 free"),
    ],
)
def test_seats_are_free_full_or_unknown(counts: tuple[int, int, int], level: str, word: str) -> None:
    found = tile(Present().seats(*counts), "Seats")
    assert (found.level, found.word) == (level, word)
    assert (f"{counts[2]} unknown" in found.details) == bool(counts[2])


def test_monitoring_is_starting_local_reporting_or_in_trouble() -> None:
    assert tile(Present(), "Monitoring").word == "Starting"
    assert tile(Present().agent(connected=None), "Monitoring").word == "Local only"
    assert tile(Present().agent(), "Monitoring").word == "Reporting"
    found = tile(Present().agent(rows=3, oldest=90), "Monitoring", ["the disk is full", "b", "c", "d"])
    assert (found.level, found.details) == ("bad", ("the disk is full", "b", "c", "3 batches wait, oldest 2 min"))


# ── verdict ────────────────────────────────────────────────────────────────────────────────────
def test_power_comes_before_internet_and_internet_before_unknown() -> None:
    both = Present().ups("on_battery", runtime=2280, seconds=240).line(0, "access")
    assert view(both.snapshot, []).verdict.sentence == "Mains power is off for 4 min, the UPS has 38 min left."
    line = Present().put(names.UPS_UP, 0, ups="rack").line(0, "access")
    assert view(line.snapshot, []).verdict.sentence == "The line to the provider is down."
    nothing = Present().put(names.UPS_UP, 0, ups="rack").line()
    assert view(nothing.snapshot, ["x"]).verdict.sentence == "Power is unknown."
    broken = Present().well()
    found = view(broken.snapshot, ["the disk is full"]).verdict
    assert (found.level, found.sentence) == ("warning", "The centre works, the monitoring does not.")
    assert found.action == "the disk is full"


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({"runtime": 2280}, "Check the breaker; if neighbours are dark too, wait. Switch off what is not needed."),
        ({"runtime": 300}, "Save work now and start the generator."),
        ({"low": 1}, "Save work now and start the generator."),
    ],
)
def test_a_mains_cut_says_what_to_do_first(values: dict[str, float], action: str) -> None:
    assert view(Present().ups("on_battery", "rack", **values).snapshot, []).verdict.action == action


def test_a_runtime_that_nobody_knows_is_said_to_be_unknown() -> None:
    sentence = view(Present().ups("on_battery").snapshot, []).verdict.sentence
    assert sentence == "Mains power is off, how long the UPS lasts is unknown."


@pytest.mark.parametrize("domain", [one for one in names.FAULT_DOMAINS if one not in ("none", "target")])
def test_every_part_of_the_path_has_its_words_and_an_action(domain: str) -> None:
    found = view(Present().ups().line(float(domain == "dns"), domain).snapshot, []).verdict
    assert found.level in ("bad", "warning")
    assert found.sentence not in ("", "The internet is down.")
    assert found.action


def test_a_centre_without_a_ups_is_judged_by_its_line_alone() -> None:
    assert view(Present().line().agent().snapshot, []).verdict.sentence == "Internet is good."


def test_a_centre_where_nothing_is_configured_says_so() -> None:
    found = view(Present().agent().snapshot, []).verdict
    assert (found.level, found.sentence) == ("unknown", "Neither internet nor power is monitored here.")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ups"), st.sampled_from(names.UPS_STATUSES)),
        st.tuples(st.just("silent"), st.just("rack")),
        st.tuples(st.just("line"), st.sampled_from(["0", "1"])),
        st.tuples(st.just("seats"), st.sampled_from(["0 0 9", "0 9 0", "3 3 3"])),
        st.tuples(st.just("agent"), st.just("1")),
        st.tuples(st.just("later"), st.sampled_from(["1", "60", "200", "4000"])),
    ),
    max_size=12,
)


@given(STEPS, st.lists(st.text(max_size=20), max_size=2))
def test_good_is_said_only_of_what_was_read_lately(steps: list[tuple[str, str]], problems: list[str]) -> None:
    present = Present()
    for what, how in steps:
        present.step(what, how)
    found = view(present.snapshot, problems)
    for one in found.tiles:
        if one.level == "good":
            assert one.age_seconds is not None
            assert one.age_seconds <= 180
            assert not one.stale
        assert not one.stale or one.level == "unknown" or (one.title == "Monitoring" and problems)
    watched = {level for title, level in levels(found).items() if title in ("Power", "Internet")}
    if found.verdict.level == "good":
        assert "good" in watched
        assert not watched & {"bad", "warning"}
    if levels(found)["Power"] == "bad":
        assert found.verdict.level == "bad"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (40, "40 s"), (89.4, "89 s"), (90, "2 min"), (720, "12 min"), (3600, "60 min"), (5399, "90 min"),
        (5400, "1 h 30 min"), (11_100, "3 h 5 min"), (172_799, "47 h 59 min"), (172_800, "2 d"), (8_640_000, "100 d"),
    ],
)  # fmt: skip
def test_durations_are_words_that_a_glance_takes_in(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("sources", "level", "word", "details"),
    [
        ({"printer": 1}, "good", "Mains on", ("printer: mains on",)),
        ({"printer": 0}, "warning", "Mains off", ("printer: mains off",)),
        ({"printer": None}, "unknown", "Unknown", ("printer: mains unknown",)),
        ({"plug": None, "printer": 1}, "good", "Mains on", ("plug: mains unknown", "printer: mains on")),
        ({"plug": 0, "printer": 1}, "warning", "Mains off", ("plug: mains off", "printer: mains on")),
    ],
    ids=str,
)
def test_mains_without_a_ups_says_what_is_known_and_nothing_of_a_battery(
    sources: dict[str, float | None], level: str, word: str, details: tuple[str, ...]
) -> None:
    present = Present().line().agent()
    for source, up in sources.items():
        present.mains(up, source)
    found = view(present.snapshot, [])
    assert levels(found)["Power"] == level
    assert tile(present, "Power").word == word
    assert tile(present, "Power").details == ("No UPS is read", *details)
    assert "attery" not in found.verdict.sentence + tile(present, "Power").word


def test_mains_that_is_off_is_the_verdict_and_nobody_claims_to_know_for_how_long_power_lasts() -> None:
    found = view(Present().line().agent().mains(0).snapshot, [])
    assert found.verdict.sentence == "Mains power is off, how long the power lasts is unknown."
    assert found.verdict.action.startswith("Check the breaker")


def test_mains_that_was_known_and_is_not_any_more_is_unknown_at_once_with_its_age() -> None:
    present = Present().line().agent().mains(1).later(10)
    present.snapshot.expire("mains", frozenset({names.MAINS_UP}))
    found = tile(present, "Power")
    assert (found.level, found.word, found.age_seconds, found.stale) == ("unknown", "Unknown", 10, True)


def test_beside_a_ups_mains_is_a_detail() -> None:
    found = tile(Present().well().mains(0), "Power")
    assert (found.level, found.word, found.details[-1]) == ("good", "Mains on", "printer: mains off")
    silent = tile(Present().put(names.UPS_UP, 0, ups="rack").mains(1), "Power")
    assert (silent.level, silent.details) == ("unknown", ("rack does not answer", "printer: mains on"))
