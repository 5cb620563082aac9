"""What a UPS says of itself, in base units, whoever asked it."""

from msgspec import Struct

from collectors.ups.plausible import Phases, Rejection

VOLTAGES = ("input_volts", "output_volts")
WARNINGS = ("battery_low", "replace_battery", "overload")
"""Yes/no of which yes is the one that counts."""


class UpsState(Struct, kw_only=True):
    """What the card says, in base units. None or an empty list: not known."""

    mib: str = ""
    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    status: str | None = None
    battery_low: bool | None = None
    replace_battery: bool | None = None
    overload: bool | None = None
    communicating: bool | None = None
    """False: the card answers, but has lost its UPS; what it says of the UPS is history."""
    testing: bool | None = None
    """It tests its battery: on battery by its own will."""
    charge_ratio: float | None = None
    runtime_seconds: float | None = None
    on_battery_seconds: float | None = None
    battery_volts: float | None = None
    battery_amperes: float | None = None
    temperature_celsius: float | None = None
    input_volts: Phases = []
    input_hertz: float | None = None
    output_volts: Phases = []
    output_hertz: float | None = None
    output_amperes: Phases = []
    load_ratio: Phases = []
    output_watts: float | None = None
    nominal_voltamperes: float | None = None
    alarms: list[str] = []
    rejected: list[Rejection] = []
