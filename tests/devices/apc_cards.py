"""An APC of three phases after the PowerNet-MIB: no high-precision objects, both voltages, load only as a whole."""

from tests.devices.brand_cards import Device, E, Says

_ON_BATTERY: Says = {"status": "on_battery", "on_battery_seconds": 95.0}

THREE_PHASES = Device(
    object_id=f"{E}.318.1.3.28.12",
    root=f"{E}.318.1.1.1",
    values={
        "1.1.1.0": "Galaxy VL 200kW",
        "1.2.1.0": "12.3.1",
        "1.2.3.0": "QD2219000111",
        "2.1.1.0": 2,
        "2.1.2.0": 0,
        "2.2.1.0": 97,
        "2.2.2.0": 26,
        "2.2.3.0": 84000,
        "2.2.8.0": 531,
        "2.2.9.0": -1,
        "4.1.1.0": 2,
        "4.2.3.0": 36,
        "7.2.3.0": 1,
        "8.1.0": 1,
        "11.2.1.0": "0" * 32,
        "9.2.1.0": 2,
        "9.2.2.1.4.1": 499,
        "9.2.2.1.4.2": -1,
        "9.2.3.1.3.1.1": 397,
        "9.2.3.1.3.1.2": 401,
        "9.2.3.1.3.1.3": 399,
        "9.2.3.1.14.1.1": 229,
        "9.2.3.1.14.1.2": 232,
        "9.2.3.1.14.1.3": 230,
        "9.2.3.1.14.2.1": 228,
        "9.2.3.1.14.2.2": 231,
        "9.2.3.1.14.2.3": 229,  # the bypass
        "9.3.2.1.4.1": 500,
        "9.3.3.1.3.1.1": 400,
        "9.3.3.1.3.1.2": 401,
        "9.3.3.1.3.1.3": 400,
        "9.3.3.1.22.1.1": 231,
        "9.3.3.1.22.1.2": 232,
        "9.3.3.1.22.1.3": 231,
        "9.3.3.1.4.1.1": 1046,
        "9.3.3.1.4.1.2": 981,
        "9.3.3.1.4.1.3": 1102,
        "9.3.3.1.10.1.1": -1,
        "9.3.3.1.10.1.2": -1,
        "9.3.3.1.10.1.3": -1,
        "9.3.3.1.13.1.1": 21800,
        "9.3.3.1.13.1.2": 20500,
        "9.3.3.1.13.1.3": 23100,
    },
    says={
        "mib": "apc",
        "vendor": "APC",
        "model": "Galaxy VL 200kW",
        "serial": "QD2219000111",
        "firmware": "12.3.1",
        "status": "online",
        "battery_low": False,
        "replace_battery": None,
        "communicating": True,
        "charge_ratio": 0.97,
        "runtime_seconds": 840.0,
        "battery_volts": 531.0,
        "battery_amperes": None,
        "temperature_celsius": 26.0,
        "input_volts": [229.0, 232.0, 230.0],  # upsPhaseInputVoltagePN of the first input
        "input_hertz": 49.9,
        "output_volts": [231.0, 232.0, 231.0],
        "output_hertz": 50.0,
        "output_amperes": [104.6, 98.1, 110.2],
        "load_ratio": [0.36],  # upsAdvOutputLoad
        "output_watts": 65400.0,  # upsPhaseOutputPower of the three
        "alarms": [],
        "rejected": [],  # -1 is no lie
    },
    situations={
        "battery": (
            {"4.1.1.0": 3, "2.1.2.0": 9500, "9.2.3.1.14.1.1": 0, "9.2.3.1.14.1.2": 0, "9.2.3.1.14.1.3": 0},
            {**_ON_BATTERY, "input_volts": [0.0]},
        ),
        "low": ({"4.1.1.0": 3, "2.1.2.0": 9500, "2.1.1.0": 3}, {**_ON_BATTERY, "battery_low": True}),
        "replace": ({"2.2.4.0": 2}, {"replace_battery": True}),
        "bypass": ({"4.1.1.0": 16}, {"status": "bypass"}),  # emergencyStaticBypass
        "lost": ({"8.1.0": 2}, {"communicating": False, "status": None, "output_volts": []}),
        # older cards have no object to neutral: what they tell stands
        "line to line": (
            {"9.2.3.1.14.1.1": -1, "9.2.3.1.14.1.2": -1, "9.2.3.1.14.1.3": -1},
            {"input_volts": [397.0, 401.0, 399.0], "rejected": []},
        ),
        "three phases in, one out": (
            {
                "9.3.3.1.22.1.2": 0,
                "9.3.3.1.22.1.3": 0,
                "9.3.3.1.4.1.2": 0,
                "9.3.3.1.4.1.3": 0,
                "9.3.3.1.10.1.1": 36,
                "9.3.3.1.10.1.2": 0,
                "9.3.3.1.10.1.3": 0,
                "9.3.3.1.13.1.2": 0,
                "9.3.3.1.13.1.3": 0,
            },
            {"output_volts": [231.0], "output_amperes": [104.6], "load_ratio": [0.36], "output_watts": 21800.0},
        ),
        "a phase without load": ({"9.3.3.1.4.1.3": 0}, {"output_amperes": [104.6, 98.1, 0.0]}),
    },
)
