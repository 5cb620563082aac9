"""Can this value be true? Every rule by name, every rejection counted under it.

Pure functions: (field, scaled value, raw number) -> accepted value or a rule that says no. Some
cards are off by a power of ten; a value is mended only where the mend is certain.
"""

from msgspec import Struct

SENTINELS = frozenset({2147483647, 4294967295, 65535, 65534, 655350, 32767, -2147483648})
_SIGNED = frozenset({"battery_amperes"})
_NEVER_9999 = frozenset({
    "input_volts", "output_volts", "battery_volts", "battery_amperes", "output_amperes", "temperature_celsius",
    "load_ratio", "charge_ratio",
})  # fmt: skip
_VOLTS = frozenset({"input_volts", "output_volts"})
_HERTZ = frozenset({"input_hertz", "output_hertz"})
_WEEK = 7 * 86400.0
RULES = (
    "sentinel", "negative", "out_of_range", "wrong_type", "unknown_enum", "zero_runtime_on_mains",
    "zero_runtime_with_charge", "zero_under_load", "zero_on_mains", "zero_with_runtime",
    "zero_with_normal_battery", "zero_frequency",
    "absolute_zero", "not_text",
    "guessed", "coarse", "doubtful_unit",
)  # fmt: skip


Phases = list[float | None]
"""One value a phase, in order; None for a phase that says nothing."""


class Rejection(Struct, frozen=True):
    """A value that cannot be true: the MIB object, what the card said, the rule."""

    object: str
    raw: str
    rule: str


def plausible(field: str, value: float, raw: int) -> float | str:
    """The value to publish, or the name of the rule that rejects it."""
    if raw in SENTINELS or (raw == -1 and field not in _SIGNED) or (raw == 9999 and field in _NEVER_9999):
        return "sentinel"
    if field in _VOLTS:
        return _volts(value)
    if field in _HERTZ:
        return _hertz(value, raw)
    return _RANGED.get(field, _positive)(value)


def _volts(value: float) -> float | str:
    if value < 0:
        return "negative"
    if 600 < value < 6000:  # tenths sent as volts (Huawei GSE200M through RFC 1628)
        value /= 10
    return value if value <= 600 else "out_of_range"


def _hertz(value: float, raw: int) -> float | str:
    for factor in (1, 10, 100):  # hundredths sent as tenths (Huawei GSE200M)
        if 40 <= value / factor <= 70:
            return round(value / factor, 6)
    if 0 < value < 40 <= raw <= 70:  # whole hertz sent as tenths (SNR-ERD)
        return float(raw)
    return "negative" if value < 0 else "zero_frequency" if value == 0 else "out_of_range"


def _charge(value: float) -> float | str:
    return value if 0 <= value <= 1 else "negative" if value < 0 else "out_of_range"


def _load(value: float) -> float | str:
    if 2 < value <= 20:
        value /= 10
    return value if 0 <= value <= 2 else "negative" if value < 0 else "out_of_range"


_CAPS = (999 * 60.0, 9999 * 60.0)
"""As many minutes as three or four digits hold: a UPS without a load says no more."""


def _runtime(value: float) -> float | str:
    if 65535 - 60 < value <= 65535:  # a 16-bit cap, perhaps cut down to whole minutes (Eaton 93E)
        return "sentinel"
    if value in _CAPS:
        return "sentinel"
    return value if 0 <= value <= _WEEK else "negative" if value < 0 else "out_of_range"


def _temperature(value: float) -> float | str:
    if value in (-273.0, -273.1, 0.0):
        return "absolute_zero"
    return value if -20 <= value <= 90 else "out_of_range"


def _battery_volts(value: float) -> float | str:
    return value if 8 <= value < 1000 else "out_of_range"  # below 8 V it is a cell (Phoenixtec)


def _battery_amperes(value: float) -> float | str:
    return value if -1000 < value < 1000 else "out_of_range"


def _positive(value: float) -> float | str:
    return value if 0 <= value < 1e7 else "negative" if value < 0 else "out_of_range"


_RANGED = {
    "charge_ratio": _charge,
    "load_ratio": _load,
    "runtime_seconds": _runtime,
    "temperature_celsius": _temperature,
    "battery_volts": _battery_volts,
    "battery_amperes": _battery_amperes,
}


