"""The rules that need more than one field: what contradicts itself is mended or emptied, and counted."""

from collectors.ups.mib import TEXTS
from collectors.ups.plausible import (
    SMALLEST_LOAD,
    Phases,
    Rejection,
    believed_loads,
    known,
    runtime_contradiction,
    sent_whole,
    settled_watts,
    tenfold,
)
from collectors.ups.state import VOLTAGES, UpsState

_LEAST_MAINS_VOLTS = 90.0
_LONG_RUNTIME_SECONDS = 600.0
_ON_MAINS = ("online", "boost", "trim", "eco")


def inferred_source(state: UpsState) -> str:
    """Where the output comes from, of a UPS that never says it: what its alarms and both voltages show, else other.

    Mains must be near the output's voltage to be what feeds it: on a brown-out the battery does.
    """
    if "on_battery" in state.alarms:
        return "on_battery"
    mains, fed = known(state.input_volts), known(state.output_volts)
    if not mains or not fed or min(fed) < _LEAST_MAINS_VOLTS:
        return "other"
    if max(mains) < _LEAST_MAINS_VOLTS:
        return "on_battery"
    near = all(_NEAR[0] * min(fed) <= one <= _NEAR[1] * max(fed) for one in mains)
    return "online" if near and not state.on_battery_seconds else "other"


_NEAR = (0.8, 1.2)


def settle(state: UpsState) -> None:
    """The rules that need more than one field; mends or empties what contradicts itself."""
    _settle_tenths(state)
    _settle_source(state)
    _heed_alarms(state)
    if state.communicating is False:
        _forget(state)
        return
    _settle_test(state)
    _settle_absent_phases(state)
    _settle_zeros(state)
    _settle_loads(state)
    if state.status != "on_battery":
        # Cards keep the seconds of the last outage after mains returns (pve-ups issue 25).
        state.on_battery_seconds = 0.0 if state.status else None
    if rule := runtime_contradiction(state.runtime_seconds, state.charge_ratio, state.status, state.battery_low):
        state.rejected.append(Rejection("runtime", "0", rule))
        state.runtime_seconds = None
    if any(load > SMALLEST_LOAD for load in known(state.load_ratio)) and not any(state.output_amperes):
        if state.output_amperes:
            state.rejected.append(Rejection("output_amperes", "0", "zero_under_load"))
        state.output_amperes = []
    _settle_watts(state)


def _heed_alarms(state: UpsState) -> None:
    """An alarm outranks a flag that says all is well."""
    alarms = set(state.alarms)
    if "battery_bad" in alarms:
        state.replace_battery = True
    if alarms & {"output_overload", "overload"}:
        state.overload = True
    if alarms & {"low_battery", "depleted_battery"}:
        state.battery_low = True
    if "communications_lost" in alarms:
        state.communicating = False
    if alarms & {"test_in_progress", "calibration"}:
        state.testing = True


def _settle_tenths(state: UpsState) -> None:
    """Whole volts where the MIB says tenths: the input as well, where the output is its witness."""
    if not sent_whole(state.output_volts, state.output_hertz):
        return
    for field in VOLTAGES:
        volts: Phases = getattr(state, field)
        setattr(state, field, [one and round(one * 10, 6) for one in volts])


def _settle_source(state: UpsState) -> None:
    """A card that says on mains, or off, is not believed where an alarm and the voltages say that it is on battery."""
    alarmed = not _NO_MAINS.isdisjoint(state.alarms)
    if state.status == "off" and "on_battery" in state.alarms and any(known(state.output_volts)):
        state.status = "on_battery"  # a running load outranks OFF (NUT issue 2278)
    elif state.status in (*_ON_MAINS, "other") and alarmed and _mains_is_gone(state):
        state.status = "on_battery"


_NO_MAINS = frozenset({"on_battery", "utility_not_present"})


def _mains_is_gone(state: UpsState) -> bool:
    """Whether every input is measured, and none has mains."""
    mains = [volts or 0.0 for volts in state.input_volts]
    return bool(mains) and max(mains) < _LEAST_MAINS_VOLTS


def _settle_test(state: UpsState) -> None:
    """A card on battery in its own test is no outage, but only while mains is measured at every input.

    A test flag that a firmware forgets to clear must never hide a cut; nor a source that says test by itself.
    """
    mains = [volts or 0.0 for volts in state.input_volts]
    if state.status == "on_battery" and state.testing and mains and min(mains) >= _LEAST_MAINS_VOLTS:
        state.status = "test"
    elif state.status == "test" and _mains_is_gone(state):
        state.status = "on_battery"


def _forget(state: UpsState) -> None:
    """Only who it is and its alarms remain."""
    fresh = UpsState()
    for name in fresh.__struct_fields__:
        if name not in {*TEXTS, "mib", "alarms", "rejected", "communicating"}:
            setattr(state, name, getattr(fresh, name))


def _settle_absent_phases(state: UpsState) -> None:
    """Where the output has fewer phases than its tables have rows, nought in the others is no measurement."""
    phases = len(state.output_volts)
    for field in ("output_amperes", "load_ratio", "input_volts"):
        found: Phases = getattr(state, field)
        if any(state.output_volts) and not any(found[phases:]):
            setattr(state, field, found[:phases])


def _settle_zeros(state: UpsState) -> None:
    """Nought where there must be something is an object that the card does not support."""
    on_mains = state.status in _ON_MAINS
    for field in VOLTAGES:
        volts: Phases = getattr(state, field)
        if on_mains and volts and not any(volts):
            state.rejected.append(Rejection(field, "0", "zero_on_mains"))
            setattr(state, field, [])
    if state.charge_ratio == 0 and (state.runtime_seconds or 0) > _LONG_RUNTIME_SECONDS:
        state.rejected.append(Rejection("charge", "0", "zero_with_runtime"))
        state.charge_ratio = None
    elif state.charge_ratio == 0 and on_mains and state.battery_low is False:
        state.rejected.append(Rejection("charge", "0", "zero_with_normal_battery"))
        state.charge_ratio = None


def _settle_loads(state: UpsState) -> None:
    believed = believed_loads(state.load_ratio, state.output_amperes)
    if believed != state.load_ratio:
        state.rejected.append(Rejection("load_ratio", "0", "zero_under_load"))
        state.load_ratio = believed


def _settle_watts(state: UpsState) -> None:
    if state.output_watts is None:
        return
    if tenfold(state.output_watts, state.output_volts, state.output_amperes):
        state.output_amperes = [one and round(one / 10, 6) for one in state.output_amperes]
    verdict = settled_watts(
        state.output_watts,
        state.output_volts,
        state.output_amperes,
        known(state.load_ratio),
        state.nominal_voltamperes,
    )
    if isinstance(verdict, str):
        state.rejected.append(Rejection("output_watts", f"{state.output_watts:g}", verdict))
    state.output_watts = None if isinstance(verdict, str) else verdict
