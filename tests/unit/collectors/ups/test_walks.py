"""Walks of real devices, each played by a card on loopback and read as a gateway would."""

import asyncio
from collections.abc import Sequence
from functools import cache

import pytest

from agent.demo.card import Card
from collectors.snmp import Session
from collectors.ups.mib import brands
from collectors.ups.poll import Card as Poll
from collectors.ups.state import UpsState
from telemetry.catalogue import UPS_STATUSES
from telemetry.errors import NotRecognised
from tests.devices.cards import served
from tests.devices.recordings import names, recording

# No walk of an outage exists in public: every one of these stood on mains.
UPS = ["eastpower-istars-swv053", "eaton-93e-80", "huawei-gse200m", "ingrasys-power-switch", "phoenixtec-power"]
OTHERS = ["apc-7902b", "apc-8641", "apc-8932", "emerson-network-power", "juniper-ac"]
# UPSes that do not speak RFC 1628, and the roots of the brands that could read them.
OWN_TONGUE = {
    "eaton-9px-partial": ("1.3.6.1.4.1.534.", "1.3.6.1.4.1.705."),
    "vertiv-power": ("1.3.6.1.4.1.476.",),
}

every_ups = pytest.mark.parametrize("name", UPS)


@cache
def _state(name: str) -> UpsState | None:
    async def read() -> UpsState:
        async with served(Card(recording(name))) as at, Session(at) as session:
            return await Poll(session).read()

    try:
        return asyncio.run(read())
    except NotRecognised:
        return None


def _known(*phases: Sequence[float | None]) -> list[float]:
    return [one for values in phases for one in values if one is not None]


def _ups(name: str) -> UpsState:
    state = _state(name)
    assert state is not None
    return state


def test_every_walk_of_the_package_is_among_the_expected() -> None:
    assert set(names()) == {*UPS, *OTHERS, *OWN_TONGUE}


@every_ups
def test_a_ups_is_recognised_and_stands_on_mains(name: str) -> None:
    assert _ups(name).status == "online"


@pytest.mark.parametrize("name", OTHERS)
def test_a_pdu_a_rectifier_and_a_switch_are_not_taken_for_a_ups(name: str) -> None:
    assert _state(name) is None


@pytest.mark.parametrize(
    ("name", "roots"), OWN_TONGUE.items(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_ups_without_rfc_1628_is_recognised_as_soon_as_a_brand_file_speaks_its_tongue(
    name: str, roots: tuple[str, ...]
) -> None:
    spoken = any(mib.probe.startswith(roots) and mib.probe in recording(name) for mib in brands())
    assert (_state(name) is not None) is spoken


@every_ups
def test_what_is_believed_of_a_ups_is_what_a_person_would_read_off_its_panel(name: str) -> None:
    state = _ups(name)
    assert state.status in UPS_STATUSES
    assert state.charge_ratio in (None, 1.0)
    assert all(200 <= volts <= 250 for volts in _known(state.input_volts, state.output_volts))
    assert state.input_volts
    assert state.output_volts
    assert all(45 <= hertz <= 55 for hertz in (state.input_hertz, state.output_hertz) if hertz is not None)
    assert all(0 <= load <= 1 for load in _known(state.load_ratio))
    assert state.temperature_celsius is None or 15 <= state.temperature_celsius <= 45
    assert state.runtime_seconds is None or 60 <= state.runtime_seconds <= 86_400
    assert state.battery_low in (None, False)
    assert state.replace_battery in (None, False)
    assert state.alarms == []


@every_ups
def test_mains_frequency_of_a_ups_is_read(name: str) -> None:
    assert _ups(name).input_hertz == pytest.approx(50, abs=1)


def test_the_values_of_an_eaton_93e_are_those_of_its_walk() -> None:
    state = _ups("eaton-93e-80")
    assert (state.charge_ratio, state.input_volts, state.output_volts) == (1.0, [227, 227, 233], [220, 220, 220])
    assert state.load_ratio == pytest.approx([0.21, 0.16, 0.12])
    assert (state.vendor or "").upper().startswith("EATON")
    assert "93E" in (state.model or "")
    assert state.battery_volts == pytest.approx(521, abs=1)


def test_the_power_of_three_phases_is_their_sum() -> None:
    assert _ups("eaton-93e-80").output_watts == pytest.approx(5100 + 3600 + 2700)


def test_a_huawei_gse200m_that_answers_minus_one_publishes_no_minus_one() -> None:
    state = _ups("huawei-gse200m")
    own = any(mib.probe.startswith("1.3.6.1.4.1.2011.") for mib in brands())
    assert (state.charge_ratio, state.runtime_seconds) == ((1.0, 28_080) if own else (None, None))
    assert state.temperature_celsius is None


def test_a_huawei_gse200m_that_answers_tenfold_volts_and_hertz_is_mended() -> None:
    state = _ups("huawei-gse200m")
    assert all(215 <= volts <= 245 for volts in _known(state.input_volts, state.output_volts))
    assert state.output_hertz == pytest.approx(50, abs=0.1)
    assert state.input_hertz == pytest.approx(50, abs=0.1)


def test_a_huawei_gse200m_that_sends_tenths_of_a_kilowatt_does_not_claim_watts() -> None:
    watts = _ups("huawei-gse200m").output_watts
    assert watts is None or watts > 1000


@pytest.mark.parametrize("name", ["eastpower-istars-swv053", "ingrasys-power-switch", "phoenixtec-power"])
def test_a_card_that_cannot_estimate_its_runtime_does_not_say_nought(name: str) -> None:
    assert _ups(name).runtime_seconds != 0


def test_absent_phases_of_a_phoenixtec_are_absent() -> None:
    state = _ups("phoenixtec-power")
    assert (len(state.input_volts), len(state.output_volts)) == (1, 1)
