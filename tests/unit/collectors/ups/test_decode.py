"""What cards say -> what we believe: the lies, the blanks and the odd shapes of section 1."""

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.snmp import Value
from collectors.ups.decode import clean_text, decode
from collectors.ups.mib import PHASED, Mib, brands, fallback
from collectors.ups.plausible import RULES
from collectors.ups.state import UpsState
from telemetry.catalogue import UPS_STATUSES
from tests.unit.collectors.ups.test_plausible import BOUNDS

R, A = "1.3.6.1.2.1.33.1", "1.3.6.1.4.1.318.1.1.1"
APC_FLAGS = f"{A}.11.1.1.0"
MAINS: dict[str, Value] = {f"{R}.4.1.0": 3}
BATTERY: dict[str, Value] = {f"{R}.4.1.0": 5}
APC = next(mib for mib in brands() if mib.name == "apc")


def rfc(raw: dict[str, Value]) -> UpsState:
    return decode(raw, fallback(), fallback())


def apc(raw: dict[str, Value]) -> UpsState:
    return decode({f"{A}.4.1.1.0": 2} | raw, APC, fallback())


def rules(state: UpsState) -> list[str]:
    return [one.rule for one in state.rejected]


def flags(*positions: int, length: int = 64) -> bytes:
    return "".join("1" if place + 1 in positions else "0" for place in range(length)).encode()


def test_raw_numbers_become_base_units() -> None:
    raw: dict[str, Value] = {
        f"{R}.2.3.0": 38, f"{R}.2.4.0": 97, f"{R}.2.5.0": 546, f"{R}.2.6.0": -82, f"{R}.2.7.0": 31,
        f"{R}.3.3.1.2.1": 499, f"{R}.3.3.1.3.1": 231, f"{R}.4.4.1.5.1": 35, f"{R}.4.4.1.4.1": 980,
    }  # fmt: skip
    state = rfc(MAINS | raw)
    assert (state.runtime_seconds, state.charge_ratio, state.battery_volts) == (2280, 0.97, 54.6)
    assert (state.battery_amperes, state.temperature_celsius, state.input_hertz) == (-8.2, 31, 49.9)
    assert (state.input_volts, state.load_ratio, state.output_watts, state.rejected) == ([231], [0.35], 980, [])


def test_a_card_that_says_nothing_leaves_everything_unknown() -> None:
    assert rfc({}) == UpsState(mib="rfc1628")


@pytest.mark.parametrize("raw", [999, 9999, 65535, 65534, 655350, 32767, 2147483647, 4294967295, -2147483648])
def test_a_sentinel_for_runtime_is_absent_and_counted(raw: int) -> None:
    state = rfc(MAINS | {f"{R}.2.3.0": raw})
    assert (state.runtime_seconds, rules(state)) == (None, ["sentinel"])


@pytest.mark.parametrize("oid", ["2.3.0", "2.4.0", "2.7.0"])
def test_minus_one_means_not_known_for_runtime_charge_and_temperature(oid: str) -> None:
    # Huawei GSE200M answers -1 for all three (snmpsim-data).
    state = rfc(MAINS | {f"{R}.{oid}": -1})
    assert (state.runtime_seconds, state.charge_ratio, state.temperature_celsius) == (None, None, None)
    assert len(state.rejected) == 1


def test_a_runtime_of_4294967295_timeticks_is_no_runtime_of_apc() -> None:
    assert apc({f"{A}.2.2.3.0": 4294967295}).runtime_seconds is None


@pytest.mark.parametrize(("charge", "runtime"), [(100, None), (21, None), (20, 0.0), (5, 0.0)])
def test_runtime_zero_with_full_charge_is_absent(charge: int, runtime: float | None) -> None:
    state = rfc(MAINS | {f"{R}.2.3.0": 0, f"{R}.2.4.0": charge})
    assert state.runtime_seconds == runtime
    assert ("zero_runtime_on_mains" in rules(state)) is (runtime is None)


def test_runtime_zero_on_an_empty_battery_in_an_outage_is_true() -> None:
    assert rfc(BATTERY | {f"{R}.2.3.0": 0, f"{R}.2.4.0": 3}).runtime_seconds == 0


@pytest.mark.parametrize(("value", "status"), [(99, "other"), (8, "other"), (0, None), (-1, None), (b"x", None)])
def test_a_status_outside_the_enum_is_other_or_unknown_and_counted(value: Value, status: str | None) -> None:
    state = rfc({f"{R}.4.1.0": value})
    assert (state.status, rules(state)) == (status, ["unknown_enum"])


