"""What is known about a card spares the next start a detection; another card is never taken for it."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from agent.demo import ups
from agent.demo.card import Card as Simulated
from agent.demo.card import CardValue
from collectors.snmp import Access, Session
from collectors.ups.detect import SYS_OBJECT_ID
from collectors.ups.learned import Memory
from collectors.ups.poll import Card
from telemetry.errors import NotRecognised, TimedOut
from tests.devices.cards import FewObjects, served

MAINS = ups.identity() | ups.on_mains()
MODEL = "1.3.6.1.2.1.33.1.1.2.0"
APC: dict[str, CardValue] = {
    SYS_OBJECT_ID: ".1.3.6.1.4.1.318.1.3.27",
    "1.3.6.1.4.1.318.1.1.1.1.1.1.0": "Smart-UPS",
    "1.3.6.1.4.1.318.1.1.1.4.1.1.0": 2,
}


def test_a_file_tells_the_brand_and_the_batch_of_the_same_card_only(tmp_path: Path) -> None:
    at, other = Access(host="10.0.0.9"), Access(host="10.0.0.10")
    Memory(tmp_path / "card").keep(at, "1.3.6.1.4.1.318.1.3.27", "apc", 12)
    again = Memory(tmp_path / "card")
    known = again.recall(at, "1.3.6.1.4.1.318.1.3.27")
    assert known is not None
    assert (known.mib, known.batch) == ("apc", 12)
    assert again.recall(other, "1.3.6.1.4.1.318.1.3.27") is None
    assert again.recall(at, "1.3.6.1.2.1.33") is None
    assert again.recall(at, None) is None


@pytest.mark.parametrize("body", [b"", b"{", b'{"mib": 3}', b"\xff\0"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "card").write_bytes(body)
    assert Memory(tmp_path / "card").recall(Access(host="10.0.0.9"), "1.3") is None


def test_a_disk_that_takes_nothing_costs_nothing_but_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    Memory(tmp_path / "file" / "card").keep(Access(host="10.0.0.9"), "1.3", "apc", 12)


def test_a_restart_asks_a_known_card_far_less_and_never_in_questions_it_does_not_bear(tmp_path: Path) -> None:
    simulated = FewObjects(MAINS, most=1)  # answers one object a question, drops the others in silence

    async def run() -> tuple[int, int, str]:
        costs = []
        async with served(simulated) as at:
            for _ in ("first start", "restart"):
                async with Session(at) as session:
                    before = simulated.requests
                    state = await Card(session, Memory(tmp_path / "card")).read()
                    costs.append(simulated.requests - before)
                    assert session.batch == 1
        return costs[0], costs[1], state.mib

    first, again, mib = asyncio.run(run())
    assert mib == "rfc1628"
    assert again < first - 8  # the other brands are not asked, and nothing times out


def test_another_card_at_the_same_address_is_detected_anew_while_the_agent_runs(tmp_path: Path) -> None:
    simulated = Simulated(MAINS)

    async def run() -> tuple[str, str, str | None]:
        async with served(simulated) as at, Session(at) as session:
            card = Card(session, Memory(tmp_path / "card"))
            before = (await card.read()).mib
            for oid in MAINS:
                simulated.remove(oid)
            simulated.update(APC)
            for _ in range(3):  # three polls without a status
                with contextlib.suppress(NotRecognised):
                    await card.read()
            state = await card.read()
            return before, state.mib, state.model

    assert asyncio.run(run()) == ("rfc1628", "apc", "Smart-UPS")


def test_a_silent_card_that_comes_back_with_another_name_is_shown_by_its_new_name(tmp_path: Path) -> None:
    simulated = Simulated(MAINS)

    async def run() -> str | None:
        async with served(simulated) as at, Session(at) as session:
            card = Card(session, Memory(tmp_path / "card"))
            await card.read()
            simulated.silent = True
            with pytest.raises(TimedOut):
                await card.read()
            simulated.silent = False
            simulated.update({MODEL: "Another 5 kVA"})
            return (await card.read()).model

    assert asyncio.run(run()) == "Another 5 kVA"
