"""Which part of the path is to blame. Pure: who answered, in; one domain, out.

Judged from the far end: what lies behind a silent hop absolves it, since routers may ignore ICMP.
Without evidence there is no verdict.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

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