def runtime_contradiction(
    runtime: float | None, charge: float | None, status: str | None, battery_low: bool | None
) -> str | None:
    """The rule that rejects a runtime of 0 beside a battery that is not empty: the card cannot estimate.

    Half of the recorded cards say 0 at a full charge; believed at a cut, every one would begin with a low battery.
    """
    if runtime != 0:
        return None
    if status != "on_battery":
        return "zero_runtime_on_mains" if charge is None or charge > _EMPTY_RATIO else None
    full = battery_low is False if charge is None else charge > _EMPTY_RATIO
    return "zero_runtime_with_charge" if full and not battery_low else None


_EMPTY_RATIO = 0.2


def believed_loads(load: Phases, amperes: Phases) -> Phases:
    """Without the loads of nought that the phase's own current belies: row 1 is the total (Sinetica)."""
    if len(load) != len(amperes):
        return load
    pairs = list(zip(load, amperes, strict=True))
    loaded = [(share, current) for share, current in pairs if share and share >= SMALLEST_LOAD and current]
    per_ampere = max((share / current for share, current in loaded), default=0.0)
    found = [None if share == 0 and (a or 0.0) * per_ampere > SMALLEST_LOAD else share for share, a in pairs]
    while found and found[-1] is None:
        found.pop()
    return found


SMALLEST_LOAD = 0.05
"""As a share of the rating: below it, nought in whole percents or tenths of an ampere may be true."""


def sent_whole(output: Phases, hertz: float | None) -> bool:
    """Whether volts are those of a UPS divided by ten: whole volts, sent where tenths are due.

    The output is the witness, not the input, which may be dying: what a UPS gives at 50 Hz is 100 V or more.
    """
    live = [volts for volts in output if volts]
    return hertz is not None and bool(live) and all(_WHOLE[0] <= volts <= _WHOLE[1] for volts in live)


_WHOLE = (10.0, 48.0)


def settled_watts(
    watts: float, volts: Phases, amperes: Phases, load: list[float], nominal_voltamperes: float | None
) -> float | str:
    """Watts as they are, or x1000 or x100 (kW and 0.1 kW sent as W) where only that fits; else the rule that says no.

    The witness is load x rating where the rating is one, else volts x amperes where a current flows. A kilowatt
    sent as 1 may be nearly two: a number of one digit is too coarse to be mended.
    """
    expected = _expected_watts(volts, amperes, load, nominal_voltamperes)
    if expected is None:
        idle = (load and not any(load)) or (amperes and not any(amperes))
        return "zero_under_load" if watts == 0 and (any(load) or (any(volts) and not idle)) else watts
    for factor in (1, 1000, 100):
        if 0.25 * expected <= watts * factor <= 1.25 * expected:
            return watts * factor if factor == 1 or watts >= _TWO_DIGITS else "coarse"
    return "zero_under_load" if watts == 0 else "out_of_range"


def tenfold(watts: float, volts: Phases, amperes: Phases) -> bool:
    """Whether the current was sent in hundredths where tenths are due: ten times what the power can be of."""
    if len(volts) != len(amperes) or watts < _SMALLEST_WITNESS:
        return False
    power = sum((v or 0.0) * (a or 0.0) for v, a in zip(volts, amperes, strict=True)) / 10
    return _POWER_FACTOR[0] * power <= watts <= _POWER_FACTOR[1] * power


_POWER_FACTOR = (0.5, 1.05)


def _expected_watts(
    volts: Phases, amperes: Phases, load: list[float], nominal_voltamperes: float | None
) -> float | None:
    mean_load = sum(load) / len(load) if load else 0.0
    if nominal_voltamperes and nominal_voltamperes >= _SMALLEST_RATING and mean_load >= 0.02:
        return mean_load * nominal_voltamperes
    if volts and len(volts) == len(amperes):
        power = sum(v * a for v, a in zip(volts, amperes, strict=True) if v is not None and a is not None)
        return power if power >= _SMALLEST_WITNESS else None
    return None


_TWO_DIGITS = 10
_SMALLEST_RATING = 200.0
"""No UPS is rated below this in VA: smaller numbers are kVA or nonsense."""
_SMALLEST_WITNESS = 20.0


def known(phases: Phases) -> list[float]:
    """Those that there is something to say of."""
    return [one for one in phases if one is not None]
