"""Which part of the path is to blame. Pure: who answered, in; one domain, out.

Judged from the far end: what lies behind a silent hop absolves it, since routers may ignore ICMP.
Without evidence there is no verdict.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from collectors.probes import Web

Role = Literal["lan", "access", "isp", "target"]
Domain = Literal["none", "lan", "access", "isp", "dns", "target", "captive"]
Answers = Mapping[Role, Sequence[bool]]


def fault_domain(answers: Answers, dns: bool | None, web: Web | None) -> Domain | None:
    """The part to blame, `none` when all is well, or None when nobody can say."""
    if web == "captive":
        return "captive"
    far = answers.get("target", ())
    if any(far) or web == "ok":
        if dns is False:
            return "dns"
        return "none" if all(far) else "target"
    return _near(answers) if far or web == "failed" else None


def _near(answers: Answers) -> Domain | None:
    """Nothing far answers: the nearest silent part is to blame."""
    if any(answers.get("isp", ())):
        return "isp"
    if any(answers.get("access", ())):
        return "isp"
    if any(answers.get("lan", ())):
        return "access"
    return "lan" if answers.get("lan") else None


def is_up(answers: Answers, web: Web | None) -> bool | None:
    """Whether something beyond the provider answers; None before anything was asked."""
    far = answers.get("target", ())
    if web == "ok" or any(far):
        return True
    return False if far or web is not None else None


class Witness(Struct, frozen=True):
    """One target's word: answered of asked in the last minute, and what that says (None: not enough)."""

    name: str
    role: Role
    answered: int
    asked: int
    answers: bool | None


_LONGEST = 64
"""What an event's evidence may hold (telemetry/wire.py)."""


def evidence(witnesses: Sequence[Witness], dns: tuple[int, int], web: Web | None) -> dict[str, str]:
    """The facts behind a verdict as words, by role: `gateway 12/12`, answered of asked. dns: the last round."""
    roles = dict.fromkeys(one.role for one in witnesses)
    said = {role: _role_words([one for one in witnesses if one.role == role and one.asked]) for role in roles}
    facts: dict[str, str] = {role: words for role, words in said.items() if words}
    if dns[1]:
        facts["dns"] = f"{dns[0]}/{dns[1]}"
    if web is not None:
        facts["web"] = web
    return facts


def _role_words(witnesses: Sequence[Witness]) -> str:
    words = " ".join(f"{one.name} {one.answered}/{one.asked}" for one in witnesses)
    if len(words) <= _LONGEST:
        return words
    return f"{sum(one.answered for one in witnesses)}/{sum(one.asked for one in witnesses)} of {len(witnesses)} targets"


def answers_by_role(witnesses: Sequence[Witness]) -> dict[Role, list[bool]]:
    """What `fault_domain` asks for; who has not enough to say is not heard."""
    found: dict[Role, list[bool]] = {}
    for one in witnesses:
        if one.answers is not None:
            found.setdefault(one.role, []).append(one.answers)
    return found
