"""One card read again and again: what is asked, how often, and what a bad day costs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agent.demo import ups
from agent.demo.card import Card as Simulated
from agent.demo.card import CardValue
from collectors.snmp import Session
from collectors.ups.poll import Card
from telemetry.errors import NotRecognised, TimedOut
from tests.devices.cards import Deaf, Looping, served
from tests.devices.recordings import recording

R, A = "1.3.6.1.2.1.33.1", "1.3.6.1.4.1.318.1.1.1"
MAINS: dict[str, CardValue] = ups.identity() | ups.on_mains()
ALARMS = f"{R}.6.2.1.2"


def _with(simulated: Simulated, act: Callable[[Card, Simulated], Awaitable[None]]) -> None:
    async def run() -> None:
        async with served(simulated) as at, Session(at) as session:
            await act(Card(session), simulated)

    asyncio.run(run())


def test_a_card_is_read_with_its_identity_and_its_values() -> None:
    async def act(card: Card, _: Simulated) -> None:
        state = await card.read()
        assert (state.mib, state.vendor, state.model, state.firmware) == (
            "rfc1628", "Simulated", "Simulated 3 kVA", "1.0",
        )  # fmt: skip
        assert (state.status, state.charge_ratio, state.runtime_seconds) == ("online", 1.0, 2280)
        assert (state.input_volts, state.output_volts, state.output_watts) == ([231], [230], 980)
        assert state.rejected == []

    _with(Simulated(MAINS), act)


def test_what_never_changes_is_remembered_and_what_is_not_there_is_not_asked_again() -> None:
    async def act(card: Card, simulated: Simulated) -> None:
        first = await card.read()
        for _ in range(3):  # while a card starts, what is NULL may have a value a moment later
            await card.read()
        before = simulated.requests
        second = await card.read()
        assert simulated.requests - before <= 3  # the values in two questions, the alarm table in one
        assert (second.model, second.vendor) == (first.model, first.vendor)

    _with(Simulated(MAINS), act)


def test_a_card_without_rfc_1628_costs_no_walk_for_its_alarms() -> None:
    async def act(card: Card, simulated: Simulated) -> None:
        for _ in range(3):
            await card.read()
        before = simulated.requests
        assert (await card.read()).mib == "mge"
        assert simulated.requests - before == 2  # 28 objects in two questions; no walk for alarms where they cannot be

    _with(Simulated(recording("eaton-9px-partial")), act)


def test_an_alarm_table_without_a_count_is_walked() -> None:
    async def act(card: Card, _: Simulated) -> None:
        assert (await card.read()).alarms == ["battery_bad"]

    uncounted = {oid: value for oid, value in MAINS.items() if oid != ups.ALARMS_PRESENT}
    _with(Simulated(uncounted | {f"{ALARMS}.1": f".{R}.6.3.1"}), act)


def test_an_outage_shows_with_the_next_reading_and_so_does_its_end() -> None:
    async def act(card: Card, simulated: Simulated) -> None:
        await card.read()
        simulated.update(ups.on_battery(seconds=30, runtime_minutes=20, charge=80))
        cut = await card.read()
        assert (cut.status, cut.on_battery_seconds, cut.alarms) == ("on_battery", 30, ["on_battery"])
        assert (cut.input_volts, cut.input_hertz) == ([0], None)
        simulated.update(ups.on_mains(charge=79))
        simulated.remove(ALARMS)
        back = await card.read()
        assert (back.status, back.on_battery_seconds, back.alarms) == ("online", 0, [])

    _with(Simulated(MAINS), act)


def test_table_rows_with_an_extra_nought_are_found_and_found_again() -> None:
    shifted = {oid: value for oid, value in MAINS.items() if not oid.startswith((f"{R}.3.3", f"{R}.4.4"))}
    for column in ("3.3.1.3", "4.4.1.2", "4.4.1.5"):
        shifted |= {f"{R}.{column}.{phase}.0": 20 + phase for phase in (1, 2, 3)}
    shifted |= {f"{R}.{column}.{phase}.0": 220 + phase for column in ("3.3.1.3", "4.4.1.2") for phase in (1, 2, 3)}
    shifted |= {f"{R}.3.3.1.2.1.0": 500, f"{R}.4.4.1.4.1.0": 700, f"{R}.3.2.0": 3, f"{R}.4.3.0": 3}

    async def act(card: Card, _: Simulated) -> None:
        for _again in range(2):
            state = await card.read()
            assert (state.input_volts, state.output_volts) == ([221, 222, 223], [221, 222, 223])
            assert state.load_ratio == pytest.approx([0.21, 0.22, 0.23])
            assert (state.input_hertz, state.output_watts) == (50, 700)

    _with(Simulated(shifted), act)


def test_an_alarm_table_that_fails_never_costs_the_poll() -> None:
    async def act(card: Card, _: Simulated) -> None:
        state = await card.read()
        assert (state.status, state.alarms) == ("online", [])

    _with(Deaf(MAINS), act)


def test_an_alarm_table_that_runs_in_a_circle_never_costs_the_poll() -> None:
    async def act(card: Card, _: Simulated) -> None:
        async with asyncio.timeout(5):
            state = await card.read()
        assert (state.status, state.alarms) == ("online", ["on_battery"])

    _with(Looping(MAINS | {f"{R}.6.1.0": 1}, ALARMS), act)


def test_a_card_that_loses_its_status_is_not_believed_and_is_recognised_anew_when_it_has_it_back() -> None:
    async def act(card: Card, simulated: Simulated) -> None:
        await card.read()
        simulated.remove(f"{R}.4.1")
        for _again in range(4):
            with pytest.raises(NotRecognised):
                await card.read()
        simulated.update(ups.on_mains())
        assert (await card.read()).status == "online"

    _with(Simulated(MAINS), act)


def test_a_card_that_is_swapped_for_another_brand_is_recognised_anew() -> None:
    async def act(card: Card, simulated: Simulated) -> None:
        await card.read()
        simulated.remove("1.3.6.1.2.1.33")
        simulated.update({f"{A}.4.1.1.0": 3, f"{A}.2.2.1.0": 64, "1.3.6.1.2.1.1.2.0": ".1.3.6.1.4.1.318.1.3.27"})
        for _again in range(3):
            with pytest.raises(NotRecognised):
                await card.read()
        state = await card.read()
        assert (state.mib, state.status, state.charge_ratio) == ("apc", "on_battery", 0.64)

    _with(Simulated(MAINS), act)


def test_a_card_that_falls_silent_times_out_and_is_read_when_it_is_back() -> None:
    async def act(card: Card, simulated: Simulated) -> None:
        await card.read()
        simulated.silent = True
        with pytest.raises(TimedOut):
            await card.read()
        simulated.silent = False
        assert (await card.read()).status == "online"

    _with(Simulated(MAINS), act)


def test_a_pdu_is_not_recognised_and_not_asked_for_values() -> None:
    pdu: dict[str, CardValue] = {"1.3.6.1.2.1.1.2.0": ".1.3.6.1.4.1.318.1.3.4.6", f"{A}.1.1.1.0": "AP8641"}

    async def act(card: Card, simulated: Simulated) -> None:
        with pytest.raises(NotRecognised):
            await card.read()
        assert simulated.requests <= 4  # who it is, its source, a battery of APC, a battery of RFC 1628

    _with(Simulated(pdu), act)
