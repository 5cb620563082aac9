"""Rows of single brands of which no recording tells: the object as its MIB has it, and what must be read from it."""

from typing import Any

import pytest

from collectors.snmp import Value
from collectors.ups.decode import decode
from collectors.ups.mib import brands, fallback
from collectors.ups.state import UpsState

BRANDS = {mib.name: mib for mib in brands()}
E, R = "1.3.6.1.4.1", "1.3.6.1.2.1.33.1"
ROOTS = {
    "apc": f"{E}.318.1.1.1", "cyberpower": f"{E}.3808.1.1.1", "xppc": f"{E}.935.1.1.1", "eppc": f"{E}.935.10.1.1",
    "xups": f"{E}.534.1", "mge": f"{E}.705.1", "delta": f"{E}.2254.2.4", "huawei": f"{E}.2011.6.174.1",
    "liebert": f"{E}.476.1.42.3.5",
}  # fmt: skip
ON_MAINS: dict[str, dict[str, Value]] = {
    "apc": {"4.1.1.0": 2}, "cyberpower": {"4.1.1.0": 2}, "xppc": {"4.1.1.0": 2}, "eppc": {"2.1.0": 4},
    "xups": {"4.5.0": 3},
    "mge": {"7.3.0": 2, "7.4.0": 2}, "delta": {"5.1.0": 0}, "huawei": {"2.101.1.1.1": 3}, "liebert": {"3.55.0": 3},
}  # fmt: skip


def told(brand: str, raw: dict[str, Value]) -> UpsState:
    root = ROOTS[brand]
    named = {
        oid if oid.startswith("1.3.6.1.") else f"{root}.{oid}": value for oid, value in (ON_MAINS[brand] | raw).items()
    }
    return decode(named, BRANDS[brand], fallback())


def flags(*positions: int, length: int) -> bytes:
    return "".join("1" if place + 1 in positions else "0" for place in range(length)).encode()


