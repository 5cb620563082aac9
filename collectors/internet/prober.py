"""The probes of one uplink in the background; what they say together is the judge's.

Each target is asked at moments of its own, so that probes never come in a bunch, not even after a
stall. What is asked while our own throughput test fills the line is counted apart.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from collectors.echo import icmp_allowed
from collectors.internet.asker import Address, Asker, HopAsker
from collectors.internet.fault import Domain, evidence
from collectors.internet.hops import MOST_HOPS, find_access
from collectors.internet.judge import Judge
from collectors.internet.names import Names
from collectors.internet.page import Page
from collectors.internet.probed import Probed
from collectors.internet.route import default_route
from collectors.internet.targets import COSTS, METERED_SECONDS, Cost, Target, month_bytes, next_moment, period
from collectors.internet.window import evidence_probes

if TYPE_CHECKING:
    from collectors.internet import Config

_QUICK_SECONDS = 0.4
"""Between the first probes, until there is a verdict."""
_SUSPICIOUS_SECONDS = 5.0
_DOUBTFUL_SECONDS = 5.0
"""From a lost probe to the next where they are far apart: three more fit between two usual ones."""
_ACCESS_SECONDS = 86400.0
_ACCESS_AGAIN_SECONDS = 900.0
_LOOK_SECONDS = 30.0
"""So often is looked whether the route or the system's name servers have changed."""
_ACCESS = Target("access", "access", "on the way")


