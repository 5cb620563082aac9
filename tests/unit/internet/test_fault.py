"""Whom to blame: the truth table of who answered."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.fault import Domain, Role, Witness, answers_by_role, evidence, fault_domain, is_up
from collectors.probes import Web
from telemetry.catalogue import FAULT_DOMAINS
from telemetry.wire import LABEL_VALUE

ROLES: Sequence[Role] = ("lan", "access", "isp", "target")
Who = dict[Role, list[bool]]


def who(lan: bool | None = None, access: bool | None = None, isp: bool | None = None, *far: bool) -> Who:
    """The answers by role; None where nobody of that role is asked."""
    known: Who = {}
    for role, answered in zip(ROLES, (lan, access, isp), strict=False):
        if answered is not None:
            known[role] = [answered]
    if far:
        known["target"] = list(far)
    return known


@pytest.mark.parametrize(
    ("answers", "dns", "web", "domain"),
    [
        (who(True, True, True, True, True), True, "ok", "none"),
        (who(None, None, None, True), None, None, "none"),
        (who(), None, "ok", "none"),
        (who(True), True, "ok", "none"),
        (who(True, True, True, True, False), True, "ok", "target"),
        (who(True, True, True, False, False), True, "ok", "target"),
        (who(True, True, True, True, True), False, None, "dns"),
        (who(True, True, True, True, False), False, None, "dns"),
        (who(), False, "ok", "dns"),
        (who(True, True, True, False, False), False, "failed", "isp"),
        (who(True, True, None, False), False, "failed", "isp"),
        (who(True, None, True, False), False, None, "isp"),
        (who(True, False, False, False), False, "failed", "access"),
        (who(True, None, None, False), False, None, "access"),
        (who(True), False, "failed", "access"),
        (who(False, None, None, False), False, "failed", "lan"),
        (who(False, False, False, False), False, None, "lan"),
        (who(True, True, True, True), True, "captive", "captive"),
        (who(True, True, True, False), False, "captive", "captive"),
        (who(False), None, "captive", "captive"),
    ],
)
def test_each_part_of_the_path_is_blamed_for_what_only_it_can_do(
    answers: Who, dns: bool | None, web: Web | None, domain: Domain
) -> None:
    assert fault_domain(answers, dns, web) == domain


@pytest.mark.parametrize(
    ("answers", "dns", "web"),
    [
        (who(), None, None),
        (who(), False, None),
        (who(True), True, None),
        (who(False, False, False), False, None),
        (who(), None, "failed"),
        (who(None, None, None, False), False, None),
        (who(None, False, False, False), False, None),
    ],
)
def test_without_evidence_there_is_no_verdict(answers: Who, dns: bool | None, web: Web | None) -> None:
    assert fault_domain(answers, dns, web) is None


def test_a_silent_hop_is_absolved_by_what_answers_behind_it() -> None:
    """Routers may ignore ICMP."""
    assert fault_domain(who(False, False, False, True), True, "ok") == "none"
    assert fault_domain(who(False, False, True, False), None, None) == "isp"
    assert fault_domain(who(False, True, False, False), None, None) == "isp"


@pytest.mark.parametrize(
    ("answers", "web", "up"),
    [
        (who(), None, None),
        (who(True, True, True), None, None),
        (who(True, True, True, False), None, False),
        (who(False, False, False, False, True), None, True),
        (who(True), "ok", True),
        (who(True), "failed", False),
        (who(True), "captive", False),
        (who(True, True, True, True), "captive", True),
        (who(True, True, True, False), "ok", True),
    ],
)
def test_up_means_that_something_beyond_the_provider_answers(answers: Who, web: Web | None, up: bool | None) -> None:
    assert is_up(answers, web) is up


WHO = st.dictionaries(st.sampled_from(ROLES), st.lists(st.booleans(), min_size=1, max_size=3))
WEB: st.SearchStrategy[Web | None] = st.sampled_from([None, "ok", "captive", "failed"])


@given(WHO, st.none() | st.booleans(), WEB)
def test_the_two_verdicts_never_contradict_each_other(answers: Who, dns: bool | None, web: Web | None) -> None:
    domain, up = fault_domain(answers, dns, web), is_up(answers, web)
    assert domain is None or domain in FAULT_DOMAINS
    if domain in ("none", "dns", "target"):
        assert up is True
    if domain in ("lan", "access", "isp"):
        assert up is False
    if up is None:
        assert domain is None


def word(name: str, role: Role, answered: int, asked: int, answers: bool | None) -> Witness:
    return Witness(name, role, answered, asked, answers)


WITNESSES = [
    word("gateway", "lan", 12, 12, True),
    word("access", "access", 0, 12, False),
    word("resolver-1", "isp", 0, 3, None),
    word("cloudflare", "target", 0, 6, False),
    word("google", "target", 1, 6, False),
]


def test_who_has_not_enough_to_say_is_not_heard() -> None:
    assert answers_by_role(WITNESSES) == {"lan": [True], "access": [False], "target": [False, False]}


def test_the_evidence_is_in_words_and_says_who_answered_how_often() -> None:
    assert evidence(WITNESSES, (0, 2), "failed") == {
        "lan": "gateway 12/12",
        "access": "access 0/12",
        "isp": "resolver-1 0/3",
        "target": "cloudflare 0/6 google 1/6",
        "dns": "0/2",
        "web": "failed",
    }
    assert evidence([word("far", "target", 0, 0, None)], (0, 0), None) == {}, "nobody was asked"


def test_evidence_fits_into_an_event_however_many_targets_there_are() -> None:
    many = [word(f"a-target-with-a-long-name-{number}", "target", 1, 6, False) for number in range(40)]
    said = evidence(many, (1, 1), "ok")
    assert said["target"] == "40/240 of 40 targets"
    assert all(LABEL_VALUE.fullmatch(value) for value in said.values())
