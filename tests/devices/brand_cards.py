"""Simulated cards of brands of which there is no recording: plausible devices, written from the text of each MIB.

`values` are what the card answers, `says` what must be read from it, worked out by hand; the object that proves a value
stands beside it. `situations` are changes of those values: what changes in what is read.
"""

from typing import Any

from msgspec import Struct

from agent.demo.card import CardValue

Values = dict[str, CardValue]
Says = dict[str, Any]
OBJECT_ID = "1.3.6.1.2.1.1.2.0"
E = "1.3.6.1.4.1"
R = "1.3.6.1.2.1.33.1"


class Device(Struct):
    """One model of a brand, on mains."""

    object_id: str
    root: str
    values: Values
    says: Says
    situations: dict[str, tuple[Values, Says]]

    def card(self, changes: Values) -> Values:
        """The objects of its card; names are relative to the root unless they are whole."""
        named = {name if name.startswith("1.3.6.1.") else f"{self.root}.{name}": v for name, v in self.values.items()}
        changed = {name if name.startswith("1.3.6.1.") else f"{self.root}.{name}": v for name, v in changes.items()}
        return {OBJECT_ID: f".{self.object_id}"} | named | changed


def alarm(root: str, known: str) -> Values:
    """One row in a table of alarms laid out as in RFC 1628."""
    return {f"{root}.6.1.0": 1, f"{root}.6.2.1.2.95": f".{root}.6.3.{known}"}


_SOCOMEC = f"{E}.4555.1.1.7.1"
_NETVISION = f"{E}.4555.1.1.1.1"
_RIELLO = f"{E}.5491.10.1"
_TRIPP = f"{E}.850.1.1.3.1"
_ON_BATTERY: Says = {"status": "on_battery", "on_battery_seconds": 95.0}