ROWS: list[tuple[str, str, dict[str, Value], dict[str, Any]]] = [
    ("apc", "a self-test is no outage, though upsBasicOutputStatus says onBattery",
     {"4.1.1.0": 3, "3.3.1.0": 2300, "11.1.1.0": flags(2, 29, length=64)},
     {"status": "test", "alarms": ["test_in_progress"]}),
    ("apc", "nor is a calibration", {"4.1.1.0": 3, "3.3.1.0": 2300, "11.1.1.0": flags(2, 10, length=64)},
     {"status": "test"}),
    ("apc", "a cut during a self-test is an outage", {"4.1.1.0": 3, "3.3.1.0": 0, "11.1.1.0": flags(2, 29, length=64)},
     {"status": "on_battery"}),
    ("apc", "an outage is", {"4.1.1.0": 3, "11.1.1.0": flags(2, length=64)}, {"status": "on_battery"}),
    ("apc", "a flag beyond the 48th", {"11.1.1.0": flags(4, 53, length=64)}, {"alarms": ["emergency_power_off"]}),
    ("apc", "upsAdvStateAbnormalConditions", {"11.2.1.0": flags(4, 15, 24, length=32)},
     {"alarms": ["battery_failure", "fan_failure", "no_batteries"]}),
    ("apc", "in bypass due to an overload", {"11.2.1.0": flags(12, length=32)}, {"alarms": ["overload"],
     "overload": True}),
    ("apc", "noBatteryPresent(5) is no lie", {"2.1.1.0": 5}, {"battery_low": None, "alarms": ["no_batteries"],
     "rejected": []}),
    ("apc", "phases, table.1.phase", {"9.3.3.1.3.1.1.1": 231, "9.3.3.1.3.1.1.2": 229, "9.3.3.1.3.1.1.3": 230,
     "9.3.3.1.4.1.1.1": 105, "9.3.3.1.4.1.1.2": 98, "9.3.3.1.4.1.1.3": 110, "4.3.1.0": 0},
     {"output_volts": [231, 229, 230], "output_amperes": [10.5, 9.8, 11.0]}),
    ("apc", "phases, table.phase", {"9.2.3.1.3.1.1": 228, "9.2.3.1.3.1.2": 227, "9.2.3.1.3.1.3": 229,
     "9.3.3.1.3.1.1": 231,
     "9.3.3.1.4.1.1": 50, "9.3.3.1.10.1.1": 25},
     {"input_volts": [228, 227, 229], "output_volts": [231], "output_amperes": [5.0], "load_ratio": [0.25]}),
    ("apc", "to neutral before line to line, table.1.phase", {"9.2.3.1.3.1.1.1": 398, "9.2.3.1.3.1.1.2": 400,
     "9.2.3.1.3.1.1.3": 399, "9.2.3.1.14.1.1.1": 229, "9.2.3.1.14.1.1.2": 231, "9.2.3.1.14.1.1.3": 230,
     "9.3.3.1.3.1.1.1": 400, "9.3.3.1.22.1.1.1": 231, "9.3.3.1.13.1.1.1": 1400},
     {"input_volts": [229, 231, 230], "output_volts": [231], "output_watts": 1400}),
    ("apc", "the frequency of the phases where no other is told", {"3.2.4.0": 0, "9.2.2.1.4.1": 501,
     "9.3.2.1.4.1": 499}, {"input_hertz": 50.1, "output_hertz": 49.9}),
    ("apc", "-1 is not measured, and no lie", {"9.3.3.1.10.1.1": -1, "9.3.3.1.4.1.1": -1, "2.2.9.0": -1, "2.3.5.0": -1,
     "4.2.8.0": -1, "9.3.3.1.13.1.1": -1, "4.2.3.0": 12},
     {"load_ratio": [0.12], "output_amperes": [], "battery_amperes": None, "output_watts": None, "rejected": []}),
    ("apc", "one phase out of three rows", {"9.3.3.1.3.1.1": 231, "9.3.3.1.3.1.2": 0, "9.3.3.1.3.1.3": 0,
     "9.3.3.1.4.1.1": 82, "9.3.3.1.4.1.2": 0, "9.3.3.1.4.1.3": 0, "9.3.3.1.10.1.1": 17, "9.3.3.1.10.1.2": 0,
     "9.3.3.1.10.1.3": 0},
     {"output_volts": [231], "output_amperes": [8.2], "load_ratio": [0.17]}),
    ("apc", "three phases, one without load", {"9.3.3.1.3.1.1": 231, "9.3.3.1.3.1.2": 230, "9.3.3.1.3.1.3": 232,
     "9.3.3.1.4.1.1": 82, "9.3.3.1.4.1.2": 31, "9.3.3.1.4.1.3": 0}, {"output_amperes": [8.2, 3.1, 0.0]}),
    ("cyberpower", "the battery current is a percentage", {"2.2.7.0": 83}, {"battery_amperes": None}),
    ("cyberpower", "three phases", {"9.1.1.0": 3, "9.1.2.1.2.1": 2290, "9.1.2.1.2.2": 2301, "9.1.2.1.2.3": 2285,
     "9.1.2.1.4.1": 499, "9.2.1.0": 3, "9.2.2.1.2.1": 2300, "9.2.2.1.2.2": 2300, "9.2.2.1.2.3": 2299, "9.2.2.1.3.1": 40,
     "9.2.2.1.3.2": 50, "9.2.2.1.3.3": 60, "9.2.2.1.6.1": 880, "9.2.2.1.6.2": 1100, "9.2.2.1.6.3": 1320},
     {"input_volts": [229.0, 230.1, 228.5], "input_hertz": 49.9, "output_volts": [230.0, 230.0, 229.9],
      "output_amperes": [4.0, 5.0, 6.0], "output_watts": 3300}),
    ("cyberpower", "upsStatus", {"10.1.0": 2, "2.1.1.0": 4, "1.2.6.0": 3000, "10.2.0": 41},
     {"alarms": ["no_batteries", "temperature_bad"], "battery_low": None, "nominal_voltamperes": 3000,
      "temperature_celsius": 41}),
    ("xppc", "yes is 14 and no is 16", {"8.5.3.0": 14, "8.7.4.0": 14, "8.7.6.0": 14, "8.7.7.0": 16},
     {"battery_low": True, "overload": True, "alarms": ["temperature_bad"], "rejected": []}),
    ("xppc", "three phases", {"8.1.2.0": 95, "8.1.3.0": 40, "8.3.5.0": 31, "8.3.6.0": 28, "8.3.7.0": 30,
     "1.2.3.0": b"83250012"},
     {"charge_ratio": 0.95, "runtime_seconds": 2400, "load_ratio": [0.31, 0.28, 0.3], "serial": "83250012"}),
    ("xppc", "a single phase answers 0 for all of that", {f"8.{oid}.0": 0 for oid in ("1.2", "1.3", "3.5", "3.6",
     "3.7", "5.3", "7.4")}
     | {"2.2.1.0": 100, "4.2.3.0": 17}, {"charge_ratio": 1.0, "load_ratio": [0.17], "overload": None, "rejected": []}),
    ("xppc", "whole volts where the MIB says tenths",
     {"3.2.1.0": 221, "3.2.4.0": 500, "4.2.1.0": 230, "4.2.2.0": 500},
     {"input_volts": [221.0], "output_volts": [230.0]}),
    ("xppc", "whole degrees where the MIB says tenths may be either", {"2.2.3.0": 35}, {"temperature_celsius": None}),
    ("xppc", "tenths of a degree", {"2.2.3.0": 352}, {"temperature_celsius": 35.2}),
    ("xppc", "what RFC 1628 knows of the temperature, then", {"2.2.3.0": 35, "1.3.6.1.2.1.33.1.2.7.0": 35},
     {"temperature_celsius": 35}),
    ("eppc", "upsEIndentityUPSSerialNumber", {"1.4.0": b"8372A00012"}, {"serial": "8372A00012"}),
    ("eppc", "the number of phases counts", {"2.17.0": 1, "2.18.1.3.1": 2301, "2.18.1.3.2": 0, "2.18.1.3.3": 0,
     "2.18.1.7.1": 40,
     "2.18.1.7.2": 0, "2.18.1.7.3": 0, "2.9.0": 3000, "1.2.0": b"VFI 3000"},
     {"output_volts": [230.1], "load_ratio": [0.4], "nominal_voltamperes": 3000, "model": "VFI 3000"}),
    ("eppc", "fault(7)", {"2.1.0": 7}, {"status": "other", "alarms": ["internal_failure"]}),
    ("xups", "xupsBatteryLowCapacity", {"2.10.0": 1, "4.5.0": 5}, {"status": "on_battery", "battery_low": True}),
    ("xups", "tenths of amperes and load by phase", {"4.3.0": 3, "4.4.1.3.1": 3, "4.4.1.7.1": 31, "4.4.1.7.2": 27,
     "4.4.1.7.3": 30,
     "4.4.1.8.1": 30, "4.4.1.8.2": 26, "4.4.1.8.3": 29, "4.1.0": 28, "4.9.3.0": 1950},
     {"output_amperes": [3.1, 2.7, 3.0], "load_ratio": [0.3, 0.26, 0.29], "output_watts": 1950}),
    ("xups", "older firmware has whole amperes", {"4.3.0": 1, "4.4.1.3.1": 3, "4.1.0": 28},
     {"output_amperes": [3.0], "load_ratio": [0.28]}),
    ("xups", "ABM checkBattery(8), output not protected", {"2.5.0": 8, "4.10.0": 2, "3.9.0": 1, "2.8.0": 2},
     {"alarms": ["check_battery", "input_bad", "output_not_protected"], "replace_battery": None}),
    ("xups", "xupsOutputNotProtected and a fan", {"7.1.0": 2, "7.2.1.2.1": f"{E}.534.1.7.51",
     "7.2.1.2.2": f"{E}.534.1.7.33"},
     {"alarms": ["fan_failure", "output_not_protected"]}),
    ("mge", "yes/no objects are alarms", {"5.9.0": 1, "5.15.0": 1, "7.11.0": 2, "6.3.0": 2, "5.10.0": 2},
     {"alarms": ["battery_failure", "charger_failed"]}),
    ("mge", "upsmgBatteryLowCondition where the first is silent", {"5.16.0": 1}, {"battery_low": True}),
    ("delta", "three phases", {"4.1.0": 3, "4.3.0": 2290, "4.6.0": 2301, "4.9.0": 2285, "5.3.0": 3, "5.4.0": 2200,
     "5.8.0": 2201,
     "5.12.0": 2199, "5.5.0": 100, "5.9.0": 90, "5.13.0": 110, "5.6.0": 2000, "5.10.0": 1800, "5.14.0": 2200,
     "5.7.0": 30,
     "5.11.0": 27, "5.15.0": 33},
     {"input_volts": [229.0, 230.1, 228.5], "output_volts": [220.0, 220.1, 219.9], "output_amperes": [10.0, 9.0, 11.0],
      "output_watts": 6000, "load_ratio": [0.3, 0.27, 0.33]}),
    ("delta", "a single phase, whatever stands in the others", {"4.1.0": 1, "4.3.0": 2290, "4.6.0": 0, "5.3.0": 1,
     "5.4.0": 2200,
     "5.7.0": 30, "5.11.0": 0, "5.15.0": 0, "5.6.0": 600, "5.10.0": 9},
     {"input_volts": [229.0], "output_volts": [220.0], "load_ratio": [0.3], "output_watts": 600}),
    ("delta", "alarms of on(1) and off(0)", {"9.12.0": 1, "9.3.0": 1, "9.22.0": 1, "9.23.0": 0, "7.1.0": 1},
     {"overload": True, "battery_low": True, "alarms": ["battery_weak", "charger_failed"], "replace_battery": False}),
    ("delta", "dupsAlarmDisconnect", {"9.1.0": 1, "7.8.0": 100}, {"communicating": False, "status": None,
     "charge_ratio": None}),
    ("delta", "sold under another name", {"1.1.0": b"Northgate"}, {"vendor": "Northgate"}),
    ("huawei", "notExist(1) and the hottest module", {"2.101.1.3.1": 1, "2.101.1.4.1": 342},
     {"alarms": ["no_batteries"], "temperature_celsius": 34.2}),
    ("liebert", "lgpPwrStateUpsOutputSource", {"3.55.0": 5, "1.26.0": 3, "1.18.0": 12, "1.19.0": 40},
     {"status": "on_battery", "battery_low": True, "runtime_seconds": 720, "charge_ratio": 0.4}),
]  # fmt: skip