def test_a_card_that_sends_its_numbers_as_text_is_read() -> None:
    texts = {oid: str(value).encode() if isinstance(value, int) else value for oid, value in BATTERY.items()}
    assert rfc(texts) == rfc(BATTERY)


@pytest.mark.parametrize(("value", "low"), [(1, None), (2, False), (3, True), (4, True), (7, None), (0, None)])
def test_battery_status_is_a_yes_a_no_or_unknown(value: int, low: bool | None) -> None:
    assert rfc(MAINS | {f"{R}.2.1.0": value}).battery_low is low


@pytest.mark.parametrize(("value", "replace"), [(1, False), (2, True), (0, None), (3, None)])
def test_a_replace_flag_outside_its_enum_says_nothing(value: int, replace: bool | None) -> None:
    assert apc({f"{A}.2.2.4.0": value}).replace_battery is replace


@pytest.mark.parametrize(
    "value", [b"54.6 V", b"n/a", b"", b"-", b"--5", b"5-", b"0x20", b"\xff\xfe", "1.3.6.1.2.1", b"1e3"], ids=repr
)
def test_a_number_of_the_wrong_type_is_refused_and_costs_nothing_else(value: Value) -> None:
    state = rfc(MAINS | {f"{R}.2.5.0": value, f"{R}.2.4.0": 100})
    assert (state.battery_volts, state.charge_ratio, rules(state)) == (None, 1.0, ["wrong_type"])


@pytest.mark.parametrize("value", [b"546", b" 546 ", b"546\0\0", b"546\r\n"])
def test_a_number_sent_as_text_is_read(value: bytes) -> None:
    assert rfc(MAINS | {f"{R}.2.5.0": value}).battery_volts == 54.6


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"SMART-UPS 1500", "SMART-UPS 1500"),
        (b"SMART-UPS\0garbage\xff", "SMART-UPS"),
        (b"  EA9080     \r\n", "EA9080"),
        (b"two\nlines", "two lines"),
        (b"caf\xc3\xa9", "caf"),
        (b"\0\0\0", ""),
        (b"", ""),
        (b"a" * 200, "a" * 48),
        (b"\x1b[31mred", "[31mred"),
    ],
)
def test_text_is_printable_ascii_without_padding(octets: bytes, text: str) -> None:
    assert clean_text(octets) == text


def test_empty_identification_is_unknown() -> None:
    state = rfc(MAINS | {f"{R}.1.1.0": b"\0", f"{R}.1.2.0": b"   ", f"{R}.1.3.0": b""})
    assert (state.vendor, state.model, state.firmware) == (None, None, None)


@given(st.binary(max_size=80))
def test_any_octets_give_short_printable_text(octets: bytes) -> None:
    text = clean_text(octets)
    assert len(text) <= 48
    assert text == text.strip()
    assert set(text) <= set(string.printable) - set("\t\n\r\x0b\x0c")


@pytest.mark.parametrize(
    ("rows", "volts"),
    [
        ({"1": 230}, [230]),
        ({"1": 230, "2": 0, "3": 0}, [230]),
        ({"1": 0, "2": 0, "3": 0}, []),  # on mains: the card does not measure it
        ({"1": 230, "2": 231, "3": 229}, [230, 231, 229]),
        ({"1": 230, "2": 0, "3": 229}, [230, 0, 229]),
        ({"1.0": 236, "2.0": 236, "3.0": 234}, [236, 236, 234]),
        ({"1": 2369}, [236.9]),
        ({}, []),
    ],
    ids=str,
)
def test_phases_that_are_not_there_answer_nought_and_are_absent(rows: dict[str, int], volts: list[float]) -> None:
    assert rfc(MAINS | {f"{R}.3.3.1.3.{index}": value for index, value in rows.items()}).input_volts == volts


@pytest.mark.parametrize("second", [None, -1, b"n/a"])
def test_a_phase_without_a_value_does_not_lend_its_place_to_the_next(second: Value | None) -> None:
    rows: dict[str, Value] = {f"{R}.3.3.1.3.1": 230, f"{R}.3.3.1.3.3": 229}
    state = rfc(MAINS | rows | ({} if second is None else {f"{R}.3.3.1.3.2": second}))
    assert state.input_volts != [230, 229]


def test_power_is_that_of_all_phases() -> None:
    rows: dict[str, Value] = {f"{R}.4.4.1.4.1": 5100, f"{R}.4.4.1.4.2": 3600, f"{R}.4.4.1.4.3": 2700}
    assert rfc(MAINS | rows).output_watts == 11_400


