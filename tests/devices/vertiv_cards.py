"""Simulated cards of Liebert, Vertiv and Emerson: see brand_cards.py."""

from tests.devices.brand_cards import Device, E

_LIEBERT = f"{E}.476.1.42"
_POINT, _TEXT = "3.9.30.1.20.1.2.1", "3.9.20.1.20.1.2.1"

VERTIV_DEVICES = {
    "liebert": Device(
        object_id=_LIEBERT,
        root=_LIEBERT,
        values={
            "2.1.2.0": "IS-WEBCARD",
            "2.1.3.0": "4.000.0",
            "2.1.4.0": "41678G1015AF",  # the card
            "2.4.2.1.4.1": "GXT3-2000RT230",
            "2.4.2.1.5.1": "G3R12     ",
            "2.4.2.1.7.1": "10332007",  # its UPS
            "3.5.3.55.0": 3,
            "3.5.1.18.0": 65535,
            "3.5.1.19.0": 96,
            "3.5.1.26.0": 2,
        },
        says={
            "mib": "liebert",
            "vendor": "Liebert",
            "model": "GXT3-2000RT230",
            "serial": "10332007",
            "status": "online",
            "firmware": "G3R12",
            "battery_low": False,
            "charge_ratio": 0.96,
            "runtime_seconds": None,
        },
        situations={
            "battery": ({"3.5.3.55.0": 5, "3.5.1.18.0": 21}, {"status": "on_battery", "runtime_seconds": 1260.0}),
            "a card that does not say what UPS it is in": (
                {"2.4.2.1.4.1": None, "2.4.2.1.5.1": None, "2.4.2.1.7.1": None},
                {"model": None, "serial": None, "firmware": None},
            ),
        },
    ),
    "vertiv": Device(
        object_id=_LIEBERT,
        root=_LIEBERT,
        values={
            "2.1.2.0": "IS-UNITY-DP",
            "2.1.3.0": "8.2.0.0",
            "2.1.4.0": "42011G104SF2021",
            f"{_POINT}.4872": 3,
            f"{_POINT}.4150": 44,
            f"{_POINT}.4153": 99,
            f"{_POINT}.4385": 2301,
            f"{_POINT}.5861": 23,
            f"{_TEXT}.4240": "GXT4-3000RT230",
            f"{_TEXT}.4244": "1609900143BWFL",
            f"{_TEXT}.4335": "U019D019",
        },
        says={
            "mib": "vertiv",
            "model": "GXT4-3000RT230",
            "serial": "1609900143BWFL",
            "firmware": "U019D019",
            "status": "online",
            "charge_ratio": 0.99,
            "runtime_seconds": 2640.0,
            "load_ratio": [0.23],
        },
        situations={"battery": ({f"{_POINT}.4872": 5}, {"status": "on_battery"})},
    ),
    "ita2": Device(
        object_id=f"{E}.13400.2.54",
        root=f"{E}.13400.2.54",
        values={
            "1.2.0": "ITA2-10K",
            "2.1.2.0": 1,
            "2.2.1.0": 2270,
            "2.2.2.0": 2281,
            "2.2.3.0": 2266,
            "2.2.4.0": 4990,
            "2.3.1.0": 2200,
            "2.3.2.0": 2201,
            "2.3.3.0": 2199,
            "2.3.7.0": 5000,
            "2.3.4.0": 61,
            "2.3.5.0": 30,
            "2.3.6.0": 92,
            "2.3.8.0": 118,
            "2.3.9.0": 60,
            "2.3.10.0": 181,
            "2.3.14.0": 403,
            "2.3.15.0": 198,
            "2.3.16.0": 607,
            "2.5.7.0": 415,
            "2.5.8.0": 65535,
            "2.5.10.0": 97,
        },
        says={
            "mib": "ita2",
            "model": "ITA2-10K",
            "status": "online",
            "input_volts": [227.0, 228.1, 226.6],
            "input_hertz": 49.9,
            "output_volts": [220.0, 220.1, 219.9],
            "output_hertz": 50.0,
            "charge_ratio": 0.97,
            "rejected": [],
            "output_amperes": [6.1, 3.0, 9.2],
            "load_ratio": [0.403, 0.198, 0.607],  # 1342, 660, 2023 of 3333 VA
            "output_watts": 3590.0,  # outputActivePower 118 + 60 + 181, of 10 W
            "runtime_seconds": None,  # batteryRemainsTime has no unit, and nothing proves one
        },
        situations={
            "battery": ({"2.1.2.0": 2}, {"status": "on_battery"}),
            "bypass": ({"2.1.2.0": 3}, {"status": "bypass"}),
            "no output": ({"2.1.2.0": 0, "2.3.1.0": 0, "2.3.2.0": 0, "2.3.3.0": 0}, {"status": "off"}),
            "a single phase, the others 0": (
                {f"2.{row}.0": 0 for row in ("2.2", "2.3", "3.2", "3.3", "3.5", "3.6", "3.9", "3.10", "3.15", "3.16")},
                {
                    "input_volts": [227.0],
                    "output_volts": [220.0],
                    "output_amperes": [6.1],
                    "load_ratio": [0.403],
                    "output_watts": 1180.0,
                    "rejected": [],
                },
            ),
            "whole volts and hertz": (
                {"2.2.1.0": 227, "2.2.2.0": 228, "2.2.3.0": 226, "2.2.4.0": 50},
                {"input_volts": [227.0, 228.0, 226.0], "input_hertz": 50.0},
            ),
        },
    ),
}
