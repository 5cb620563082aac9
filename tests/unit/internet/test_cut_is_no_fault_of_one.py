"""A cut meets the targets one after the other: who answered before it absolves nobody, however seldom he is asked."""

import asyncio
from collections.abc import Sequence

import pytest

from collectors.internet import Config, Target
from collectors.internet.asker import Asker
from collectors.internet.fault import Domain
from collectors.internet.prober import Prober

TARGETS = (
    Target("gateway", "lan", "127.0.0.1"),
    Target("resolver-1", "isp", "127.0.0.2"),
    Target("north", "target", "127.0.0.3"),
    Target("south", "target", "127.0.0.4"),
)


class Said(Asker):
    """Answers as it is told."""

    answers = True

    def __init__(self, target: Target) -> None:
        super().__init__(target, "lo", icmp=False)

    async def ask(self) -> float | None:
        return 0.01 if self.answers else None


class Line:
    """A prober that is asked by hand, once all was well."""

    def __init__(self) -> None:
        self.prober = Prober(Config(interface="lo", metered=True, targets=TARGETS, resolvers=("127.0.0.1",)), _event())
        self.prober.first_round.set()
        self.askers = {target.name: Said(target) for target in TARGETS}
        for name, one in self.prober.probed.items():
            one.asker = self.askers[name]

    async def probes(self, *found: tuple[str, bool]) -> list[Domain | None]:
        """Each target in turn; the verdict after each, told once."""
        seen: list[Domain | None] = []
        for name, answers in found:
            self.askers[name].answers = answers
            await self.prober._probe(self.prober.probed[name])
            if self.prober.verdict()[1] not in seen[-1:]:
                seen.append(self.prober.verdict()[1])
        return seen


def _event() -> asyncio.Event:
    return asyncio.Event()


FAR_IS_SURE = [("north", False)] * 4 + [("south", False)] * 4
WELL = [(target.name, True) for _ in range(4) for target in TARGETS]


@pytest.mark.parametrize(
    ("probes", "seen"),
    [
        # A cut behind the provider: north is sure before south's turn comes, and both before the provider's.
        ([*FAR_IS_SURE, ("resolver-1", True)], ["none", "isp"]),
        # A cut before it: the provider is not blamed for what his resolver said before.
        ([*FAR_IS_SURE, *[("resolver-1", False)] * 4, ("gateway", True)], ["none", "access"]),
        # In our own house.
        ([*FAR_IS_SURE, *[("resolver-1", False)] * 4, *[("gateway", False)] * 4], ["none", "lan"]),
        # North alone: south has answered since.
        ([("north", False)] * 4 + [("south", True)], ["none", "target"]),
        ([("north", False), ("south", True), *[("north", False)] * 3], ["none", "target"]),
        # South answered before north was lost: that says nothing of now.
        ([("south", True), *[("north", False)] * 9], ["none"]),
        # It mends.
        ([("north", False)] * 4 + [("south", True)] + [("north", True)] * 4, ["none", "target", "none"]),
    ],
)
def test_a_part_is_blamed_once_what_it_absolves_has_answered_since(
    probes: Sequence[tuple[str, bool]], seen: list[Domain | None]
) -> None:
    async def story() -> list[Domain | None]:
        line = Line()
        await line.probes(*WELL)
        return await line.probes(*probes)

    assert asyncio.run(story()) == seen