@pytest.mark.parametrize(
    ("watts", "load", "rating", "believed"),
    [
        (980, 35, 3000, 980),
        (980, None, 3000, 980),
        (980, 35, None, 980),
        (0, 0, 3000, 0),
        (0, 35, 3000, None),
        (0, 35, None, None),
        (2, 35, 3000, None),  # neither as it is, nor x100, nor x1000
        (1, 35, 3000, None),  # a kilowatt, or nearly two
        (11, 35, 30_000, 11_000),
        (50_000, 35, 3000, None),
        (-1, 35, 3000, None),
    ],
)
def test_watts_that_load_and_rating_cannot_give_are_absent(
    watts: int, load: int | None, rating: int | None, believed: float | None
) -> None:
    raw: dict[str, Value] = {f"{R}.4.4.1.4.1": watts}
    raw |= {} if load is None else {f"{R}.4.4.1.5.1": load}
    raw |= {} if rating is None else {f"{R}.9.5.0": rating}
    state = rfc(MAINS | raw)
    assert (state.output_watts, bool(state.rejected)) == (believed, believed is None)


@pytest.mark.parametrize(
    ("set_flags", "status", "low", "replace", "overload", "alarms"),
    [
        ((4, 6), "other", False, False, False, []),
        ((2, 6), "on_battery", False, False, False, []),
        ((2, 3, 6), "on_battery", True, False, False, []),
        ((5,), "other", False, True, False, []),
        ((9,), "other", False, False, True, []),
        ((10, 11, 33), "other", False, False, False, ["battery_discharged", "calibration", "no_batteries"]),
        ((), "other", False, False, False, []),
    ],
    ids=str,
)
def test_a_string_of_bits_is_read_from_position_one(
    set_flags: tuple[int, ...], status: str, low: bool, replace: bool, overload: bool, alarms: list[str]
) -> None:
    state = apc({f"{A}.4.1.1.0": 1, APC_FLAGS: flags(*set_flags)})
    found = (state.status, state.battery_low, state.replace_battery, state.overload, state.alarms)
    assert found == (status, low, replace, overload, alarms)


@pytest.mark.parametrize("octets", [b"UNKNOWN", b"UNKNOWN\0", b"", b"\0\0"])
def test_a_string_of_bits_that_is_not_known_says_nothing(octets: bytes) -> None:
    state = apc({APC_FLAGS: octets})
    assert (state.overload, state.replace_battery, state.rejected) == (None, None, [])


@pytest.mark.parametrize("octets", [b"0120", b"yes", b"\xff\xff"])
def test_a_string_of_bits_that_are_no_bits_is_refused(octets: bytes) -> None:
    state = apc({APC_FLAGS: octets})
    assert (state.overload, rules(state)) == (None, ["wrong_type"])


def test_a_string_of_bits_that_was_cut_says_nothing_of_the_missing_ones() -> None:
    state = apc({APC_FLAGS: flags(3, length=4)})
    assert (state.battery_low, state.overload, state.replace_battery) == (True, None, None)


def test_a_clear_status_outranks_the_bits() -> None:
    assert apc({f"{A}.4.1.1.0": 12, APC_FLAGS: flags(2)}).status == "trim"


def test_alarms_are_named_sorted_and_listed_once() -> None:
    rows = (".1.3.6.1.2.1.33.1.6.3.16", "1.3.6.1.2.1.33.1.6.3.1", "1.3.6.1.2.1.33.1.6.3.16")
    state = rfc(MAINS | {f"{R}.6.2.1.2.{index}": oid for index, oid in enumerate(rows, 1)})
    assert (state.alarms, state.replace_battery) == (["battery_bad", "fan_failure"], True)


@pytest.mark.parametrize("value", ["1.3.6.1.4.1.99999.1", 7, b"on fire", "1.3.6.1.2.1.33.1.6.3.99"])
def test_an_alarm_that_nobody_defined_has_no_name(value: Value) -> None:
    assert rfc(MAINS | {f"{R}.6.2.1.2.1": value}).alarms == []


def test_an_overload_alarm_is_an_overload() -> None:
    assert rfc(MAINS | {f"{R}.6.2.1.2.1": "1.3.6.1.2.1.33.1.6.3.8"}).overload is True


@pytest.mark.parametrize(("status", "seconds"), [(5, 95.0), (3, 0.0), (4, 0.0)])
def test_the_seconds_of_the_last_outage_end_with_mains(status: int, seconds: float) -> None:
    assert rfc({f"{R}.4.1.0": status, f"{R}.2.2.0": 95}).on_battery_seconds == seconds