class Prober:
    """Asks until cancelled; sets `changed` when the verdict turns. `loaded`: whether our own test fills the line."""

    def __init__(self, config: "Config", changed: asyncio.Event, loaded: Callable[[], bool] = lambda: False) -> None:
        self._config, self._changed, self._loaded = config, changed, loaded
        self._icmp = icmp_allowed()
        self.probed = {target.name: self._probed(target) for target in config.asked(config.name_servers())}
        self.names = Names(config.name_servers(), config.resolve_name, config.interface, self._spend)
        self.page = Page(config.page(), config.interface, self._spend)
        self._judge = Judge(self.names, self.page, period("target", config.probe_seconds, metered=config.metered))
        self.first_round = asyncio.Event()
        self._up_bytes = self._down_bytes = 0
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """All targets at their moments, names and page at theirs."""
        try:
            await asyncio.gather(*(self._probe(one) for one in self.probed.values()), self.names.ask(), self.page.ask())
            self._weigh()
            self.first_round.set()
            async with asyncio.TaskGroup() as group:
                self._group = group
                for one in list(self.probed.values()):
                    one.task = group.create_task(self._again_and_again(one))
                group.create_task(self._check())
                group.create_task(self._follow())
                group.create_task(self._find_access())
        finally:
            for one in self.probed.values():
                one.asker.close()

    def verdict(self) -> tuple[bool | None, Domain | None]:
        """Up, and the part to blame; None where nobody can say."""
        return self._judge.verdict

    def evidence(self) -> dict[str, str]:
        """What the verdict rests on, in words."""
        return evidence([one.witness() for one in self.probed.values()], self.names.count(), self.page.says)

    def take_bytes(self) -> tuple[int, int]:
        """Bytes down and up that probing has cost on the line since the last call."""
        spent = self._down_bytes, self._up_bytes
        self._down_bytes = self._up_bytes = 0
        return spent

    def bytes_per_second(self) -> float:
        """What probing costs on the line while all is well, both ways."""
        far = [(one.asker.method, one.period) for one in self.probed.values() if one.target.role != "lan"]
        config = self._config
        month = month_bytes(
            far, resolvers=len(self.names.servers), near_seconds=config.probe_seconds, metered=config.metered,
            page=bool(config.page()),
        )  # fmt: skip
        return month / (30 * 86400)

    def notes(self) -> dict[str, Any]:
        """For /status.json: how each target is asked, and what is no reading."""
        return {
            name: {
                "method": one.asker.method,
                "period_seconds": one.period,
                "answered": "{} of {}".format(*one.window.evidence()),
                "loss_ratio": one.window.loss_ratio(),
                "late": one.asker.late,
                "while_loaded": one.window.loaded,
                "mute": one.mute,
            }
            for name, one in self.probed.items()
        }

    def _probed(self, target: Target) -> Probed:
        asker = Asker(target, self._config.interface, icmp=self._icmp)
        return Probed(target, asker, period(target.role, self._config.probe_seconds, metered=self._config.metered))

    def _spend(self, cost: Cost, *, answered: bool) -> None:
        self._up_bytes += cost.up
        self._down_bytes += cost.down if answered else 0

    async def _again_and_again(self, one: Probed) -> None:
        quick = min(_QUICK_SECONDS, one.period)
        async with asyncio.TaskGroup() as group:
            for _ in range(evidence_probes(one.period)):
                if one.window.answers() is None:
                    group.create_task(self._probe(one))
                    await asyncio.sleep(quick)
            while True:
                now = time.monotonic()
                await asyncio.sleep(next_moment(now, one.period, one.phase) - now)
                group.create_task(self._probe_seldom(one) if one.period >= METERED_SECONDS else self._probe(one))

    async def _probe_seldom(self, one: Probed) -> None:
        """A probe whose next is far off: after a lost one soon again, until one is answered or it is sure."""
        await self._probe(one)
        while one.window.doubtful():
            await asyncio.sleep(_DOUBTFUL_SECONDS)
            await self._probe(one, again=True)

    async def _probe(self, one: Probed, *, again: bool = False) -> None:
        begun, loaded = time.monotonic(), self._loaded()
        rtt = await one.asker.ask()
        if one.target.role != "lan":
            self._spend(one.asker.cost, answered=rtt is not None)
        one.heard(rtt, begun, loaded=loaded or self._loaded(), again=again)
        if self.first_round.is_set():
            self._weigh()

    def _weigh(self) -> None:
        if self._judge.weigh(list(self.probed.values())):
            self._changed.set()

    async def _check(self) -> None:
        """Names and page: each at its own pace, and at once when something looks wrong."""
        tick = min(_SUSPICIOUS_SECONDS, self._config.probe_seconds)
        metered, near = self._config.metered, self._config.probe_seconds
        while True:
            await asyncio.sleep(tick * random.uniform(0.9, 1.1))
            wrong = self._suspicious()
            await asyncio.gather(
                self.names.ask_if(wrong, near_seconds=near, metered=metered),
                self.page.ask_if(wrong, near_seconds=near, metered=metered),
            )
            self._weigh()

    def _suspicious(self) -> bool:
        """Whether names and page are asked at once; they are the only witnesses where no far target is configured."""
        targets = self.probed.values()
        return (
            self.verdict()[1] != "none"
            or not self.names.well
            or not self.page.well
            or not any(one.target.role == "target" for one in targets)
            or any(one.window.suspicious() for one in targets if one.target.role != "lan" and not one.mute)
        )

    async def _follow(self) -> None:
        """Ask whom the system has named since: a router that came up after us, or was exchanged.

        No route, or no name server, is no news: those that we know are asked, and do not answer.
        """
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if default_route(interface=self._config.interface) is None:
                continue
            self.names.servers = self._config.name_servers() or self.names.servers
            asked = {target.name: target for target in self._config.asked(self.names.servers)}
            others = [name for name, one in self.probed.items() if one.target not in (_ACCESS, asked.get(name))]
            gone = [self.probed.pop(name) for name in others]
            for target in asked.values():
                if target.name not in self.probed:
                    self._begin(self._probed(target))
            for one in gone:
                await _end(one)

    def _begin(self, one: Probed) -> None:
        assert self._group is not None
        self.probed[one.target.name] = one
        one.task = self._group.create_task(self._again_and_again(one))

    async def _find_access(self) -> None:
        """The provider's first hop: looked for at the start, once a day, and when the route or the router changes."""
        until, known = 0.0, default_route(interface=self._config.interface)
        while True:
            route = default_route(interface=self._config.interface)
            far = next((one.target for one in self.probed.values() if one.target.role == "target"), None)
            named = any(one.target.role == "access" and one.target != _ACCESS for one in self.probed.values())
            if named:
                until = 0.0
                await self._end_found_access()
            elif far and self.verdict()[0] and (time.monotonic() >= until or route != known or self._access_moved()):
                known = route
                found = await self._look_for_access(Address(far.host, self._config.interface))
                until = time.monotonic() + (_ACCESS_SECONDS if found else _ACCESS_AGAIN_SECONDS)
            await asyncio.sleep(_LOOK_SECONDS if named or _ACCESS.name in self.probed else 1.0)

    async def _end_found_access(self) -> None:
        """Somebody is named as the provider's first hop: the one that we have found is not needed."""
        found = self.probed.get(_ACCESS.name)
        if found is not None and found.target == _ACCESS:
            await _end(self.probed.pop(_ACCESS.name))

    def _access_moved(self) -> bool:
        present = self.probed.get(_ACCESS.name)
        return present is not None and isinstance(present.asker, HopAsker) and present.asker.moved

    async def _look_for_access(self, toward: Address) -> bool:
        """Whether it was found; the one we have stays when it was not."""
        address = await toward.now()
        found = await find_access(address, self._config.interface) if address else None
        for _ in range(MOST_HOPS):
            self._spend(COSTS["hop"], answered=found is not None)
        if found is None or self._group is None:
            return False
        asker = HopAsker(toward, found.ttl, found.address, self._config.interface)
        present = self.probed.get(_ACCESS.name)
        if present is not None:
            present.asker = asker
            return True
        pace = period("access", self._config.probe_seconds, metered=self._config.metered)
        self._begin(Probed(_ACCESS, asker, pace))
        return True


async def _end(one: Probed) -> None:
    try:
        if one.task is not None:
            one.task.cancel()
            await asyncio.wait([one.task])
    finally:
        one.asker.close()