@pytest.mark.parametrize(("brand", "what", "raw", "says"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_a_row_tells_what_its_mib_says(brand: str, what: str, raw: dict[str, Value], says: dict[str, Any]) -> None:
    state = told(brand, raw)
    assert {
        name: pytest.approx(getattr(state, name)) if name in NUMERIC else getattr(state, name) for name in says
    } == says, what


NUMERIC = (
    "battery_amperes",
    "charge_ratio",
    "output_watts",
    "runtime_seconds",
    "temperature_celsius",
    "input_hertz",
    "output_hertz",
)


@pytest.mark.parametrize(
    ("brand", "own", "rfc", "amperes"),
    [
        ("mge", {"7.1.0": 1, "7.2.1.5.1": 0}, 7, [0.7]),  # some firmwares say 0 whatever flows
        ("xups", {"4.3.0": 1, "4.4.1.3.1": 0}, 4, [0.4]),  # whole amperes
        ("mge", {"7.1.0": 1, "7.2.1.5.1": 21}, 7, [2.1]),
        ("mge", {"7.1.0": 1, "7.2.1.5.1": 0}, 0, []),
        ("mge", {"7.1.0": 1, "7.2.1.5.1": 0}, None, []),
        ("mge", {"7.1.0": 3, "7.2.1.5.1": 0, "7.2.1.5.2": 14, "7.2.1.5.3": 0}, 7, [0.0, 1.4, 0.0]),
    ],
)
def test_nought_amperes_give_way_to_what_rfc_1628_tells(
    brand: str, own: dict[str, Value], rfc: int | None, amperes: list[float]
) -> None:
    raw = {f"{ROOTS[brand]}.{oid}": value for oid, value in (ON_MAINS[brand] | own).items()}
    told_by_rfc = {f"{R}.4.4.1.5.1": 9} | ({} if rfc is None else {f"{R}.4.4.1.3.1": rfc})
    assert decode(raw | told_by_rfc, BRANDS[brand], fallback()).output_amperes == pytest.approx(amperes)


@pytest.mark.parametrize("amperes", [[0], [0, 0, 0]])
def test_nought_amperes_without_a_load_are_nought(amperes: list[int]) -> None:
    own = {f"7.2.1.5.{line}": value for line, value in enumerate(amperes, 1)}
    raw = {f"{ROOTS['mge']}.{oid}": value for oid, value in ({"7.1.0": len(amperes)} | own).items()}
    assert decode(raw | {f"{R}.4.4.1.3.1": 0}, BRANDS["mge"], fallback()).output_amperes == amperes


def test_nought_watts_give_way_to_what_rfc_1628_tells() -> None:
    raw: dict[str, Value] = {f"{ROOTS['xups']}.4.4.1.4.1": 0, f"{R}.4.4.1.4.1": 310}
    assert decode(raw, BRANDS["xups"], fallback()).output_watts == 310


def test_one_object_that_lies_is_counted_once_however_many_rows_read_it() -> None:
    assert [one.rule for one in told("apc", {"11.1.1.0": b"0120"}).rejected] == ["wrong_type"]


@pytest.mark.parametrize(
    ("brand", "raw", "field", "expected"),
    [
        ("mge", {"5.14.0": 2, "5.16.0": 1}, "battery_low", True),
        ("mge", {"5.14.0": 1, "5.16.0": 2}, "battery_low", True),
        ("mge", {"5.14.0": 2, "5.16.0": 2, f"{R}.2.1.0": 3}, "battery_low", False),  # RFC 1628 cries wolf
        ("apc", {"11.1.1.0": flags(4, length=64), "2.1.1.0": 3}, "battery_low", True),
        ("apc", {"11.1.1.0": flags(4, length=64), "2.2.4.0": 2}, "replace_battery", True),
        ("apc", {"2.3.1.0": 0, "2.2.1.0": 100}, "charge_ratio", 1.0),
        ("apc", {"3.3.1.0": 0, "3.2.1.0": 231}, "input_volts", [231]),
        ("apc", {"2.3.2.0": -10, "2.2.2.0": 28}, "temperature_celsius", 28),
        ("apc", {"9.3.2.1.2.1": 1} | {f"9.3.3.1.3.1.1.{phase}": 230 for phase in (1, 2, 3)}, "output_volts", [230]),
        ("xppc", {"4.1.1.0": 3, "2.2.1.0": 15, "2.2.4.0": 0}, "runtime_seconds", None),
        ("xppc", {"8.2.1.0": 499}, "input_hertz", 49.9),
        ("xppc", {"3.2.1.0": 9999}, "input_volts", []),
        ("xups", {"3.5.0": 2}, "alarms", ["utility_not_present"]),
    ],
)
def test_what_one_object_leaves_open_or_plays_down_another_tells(
    brand: str, raw: dict[str, Value], field: str, expected: object
) -> None:
    assert getattr(told(brand, raw), field) == expected


@pytest.mark.parametrize(
    ("volts", "lines", "expected"),
    [
        ((230, 228, 0), 3, [230, 228, 0]),  # one of three is dead
        ((230, 228, 0), None, [230, 228, 0]),
        ((230, 0, 0), None, [230]),  # two that do not exist
        ((0, 0, 0), None, [0]),
        ((230, 0, 0), 3, [230]),  # the output has one
    ],
)
def test_a_dead_phase_is_shown_and_one_that_does_not_exist_is_not(
    volts: tuple[int, ...], lines: int | None, expected: list[float]
) -> None:
    raw: dict[str, Value] = {f"{R}.3.3.1.3.{phase}": value for phase, value in enumerate(volts, 1)}
    raw |= {f"{R}.4.1.0": 5, f"{R}.4.4.1.2.1": 229} | ({} if lines is None else {f"{R}.3.2.0": lines})
    assert decode(raw, fallback(), fallback()).input_volts == expected


@pytest.mark.parametrize(
    ("watts", "expected"),
    [((100, 110, 120), 3300.0), ((100, None, None), 1000.0), ((65535, 110, 120), None), ((None, 110, 120), None),
     ((100, None, 120), None)],
)  # fmt: skip
def test_power_without_one_of_its_phases_is_no_sum(watts: tuple[int | None, ...], expected: float | None) -> None:
    rows = [row for row in BRANDS["ita2"].row if row.field == "output_watts"]
    raw: dict[str, Value] = {row.oid: value for row, value in zip(rows, watts, strict=True) if value is not None}
    assert decode(raw, BRANDS["ita2"], fallback()).output_watts == expected


COLUMNS: dict[str, Value] = {"3.3.1.3": 228, "4.4.1.2": 230, "4.4.1.3": 18, "4.4.1.4": 400, "4.4.1.5": 21}


@pytest.mark.parametrize(
    ("changes", "phases", "watts"),
    [
        ({}, 1, 400.0),
        ({"4.3.0": 0, "3.2.0": 0}, 1, 400.0),
        ({"4.3.0": 3, "3.2.0": 3}, 3, 1200.0),  # told: three phases that are alike
        ({"4.4.1.3.2": 19}, 3, 1200.0),
        ({"3.3.1.3.3": 229}, 3, 1200.0),
    ],
)
def test_a_first_line_that_stands_in_every_row_is_one_phase(
    changes: dict[str, Value], phases: int, watts: float
) -> None:
    rows = {f"{column}.{phase}": value for column, value in COLUMNS.items() for phase in (1, 2, 3)}
    state = decode({f"{R}.{oid}": v for oid, v in ({"4.1.0": 3} | rows | changes).items()}, fallback(), fallback())
    lengths = {len(one) for one in (state.input_volts, state.output_volts, state.output_amperes, state.load_ratio)}
    assert (lengths, state.output_watts) == ({phases}, watts)


def test_three_phases_alike_with_nothing_flowing_may_be_three() -> None:
    rows = {f"{column}.{phase}": 230 if column != "4.4.1.5" else 0 for column in COLUMNS for phase in (1, 2, 3)}
    raw = {f"{R}.{oid}": value for oid, value in rows.items() if not oid.startswith(("4.4.1.3", "4.4.1.4"))}
    assert decode(raw, fallback(), fallback()).output_volts == [230, 230, 230]