def test_seconds_on_battery_without_a_status_are_unknown() -> None:
    assert rfc({f"{R}.2.2.0": 95}).on_battery_seconds is None


@pytest.mark.parametrize(("volts", "status"), [(230, "on_battery"), (0, "off")])
def test_off_with_an_on_battery_alarm_and_a_live_output_is_on_battery(volts: int, status: str) -> None:
    raw: dict[str, Value] = {f"{R}.4.1.0": 2, f"{R}.4.4.1.2.1": volts, f"{R}.6.2.1.2.1": "1.3.6.1.2.1.33.1.6.3.2"}
    assert rfc(raw).status == status


def test_the_precise_object_comes_first_and_the_coarse_one_fills_in() -> None:
    coarse: dict[str, Value] = {f"{A}.2.2.1.0": 97, f"{A}.3.2.1.0": 229}
    assert apc({f"{A}.2.3.1.0": 973} | coarse).charge_ratio == 0.973
    assert apc(coarse).charge_ratio == 0.97
    assert apc({f"{A}.2.3.1.0": -1} | coarse).charge_ratio == 0.97


def test_rfc_1628_fills_in_what_the_brand_leaves_open() -> None:
    state = apc({f"{R}.2.4.0": 88, f"{R}.2.3.0": 12, f"{A}.2.2.3.0": 60_000, f"{R}.4.1.0": 5})
    assert (state.charge_ratio, state.runtime_seconds, state.status) == (0.88, 600, "online")


V = "1.3.6.1.4.1.21111.1.1"


def test_a_voltronic_card_says_who_it_is_beside_rfc_1628() -> None:
    raw: dict[str, Value] = {f"{V}.1.3.0": b"OL-3KS", f"{V}.1.4.0": b"9312345678", f"{V}.1.6.0": b"VERFW:00712.03"}
    state = rfc(MAINS | raw)
    assert (state.model, state.serial, state.firmware) == ("OL-3KS", "9312345678", "VERFW:00712.03")
    assert rfc(MAINS | raw | {f"{R}.1.2.0": b"Online 3000"}).model == "Online 3000"


@pytest.mark.parametrize(("value", "replace"), [(0, None), (2, False), (5, False), (6, True), (7, True), (8, None)])
def test_and_whether_its_battery_is_to_be_replaced(value: int, replace: bool | None) -> None:
    assert rfc(MAINS | {f"{V}.3.1.0": value}).replace_battery is replace


def test_what_cannot_be_true_is_bounded() -> None:
    raw: dict[str, Value] = dict.fromkeys(
        (oid for mib in (APC, fallback()) for row in mib.row for oid in row.oids()), -7
    )
    assert 0 < len(apc(raw).rejected) <= 64


_VALUES: Any = st.one_of(
    st.integers(-(2**31), 2**32 - 1),
    st.sampled_from([0, 1, 2, 3, 5, -1, 100, 65535]),
    st.binary(max_size=70),
    st.from_regex(r"\.?1(\.\d{1,6}){1,12}", fullmatch=True),
    st.integers(1, 24).map(lambda n: f"1.3.6.1.2.1.33.1.6.3.{n}"),
    st.text("01", max_size=64).map(str.encode),
)


def _oids(mib: Mib) -> list[str]:
    found = [oid for row in (*mib.row, *fallback().row) for oid in row.oids()]
    tables = [f"{row.oid}.{index}" for row in fallback().row if row.alarms for index in range(1, 4)]
    extra = [oid + ".0" for row in mib.row if row.phases for oid in row.oids()]
    return [*found, *tables, *extra]


@pytest.mark.parametrize("mib", brands(), ids=lambda mib: mib.name)
@settings(max_examples=40)
@given(st.data())
def test_whatever_a_card_sends_the_state_is_physically_possible(mib: Mib, data: st.DataObject) -> None:
    state = decode(data.draw(st.dictionaries(st.sampled_from(_oids(mib)), _VALUES, max_size=40)), mib, fallback())
    assert state.status is None or state.status in UPS_STATUSES
    for field, (least, most) in BOUNDS.items():
        value = getattr(state, field)
        known = [one for one in (value if field in PHASED else [value]) if one is not None]
        assert all(least <= one <= most for one in known)
    assert {one.rule for one in state.rejected} <= set(RULES)
    assert all(len(one.raw) <= 48 for one in state.rejected)
    assert all(flag in (None, True, False) for flag in (state.battery_low, state.replace_battery, state.overload))