DEVICES: dict[str, Device] = {
    "socomec": Device(
        object_id=f"{E}.4555.1.1.7",
        root=_SOCOMEC,
        values={
            "1.1.0": "MASTERYS BC+ 40kVA", "1.2.0": "P123456001", "1.5.0": "8.11b",
            "2.1.0": 2, "2.2.0": -1, "2.3.0": 42, "2.4.0": 98, "2.5.0": 5412, "2.6.0": 247, "2.8.0": 3,
            "3.1.0": 3, "3.2.0": 499, "3.3.1.2.1": 2303, "3.3.1.2.2": 2311, "3.3.1.2.3": 2297,
            "4.1.0": 4, "4.2.0": 500, "4.3.0": 3, "4.4.1.2.1": 2300, "4.4.1.2.2": 2301, "4.4.1.2.3": 2299,
            "4.4.1.3.1": 261, "4.4.1.3.2": 174, "4.4.1.3.3": 87, "4.4.1.4.1": 45, "4.4.1.4.2": 30, "4.4.1.4.3": 15,
            "4.6.0": 110, "4.7.0": 30, "6.1.0": 0, "8.1.0": 400,
        },
        says={
            "mib": "socomec", "vendor": "Socomec", "model": "MASTERYS BC+ 40kVA", "serial": "P123456001",
            "firmware": "8.11b",
            "status": "online",  # upsOutputSource normalMode(4)
            "battery_low": False, "replace_battery": False, "charge_ratio": 0.98, "runtime_seconds": 2520.0,
            "battery_volts": 541.2, "battery_amperes": 0.3, "temperature_celsius": 24.7,  # tenths, unlike RFC 1628
            "input_volts": [230.3, 231.1, 229.7], "input_hertz": 49.9, "output_hertz": 50.0, "output_volts": [230.0,
            230.1, 229.9],
            "output_amperes": [26.1, 17.4, 8.7], "load_ratio": [0.45, 0.3, 0.15],
            "output_watts": 11000.0,  # upsOutputGlobalkW in 0.1 kW
            "nominal_voltamperes": 40000.0,  # upsConfigNomKva in 0.1 kVA
            "alarms": [], "rejected": [],
        },
        situations={
            "battery": ({"4.1.0": 3, "2.1.0": 5, "2.2.0": 95}, _ON_BATTERY),  # onInverter, batteryDischarging
            "fed by the inverter from mains": ({"4.1.0": 3, "2.1.0": 3}, {"status": "online"}),  # batteryCharging
            "low": ({"4.1.0": 3, "2.1.0": 6, "2.2.0": 95}, {**_ON_BATTERY, "battery_low": True}),
            # upsAlarmBatteryFault
            "replace": (alarm(_SOCOMEC, "19"), {"replace_battery": True, "alarms": ["battery_bad"]}),
            "overload": (alarm(_SOCOMEC, "2"), {"overload": True, "alarms": ["output_overload"]}),
            "bypass": ({"4.1.0": 6}, {"status": "bypass"}),
            "maintenance": ({"4.1.0": 2}, {"status": "bypass"}),
            "off": ({"4.1.0": 8}, {"status": "off"}),
            "no battery": ({"2.1.0": 9}, {"battery_low": None, "replace_battery": None,
            "alarms": ["battery_disconnected"]}),
            "the other objects of a value": (
                {
                    "2.4.0": None, "2.9.0": 91, "2.6.0": None, "2.7.0": 301, "4.4.1.4.1": None, "4.4.1.4.2": None,
                    "4.4.1.4.3": None, "4.6.0": None, "4.4.1.6.1": 51, "4.4.1.6.2": 34, "4.4.1.6.3": 17,
                },
                # upsBatterySOC, upsAmbientTemperature, upsOutputLoadRate, upsOutputKw
                {"charge_ratio": 0.91, "temperature_celsius": 30.1, "load_ratio": [0.3], "output_watts": 10200.0},
            ),
        },
    ),
    "netvision": Device(
        object_id=f"{E}.4555.1.1.1",
        root=_NETVISION,
        values={
            "1.1.0": "NETYS RT 3000VA", "1.2.0": "2.05", "1.4.0": "N0012345",
            "2.1.0": 2, "2.2.0": -1, "2.3.0": 17, "2.4.0": 100, "2.5.0": 819, "2.6.0": 28,
            "3.1.0": 1, "3.2.0": 502, "3.3.1.2.1": 2214,
            "4.1.0": 2, "4.2.0": 500, "4.3.0": 1, "4.4.1.2.1": 2302, "4.4.1.3.1": 52, "4.4.1.4.1": 38, "6.1.0": 0,
        },
        says={
            "mib": "netvision", "model": "NETYS RT 3000VA", "serial": "N0012345", "firmware": "2.05",
            "status": "online",  # onInverter(2), and upsBatteryStatus is batteryNormal(2)
            "battery_low": False, "charge_ratio": 1.0, "runtime_seconds": 1020.0, "battery_volts": 81.9,
            "temperature_celsius": 28.0,  # whole degrees here
            "input_volts": [221.4], "input_hertz": 50.2, "output_hertz": 50.0, "output_volts": [230.2],
            "output_amperes": [5.2],
            "load_ratio": [0.38], "output_watts": None, "rejected": [],
        },
        situations={
            "battery": ({"2.1.0": 5, "2.2.0": 95}, _ON_BATTERY),
            "low": ({"2.1.0": 3, "2.2.0": 95}, {**_ON_BATTERY, "battery_low": True}),
            "replace": ({"2.1.0": 6}, {"replace_battery": True, "alarms": ["battery_failure"], "status": "other"}),
            "overload": (alarm(_NETVISION, "8"), {"overload": True, "alarms": ["output_overload"]}),
            "bypass": ({"4.1.0": 5}, {"status": "bypass"}),
            "no contact with the UPS": (
                alarm(_NETVISION, "20"),
                {"communicating": False, "status": None, "charge_ratio": None, "alarms": ["communications_lost"]},
            ),
        },
    ),
    "hp": Device(
        object_id=f"{E}.232.165.3",
        root=f"{E}.232.165.3",
        values={
            "1.1.0": "HP", "1.2.0": "HP R5000;AF461A;3C81234567", "1.3.0": "2.01.0018",
            "2.1.0": 1930, "2.2.0": 136, "2.3.0": 0, "2.4.0": 99, "2.5.0": 4, "3.1.0": 500, "3.3.0": 1,
            "3.4.1.2.1": 227,
            "3.5.0": 3, "4.1.0": 31, "4.2.0": 500, "4.3.0": 1, "4.4.1.2.1": 230, "4.4.1.3.1": 6, "4.4.1.4.1": 1380,
            "4.5.0": 3, "6.1.0": 27, "7.2.0": 2, "9.3.0": 4500,
        },
        says={
            "mib": "hp", "vendor": "HP", "model": "HP R5000", "serial": "3C81234567", "firmware": "2.01.0018",
            "status": "online", "replace_battery": False,  # upsTestBatteryStatus passed(2)
            "battery_low": None, "overload": None,  # no object of the MIB tells
            "charge_ratio": 0.99, "runtime_seconds": 1930.0,  # seconds, not minutes
            "battery_volts": 136.0, "temperature_celsius": 27.0, "input_volts": [227.0], "input_hertz": 50.0,
            "output_volts": [230.0], "output_amperes": [6.0], "load_ratio": [0.31], "output_watts": 1380.0,
            "output_hertz": 50.0, "nominal_voltamperes": 4500.0,
            "rejected": [],
        },
        situations={
            "battery": ({"4.5.0": 5, "3.5.0": 2, "3.4.1.2.1": 0}, {"status": "on_battery", "input_volts": [0.0]}),
            "low is our own rule's": ({"4.5.0": 5, "2.4.0": 9}, {"status": "on_battery", "charge_ratio": 0.09,
            "battery_low": None}),
            "replace": ({"7.2.0": 3}, {"replace_battery": True}),
            "overload shows in the load": ({"4.1.0": 112, "4.4.1.4.1": 5040, "4.4.1.3.1": 22}, {"load_ratio": [1.12]}),
            "bypass": ({"4.5.0": 4}, {"status": "bypass"}),
            "high efficiency": ({"4.5.0": 10}, {"status": "eco"}),
            "a battery test": ({"4.5.0": 5, "7.2.0": 4}, {"status": "test"}),  # upsTestBatteryStatus inProgress(4)
            "a cut during a test": ({"4.5.0": 5, "7.2.0": 4, "3.4.1.2.1": 0}, {"status": "on_battery"}),
            # upsOutputCurrent in whole amperes here, in tenths in RFC 1628
            "a small load": (
                {"4.1.0": 2, "4.4.1.3.1": 0, "4.4.1.4.1": 90, f"{R}.4.4.1.3.1": 4},
                {"output_amperes": [0.4], "output_watts": 90.0, "rejected": []},
            ),
        },
    ),
    "dell": Device(
        object_id=f"{E}.674.10902.2",
        root=f"{E}.674.10902.2",
        values={
            "100.3.0": "Dell", "120.1.1.0": "Dell UPS Rack 1920W HV", "120.1.2.0": "CN0J716T",
            "120.1.4.0": "01.12.0004",
            "120.4.2.0": "", "120.5.1.0": 4, "120.5.3.0": 2410,
            # What the MIB has no object for stands in RFC 1628.
            f"{R}.4.1.0": 3, f"{R}.2.1.0": 2, f"{R}.2.4.0": 100, f"{R}.2.5.0": 542, f"{R}.3.2.0": 1,
            f"{R}.3.3.1.3.1": 229,
            f"{R}.4.3.0": 1, f"{R}.4.4.1.2.1": 230, f"{R}.4.4.1.5.1": 22,
        },
        says={
            "mib": "dell", "vendor": "Dell", "model": "Dell UPS Rack 1920W HV", "serial": "CN0J716T",
            "firmware": "01.12.0004",
            "status": "online", "battery_low": False, "replace_battery": False, "overload": False,  # nothing is listed
            "runtime_seconds": 2410.0, "charge_ratio": 1.0, "battery_volts": 54.2, "input_volts": [229.0],
            "output_volts": [230.0], "load_ratio": [0.22], "alarms": [], "rejected": [],
        },
        situations={
            # trapUtilityNotPresent 47, trapUPSOnBattery 57; abmDischarging(2)
            "battery": (
                {"120.4.2.0": "47,57", "120.5.1.0": 2, f"{R}.4.1.0": 5, f"{R}.2.2.0": 95},
                {**_ON_BATTERY, "alarms": ["utility_not_present"]},
            ),
            "battery, told by the charger only": (
                {"120.4.2.0": None, "120.5.1.0": 2, f"{R}.4.1.0": None}, {"status": "on_battery", "overload": None},
            ),
            "a battery test": ({"120.4.2.0": "57,61", "120.5.1.0": 2, f"{R}.4.1.0": 5}, {"status": "test"}),
            # trapBatteryTestInProgress 61 says that it tests, not that there is mains
            "a cut during a test": (
                {"120.4.2.0": "47,57,61", "120.5.1.0": 2, f"{R}.4.1.0": 5, f"{R}.3.3.1.3.1": 0, f"{R}.2.2.0": 95},
                {**_ON_BATTERY, "alarms": ["utility_not_present"]},
            ),
            # physicalBatteryTestStatus inProgress(5)
            "a test without a list": (
                {"120.4.2.0": None, "120.5.1.0": 2, "120.5.2.0": 5, f"{R}.4.1.0": None}, {"status": "test"},
            ),
            "productIDDisplayName": ({"120.1.1.0": None, "100.1.0": "Dell UPS 1920W"}, {"model": "Dell UPS 1920W"}),
            "low": ({"120.4.2.0": "57,43", "120.5.1.0": 2}, {"status": "on_battery", "battery_low": True}),
            "replace": ({"120.4.2.0": "63"}, {"replace_battery": True}),  # trapBatteryNeedReplacement
            "overload": ({"120.4.2.0": "21"}, {"overload": True}),  # trapLevel2Overload
            "bypass": ({"120.4.2.0": "59"}, {"status": "bypass"}),
            "boost": ({"120.4.2.0": "9"}, {"status": "boost"}),
            "RFC 1628 before the charger": ({"120.4.2.0": None, "120.5.1.0": 3, f"{R}.4.1.0": 4}, {"status": "bypass"}),
            "ABM off and nothing else told": ({"120.4.2.0": None, "120.5.1.0": 5, f"{R}.4.1.0": None},
            {"status": "other"}),
        },
    ),
    "tripplite": Device(
        object_id=f"{E}.850.1.1.1",
        root=_TRIPP,
        values={
            f"{E}.850.1.1.1.2.1.4.1": "TRIPP LITE", f"{E}.850.1.1.1.2.1.5.1": "SMART3000RMXL2U",
            f"{E}.850.1.1.2.1.1.5.1": "2837AY0SM7", f"{E}.850.1.1.2.1.1.4.1": "FW-2837", f"{E}.850.1.3.1.0": 0,
            "2.1.1.7.1": 29, "3.1.1.1.1.1": 2, "3.1.1.1.2.1": 0, "3.1.1.1.3.1": 33, "3.1.1.1.4.1": 100,
            "3.1.1.1.5.1": 201000,
            "3.1.2.1.1.1": 547, "3.1.2.1.5.1": 0, "3.1.5.1.1.1.1": 1, "3.2.2.1.2.1.1": 501, "3.2.2.1.3.1.1": 2246,
            "3.3.1.1.1.1": 3, "3.3.1.1.3.1": 501, "3.3.2.1.2.1.1": 2246, "3.3.2.1.3.1.1": 41, "3.3.2.1.4.1.1": 790,
            "3.3.2.1.5.1.1": 28,
        },
        says={
            "mib": "tripplite", "vendor": "Tripp Lite", "model": "SMART3000RMXL2U", "serial": "2837AY0SM7",
            "firmware": "FW-2837",
            "status": "online", "battery_low": False, "replace_battery": False,  # pack condition good(1)
            "charge_ratio": 1.0, "runtime_seconds": 2010.0,  # ticks, finer than the 33 minutes
            "battery_volts": 54.7, "temperature_celsius": 29.0, "input_volts": [224.6], "input_hertz": 50.1,
            "output_volts": [224.6], "output_hertz": 50.1, "output_amperes": [4.1], "output_watts": 790.0,
            "load_ratio": [0.28], "alarms": [], "rejected": [],
        },
        situations={
            "battery": ({"3.3.1.1.1.1": 5, "3.1.1.1.2.1": 95}, _ON_BATTERY),
            "low": ({"3.3.1.1.1.1": 5, "3.1.1.1.2.1": 95, "3.1.1.1.1.1": 3}, {**_ON_BATTERY, "battery_low": True}),
            "replace": ({"3.1.5.1.1.1.1": 3}, {"replace_battery": True, "alarms": ["battery_bad"]}),
            "overload": (
                {f"{E}.850.1.3.1.0": 1, f"{E}.850.1.3.2.1.2.28": f".{E}.850.1.3.3.3.8", f"{E}.850.1.3.2.1.8.28": 1},
                {"overload": True, "alarms": ["output_overload"]},
            ),
            "an overload that is over but not acknowledged": (
                {f"{E}.850.1.3.1.0": 1, f"{E}.850.1.3.2.1.2.28": f".{E}.850.1.3.3.3.8", f"{E}.850.1.3.2.1.8.28": 2},
                {"overload": None, "alarms": []},
            ),
            "bypass": ({"3.3.1.1.1.1": 4}, {"status": "bypass"}),
            "economy": ({"3.3.1.1.1.1": 9}, {"status": "eco"}),
            "the other objects of a value": (
                {
                    "3.1.1.1.5.1": None, "3.1.1.1.4.1": None, "3.1.2.1.3.1": 88, "3.1.2.1.2.1": 14, "3.1.5.1.2.1.1": 33,
                    "3.1.5.1.1.1.1": None, "2.1.1.6.1": 9, "3.3.1.1.3.1": None, "3.3.2.1.6.1.1": 499, "3.1.2.1.5.1": 1,
                },
                # tlpUpsEstimatedMinutesRemaining, tlpUpsBatteryDetail*, tlpUpsDeviceTestResultsStatus batteryFailed(9)
                {
                    "runtime_seconds": 1980.0, "charge_ratio": 0.88, "battery_amperes": 1.4,
                    "temperature_celsius": 33.0,
                    "replace_battery": True, "output_hertz": 49.9, "alarms": ["charger_failed"],
                },
            ),
        },
    ),
    "trippups": Device(
        object_id=f"{E}.850.1",
        root=f"{E}.850.1.1",
        values={
            "1.1.0": "Tripp Lite", "1.2.0": "OMNISMART 1400", "1.3.0": "A.2", "2.1.0": 2, "2.2.0": 0, "2.3.0": 22,
            "2.4.0": 96,
            "2.5.0": 274, "2.7.0": 31, "3.1.0": 497, "3.3.0": 1, "3.4.0": 219, "3.5.1.2.1": 219, "4.1.0": 3,
            "4.2.0": 497,
            "4.3.0": 1, "4.4.0": 41, "4.5.1.2.1": 219, "4.5.1.3.1": 26, "4.5.1.4.1": 520, "4.5.1.5.1": 41,
        },
        says={
            "mib": "trippups", "vendor": "Tripp Lite", "model": "OMNISMART 1400", "firmware": "A.2", "serial": None,
            "status": "online", "battery_low": False, "replace_battery": None, "overload": None, "charge_ratio": 0.96,
            "runtime_seconds": 1320.0, "battery_volts": 27.4, "temperature_celsius": 31.0, "input_volts": [219.0],
            "input_hertz": 49.7, "output_hertz": 49.7, "output_volts": [219.0], "output_amperes": [2.6],
            "output_watts": 520.0,
            "load_ratio": [0.41], "rejected": [],
        },
        situations={
            "battery": ({"4.1.0": 5, "2.2.0": 95}, _ON_BATTERY),
            "low": ({"4.1.0": 5, "2.2.0": 95, "2.1.0": 3}, {**_ON_BATTERY, "battery_low": True}),
            # The scalars upsInputVolt and upsOutputPercLoad, where there is no table.
            "no tables": (
                {"4.5.1.5.1": None, "4.4.0": 43, "3.5.1.2.1": None, "3.4.0": 217}, {"load_ratio": [0.43],
                "input_volts": [217.0]},
            ),
            "a table": ({"4.5.1.5.1": 39, "3.5.1.2.1": 221}, {"load_ratio": [0.39], "input_volts": [221.0]}),
            "bypass": ({"4.1.0": 4}, {"status": "bypass"}),
            "boost": ({"4.1.0": 6}, {"status": "boost"}),
        },
    ),
    "riello": Device(
        object_id=f"{E}.5491.6",
        root=_RIELLO,
        values={
            "1.1.0": "Riello UPS", "1.2.0": "SDH 3000", "1.3.0": "SWM034-01-12", "1.9.0": 3000,
            "2.1.0": 2, "2.2.0": 0, "2.3.0": 26, "2.4.0": 100, "2.5.0": 823, "2.6.0": 12, "2.7.0": 26,
            "3.2.0": 1, "3.3.1.2.1": 499, "3.3.1.3.1": 233, "4.1.0": 3, "4.2.0": 499, "4.3.0": 1, "4.4.1.2.1": 230,
            "4.4.1.3.1": 33, "4.4.1.4.1": 690, "4.4.1.5.1": 25, "6.1.0": 0,
        },
        says={
            "mib": "riello", "vendor": "Riello", "model": "SDH 3000", "firmware": "SWM034-01-12", "status": "online",
            "battery_low": False, "charge_ratio": 1.0, "runtime_seconds": 1560.0, "battery_volts": 82.3,
            "battery_amperes": 1.2,
            "temperature_celsius": 26.0, "input_volts": [233.0], "input_hertz": 49.9, "output_hertz": 49.9,
            "output_volts": [230.0],
            "output_amperes": [3.3], "output_watts": 690.0, "load_ratio": [0.25], "nominal_voltamperes": 3000.0,
            "rejected": [],
        },
        situations={
            "battery": ({"4.1.0": 5, "2.2.0": 95} | alarm(_RIELLO, "2"), {**_ON_BATTERY, "alarms": ["on_battery"]}),
            "low": ({"4.1.0": 5, "2.2.0": 95, "2.1.0": 3}, {**_ON_BATTERY, "battery_low": True}),
            "replace": (alarm(_RIELLO, "1"), {"replace_battery": True, "alarms": ["battery_bad"]}),
            "overload": (alarm(_RIELLO, "8"), {"overload": True, "alarms": ["output_overload"]}),
            "bypass": ({"4.1.0": 4}, {"status": "bypass"}),
            # Number 4 is depletedBattery in RFC 1628 and imminent shutdown here.
            "shutdown": (alarm(_RIELLO, "4"), {"battery_low": False, "alarms": ["shutdown_imminent"]}),
        },
    ),
    "usha": Device(
        object_id=f"{E}.2468.1.2.1",
        root=f"{E}.2468.1.2.1.1",
        values={
            "1.1.0": "SANTAK", "1.2.0": "3C3 EX 30KS", "1.3.0": "V1.07", "1.7.0": "SK30K0001", "2.1.0": 2, "2.2.0": 0,
            "2.3.0": 19, "2.4.0": 100, "2.5.0": 2732, "2.6.0": 25, "2.7.0": 301, "3.2.0": 3, "3.3.1.2.1": 499,
            "3.3.1.3.1": 2280,
            "3.3.1.3.2": 2291, "3.3.1.3.3": 2274, "4.1.0": 3, "4.2.0": 500, "4.3.0": 1, "4.4.1.2.1": 2200,
            "4.4.1.3.1": 410,
            "4.4.1.4.1": 8100, "4.4.1.5.1": 34,
        },
        says={
            "mib": "usha", "vendor": "SANTAK", "model": "3C3 EX 30KS", "serial": "SK30K0001", "firmware": "V1.07",
            "status": "online", "battery_low": False, "replace_battery": False, "charge_ratio": 1.0,
            "runtime_seconds": 1140.0,
            "battery_volts": 273.2, "battery_amperes": 2.5, "input_hertz": 49.9, "output_hertz": 50.0,
            "temperature_celsius": 30.1, "input_volts": [228.0, 229.1, 227.4],
            "output_volts": [220.0],
            "output_amperes": [41.0], "output_watts": 8100.0, "load_ratio": [0.34], "rejected": [],
        },
        situations={
            "battery": ({"4.1.0": 5, "2.1.0": 5, "2.2.0": 95}, _ON_BATTERY),
            "low": ({"4.1.0": 5, "2.1.0": 3, "2.2.0": 95}, {**_ON_BATTERY, "battery_low": True}),
            "replace": ({"2.1.0": 6}, {"replace_battery": True, "battery_low": None}),  # batteryFailure(6)
            "overload shows in the load": ({"4.4.1.5.1": 110, "4.4.1.4.1": 9000}, {"load_ratio": [1.1],
            "overload": None}),
            "bypass": ({"4.1.0": 4}, {"status": "bypass"}),
        },
    ),
}  # fmt: skip
