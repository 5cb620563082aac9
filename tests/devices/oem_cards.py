"""Simulated cards that are sold under many names, as brand_cards.py has them: written from the text of each MIB."""

from tests.devices.brand_cards import Device, E, R, Says, Values, alarm

_NETCOM = f"{E}.13891.101"
_ON_BATTERY: Says = {"status": "on_battery", "on_battery_seconds": 95.0}
# One phase, as all cards of Voltronic have it: tables from 0, tenths; and RFC 1628 beside it, whole volts, from 1.
_VOLTRONIC: Values = {
    "1.1.0": "", "1.3.0": "G5-10KS", "1.4.0": "83220000001", "1.6.0": "VERFW:02210.03", "1.7.0": 2,
    "3.1.0": 2, "3.2.0": 0, "3.3.0": 61, "3.4.0": 97, "3.5.0": 2176, "3.13.0": 294,
    "4.4.0": 1, "4.5.1.2.0": 501, "4.5.1.3.0": 2173, "5.1.0": 3, "5.2.0": 500, "5.6.0": 1,
    "5.7.1.2.0": 2302, "5.7.1.3.0": 124, "5.7.1.7.0": 28,
    f"{R}.4.1.0": 3, f"{R}.2.1.0": 2, f"{R}.2.4.0": 97, f"{R}.2.6.0": 0, f"{R}.3.3.1.3.1": 217,
    f"{R}.4.4.1.2.1": 230, f"{R}.4.4.1.4.1": 2710, f"{R}.4.4.1.5.1": 28,
}  # fmt: skip
_VOLTRONIC_SAYS: Says = {
    "vendor": None, "model": "G5-10KS", "serial": "83220000001", "firmware": "VERFW:02210.03",
    "status": "online",  # upsOutSource normal(3)
    "battery_low": False, "replace_battery": False, "charge_ratio": 0.97, "runtime_seconds": 3660.0,
    "battery_volts": 217.6, "temperature_celsius": 29.4,  # upsBatPBatVoltage, upsBatTemperature in tenths
    "input_volts": [217.3], "input_hertz": 50.1, "output_volts": [230.2], "output_hertz": 50.0,
    "output_amperes": [12.4], "load_ratio": [0.28],
    "output_watts": 2710.0, "battery_amperes": 0.0,  # RFC 1628
    "alarms": [], "rejected": [],
}  # fmt: skip
_THREE_PHASES: Values = {
    "4.4.0": 3, "4.5.1.3.1": 2184, "4.5.1.3.2": 2191, "5.6.0": 3, "5.7.1.2.1": 2301, "5.7.1.2.2": 2299,
    "5.7.1.3.1": 98, "5.7.1.3.2": 131, "5.7.1.7.1": 22, "5.7.1.7.2": 30,
}  # fmt: skip

OEM_DEVICES: dict[str, Device] = {
    "netcom": Device(
        object_id=_NETCOM,
        root=_NETCOM,
        values={
            "1.1.0": "", "1.2.0": "", "1.3.0": "", "2.1.0": 2, "2.2.0": 0, "2.3.0": 0, "2.4.0": 98, "2.5.0": 4385,
            "2.6.0": 0, "2.7.0": 0, "3.2.0": 3, "3.3.1.2.1": 499, "3.3.1.2.2": 0, "3.3.1.2.3": 0, "3.3.1.3.1": 396,
            "3.3.1.3.2": 398, "3.3.1.3.3": 395, "4.1.0": 3, "4.2.0": 500, "4.3.0": 3, "4.4.1.2.1": 230,
            "4.4.1.2.2": 231, "4.4.1.2.3": 230, "4.4.1.3.1": 410, "4.4.1.3.2": 375, "4.4.1.3.3": 390,
            "4.4.1.4.1": 24600, "4.4.1.4.2": 0, "4.4.1.4.3": 0, "4.4.1.5.1": 41, "4.4.1.5.2": 0, "4.4.1.5.3": 0,
            "6.1.0": 0, "7.3.0": 6, "9.5.0": 60000,
        },
        says={
            "mib": "netcom", "model": None, "serial": None,
            "status": "online",  # upsOutputSource normal(3)
            "battery_low": False, "charge_ratio": 0.98, "battery_volts": 438.5,
            "runtime_seconds": None, "temperature_celsius": None,  # 0: not supported
            "input_volts": [396.0, 398.0, 395.0], "input_hertz": 49.9, "output_volts": [230.0, 231.0, 230.0],
            "output_hertz": 50.0, "output_amperes": [41.0, 37.5, 39.0],
            "load_ratio": [0.41],  # phases 2 and 3 carry as much and say 0
            "output_watts": 24600.0,  # 41 % of upsConfigOutputVA
            "alarms": [],
        },
        situations={
            "battery": ({"4.1.0": 5, "2.2.0": 95}, _ON_BATTERY),
            "low": ({"4.1.0": 5, "2.2.0": 95, "2.1.0": 3}, {**_ON_BATTERY, "battery_low": True}),
            "replace": (alarm(_NETCOM, "1"), {"replace_battery": True, "alarms": ["battery_bad"]}),
            "overload": (alarm(_NETCOM, "8"), {"overload": True, "alarms": ["output_overload"]}),
            "bypass": ({"4.1.0": 4}, {"status": "bypass"}),
            "a phase without a load": ({"4.4.1.3.2": 0, "4.4.1.5.3": 38}, {"load_ratio": [0.41, 0.0, 0.38]}),
        },
    ),
    "voltronic": Device(
        object_id=f"{E}.21111.1.1",
        root=f"{E}.21111.1.1",
        values=_VOLTRONIC,
        says={"mib": "voltronic"} | _VOLTRONIC_SAYS,
        situations={
            "battery": ({"5.1.0": 5, "3.1.0": 5, "3.2.0": 95, f"{R}.4.1.0": 5}, _ON_BATTERY),
            "low": ({"5.1.0": 5, "3.1.0": 3, "3.2.0": 95}, {**_ON_BATTERY, "battery_low": True}),
            "a bad battery": ({"3.1.0": 6}, {"replace_battery": True, "battery_low": False}),  # low: RFC 1628
            "an old battery": ({"3.1.0": 7}, {"replace_battery": True}),
            "a battery test": ({"5.1.0": 8}, {"status": "test"}),
            "a fault": ({"5.1.0": 9}, {"status": "other", "alarms": ["internal_failure"]}),
            "economy": ({"5.1.0": 10}, {"status": "eco"}),
            "a frequency converter": ({"5.1.0": 11}, {"status": "online"}),
            "bypass": ({"5.1.0": 4}, {"status": "bypass"}),
            "three phases": (
                _THREE_PHASES,
                {
                    "input_volts": [217.3, 218.4, 219.1], "output_volts": [230.2, 230.1, 229.9],
                    "output_amperes": [12.4, 9.8, 13.1], "load_ratio": [0.28, 0.22, 0.3],
                },
            ),
            "only a total load": ({"5.7.1.7.0": None, "5.5.0": 27}, {"load_ratio": [0.27]}),
        },
    ),
    "powershield": Device(
        object_id=f"{E}.43943.1",
        root=f"{E}.43943.1.1",
        values=_VOLTRONIC,
        says={"mib": "powershield"} | _VOLTRONIC_SAYS,
        situations={
            "battery": ({"5.1.0": 5, "3.1.0": 5, "3.2.0": 95}, _ON_BATTERY),
            "bypass": ({"5.1.0": 4}, {"status": "bypass"}),
        },
    ),
}  # fmt: skip
