"""The verdict on an uplink as time goes on: when the witnesses are believed, and when the old one stands.

Targets are asked at different moments: half way through a cut, the picture blames the wrong part.
"""

import time
from collections.abc import Sequence

from collectors.internet.fault import Domain, Role, answers_by_role, fault_domain, is_up
from collectors.internet.names import Names
from collectors.internet.page import Page
from collectors.internet.probed import Probed

_WHOLE_LINE: tuple[Domain, ...] = ("lan", "access", "isp")
_PARTS: tuple[Domain, ...] = ("dns", "target")
"""What is left of a cut of the whole line for a moment, when it mends."""
_ABSOLVED: dict[Domain, Sequence[Role]] = {"target": ("target",), "isp": ("isp", "access"), "access": ("lan",)}
"""Who answers where that part is to blame."""
_MENDING_PERIODS = 4
"""That many probes a far target may take to count as answering again."""


class Judge:
    """`verdict`: up, and the part to blame; None where nobody can say.

    far_seconds: from one probe of a far target to the next.
    """

    def __init__(self, names: Names, page: Page, far_seconds: float) -> None:
        self.verdict: tuple[bool | None, Domain | None] = (None, None)
        self._names, self._page = names, page
        self._patience = _MENDING_PERIODS * far_seconds
        self._mending_since = 0.0

    def weigh(self, probed: Sequence[Probed]) -> bool:
        """Take the evidence together; whether that makes another verdict."""
        answers = answers_by_role([one.witness() for one in probed])
        up, domain = is_up(answers, self._page.says), fault_domain(answers, self._names.answer, self._page.says)
        heard = [one for one in probed if not one.mute]
        if up and not any(one.window.turning() for one in heard):
            for one in heard:
                one.mute = one.target.role != "target" and one.answers is False and not one.window.ever
        if (up, domain) == self.verdict or self._stands(domain, heard):
            return False
        self.verdict = up, domain
        return True

    def _stands(self, domain: Domain | None, heard: Sequence[Probed]) -> bool:
        """Whether the old verdict stands for the moment; a portal is plain at once."""
        before, now = self.verdict[1], time.monotonic()
        mending = before in _WHOLE_LINE and domain in _PARTS
        if not mending:
            self._mending_since = now
        mending &= now - self._mending_since < self._patience
        turning = self._page.turning or any(one.window.turning() for one in heard)
        unclear = turning or mending or not self._goes_on(domain, heard)
        return before is not None and domain != "captive" and unclear

    def _goes_on(self, domain: Domain | None, heard: Sequence[Probed]) -> bool:
        """Whether what a verdict absolves has answered since; else a cut is not told from what it cuts first."""
        if domain == "dns":
            far = [one for one in heard if one.target.role == "target" and one.answers]
            return all(one.answered_at > (self._names.failing_since or 0.0) for one in far)
        return domain not in _ABSOLVED or _answered_since(heard, _ABSOLVED[domain])


def _answered_since(heard: Sequence[Probed], roles: Sequence[Role]) -> bool:
    """Whether one of these has answered since the last far target began to fail, if any answers at all."""
    far = [one for one in heard if one.target.role == "target" and one.answers is False]
    since = max((one.failing_since for one in far if one.failing_since is not None), default=0.0)
    absolving = [one for one in heard if one.target.role in roles and one.answers]
    return not absolving or any(one.answered_at > since for one in absolving)
