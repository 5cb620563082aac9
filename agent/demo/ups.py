"""The demo's UPS: RFC 1628 values of a 3 kVA online unit on the 230 V grid, on mains or on battery."""

from agent.demo.card import CardValue

_R = "1.3.6.1.2.1.33.1"
ON_BATTERY_ALARM = "1.3.6.1.2.1.33.1.6.2.1.2.1"
ALARMS_PRESENT = "1.3.6.1.2.1.33.1.6.1.0"
MAINS, BATTERY = 3, 5


def identity() -> dict[str, CardValue]:
    """What never changes. The model says what it is: simulated."""
    return {
        "1.3.6.1.2.1.1.1.0": "Simulated UPS card",
        "1.3.6.1.2.1.1.2.0": ".1.3.6.1.2.1.33",
        f"{_R}.1.1.0": "Simulated",
        f"{_R}.1.2.0": "Simulated 3 kVA",
        f"{_R}.1.3.0": "1.0",
        f"{_R}.3.2.0": 1,
        f"{_R}.4.3.0": 1,
        f"{_R}.9.5.0": 3000,
    }


def on_mains(charge: int = 100) -> dict[str, CardValue]:
    """The values while mains carries the load; charge in %."""
    return _values(MAINS, battery_status=2, seconds=0, minutes=38, charge=charge, decivolts=546, mains=231)


def on_battery(seconds: int = 0, runtime_minutes: int = 38, charge: int = 100) -> dict[str, CardValue]:
    """The values `seconds` into a mains cut."""
    status = 3 if runtime_minutes < 5 else 2
    return _values(BATTERY, status, seconds, runtime_minutes, charge, decivolts=489, mains=0) | {
        ON_BATTERY_ALARM: ".1.3.6.1.2.1.33.1.6.3.2",
        ALARMS_PRESENT: 1,
    }


def _values(
    source: int, battery_status: int, seconds: int, minutes: int, charge: int, decivolts: int, mains: int
) -> dict[str, CardValue]:
    return {
        ALARMS_PRESENT: 0,
        f"{_R}.2.1.0": battery_status,
        f"{_R}.2.2.0": seconds,
        f"{_R}.2.3.0": minutes,
        f"{_R}.2.4.0": charge,
        f"{_R}.2.5.0": decivolts,
        f"{_R}.2.6.0": 0 if source == MAINS else -82,
        f"{_R}.2.7.0": 31,
        f"{_R}.3.3.1.2.1": 500 if mains else 0,
        f"{_R}.3.3.1.3.1": mains,
        f"{_R}.4.1.0": source,
        f"{_R}.4.2.0": 500,
        f"{_R}.4.4.1.2.1": 230,
        f"{_R}.4.4.1.3.1": 46,
        f"{_R}.4.4.1.4.1": 980,
        f"{_R}.4.4.1.5.1": 35,
    }
