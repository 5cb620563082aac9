"""Raw SNMP values -> the state of a UPS. Pure: two MIB tables and a dict in, a UpsState out.

The brand's own rows are asked first, RFC 1628 fills in field by field what they leave open: cards
exist whose vendor objects lie and whose RFC 1628 is true, and the reverse.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from collectors.snmp import Value
from collectors.ups.mib import FLAGS, PHASED, TEXTS, Mib, Row
from collectors.ups.plausible import Rejection, plausible, runtime_contradiction, watts_contradiction

_MAX_REJECTED = 64


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
    charge_ratio: float | None = None
    runtime_seconds: float | None = None
    on_battery_seconds: float | None = None
    battery_volts: float | None = None
    battery_amperes: float | None = None
    temperature_celsius: float | None = None
    input_volts: list[float] = []
    input_hertz: float | None = None
    output_volts: list[float] = []
    output_hertz: float | None = None
    output_amperes: list[float] = []
    load_ratio: list[float] = []
    output_watts: float | None = None
    nominal_voltamperes: float | None = None
    alarms: list[str] = []
    rejected: list[Rejection] = []


def decode(raw: Mapping[str, Value], mib: Mib, fill_in: Mib) -> UpsState:
    """The UpsState of the values at hand; what no row can tell stays None."""
    state = UpsState(mib=mib.name, vendor=mib.vendor or None)
    tables = [mib] if mib is fill_in else [mib, fill_in]
    for table in tables:
        for row in table.row:
            _apply(row, raw, state)
    _settle(state)
    del state.rejected[_MAX_REJECTED:]
    return state


def _apply(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    if row.alarms:
        _apply_alarm_table(row, raw, state)
    elif row.bits:
        _apply_bits(row, raw, state)
    elif getattr(state, row.field) in (None, []):
        _reader(row)(row, raw, state)


def _reader(row: Row) -> Callable[[Row, Mapping[str, Value], UpsState], None]:
    if row.field in TEXTS:
        return _apply_text
    if row.states:
        return _apply_states
    return _apply_phases if row.field in PHASED else _apply_number


def _apply_text(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = raw.get(row.oid)
    if isinstance(value, bytes) and (text := clean_text(value)):
        setattr(state, row.field, text)
    elif isinstance(value, int):
        setattr(state, row.field, str(value))


def clean_text(octets: bytes) -> str:
    """At most 48 printable ASCII characters; NULs, line ends and padding removed."""
    text = octets.split(b"\0")[0].decode("ascii", "replace")
    return "".join(c if c.isascii() and c.isprintable() else " " for c in text).strip()[:48].strip()


def _apply_states(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = raw.get(row.oid)
    if value is None:
        return
    meaning = row.states.get(str(value))
    if meaning is None:
        _reject(state, row, value, "unknown_enum")
        if row.field == "status" and isinstance(value, int) and value > 0:
            state.status = "other"
        return
    setattr(state, row.field, meaning)


def _apply_number(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    if (value := _number(row, raw.get(row.oid), state)) is not None:
        setattr(state, row.field, value)


def _apply_phases(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    found = []
    for oid in row.oids():
        value = raw.get(oid, raw.get(oid + ".0"))
        number = _number(row, value, state)
        if number is not None:
            found.append(number)
    while len(found) > 1 and found[-1] == 0:  # absent phases answer 0 (Phoenixtec)
        found.pop()
    setattr(state, row.field, found)


def _number(row: Row, value: Value | None, state: UpsState) -> float | None:
    if value is None:
        return None
    number = _as_int(value)
    if number is None:
        verdict: float | str = "wrong_type"
    elif number in row.invalid:
        verdict = "sentinel"
    else:
        verdict = plausible(row.field, round(number * row.scale, 6), number)
    if isinstance(verdict, str):
        _reject(state, row, value, verdict)
        return None
    return verdict


def _as_int(value: Value) -> int | None:
    """Some cards send numbers as text."""
    if isinstance(value, bytes):
        text = clean_text(value)
        return int(text) if text.removeprefix("-").isdigit() else None
    return value if isinstance(value, int) else None


def _reject(state: UpsState, row: Row, value: Value, rule: str) -> None:
    shown = clean_text(value) if isinstance(value, bytes) else str(value)
    state.rejected.append(Rejection(row.object, shown[:32], rule))


def _apply_alarm_table(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    values = (value for oid, value in raw.items() if oid.startswith(row.oid + "."))
    _add_alarms(state, (row.alarms.get(str(value).lstrip(".")) for value in values))


def _apply_bits(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = raw.get(row.oid)
    if not isinstance(value, bytes):
        return
    flags = clean_text(value)
    if not flags or set(flags) - {"0", "1"}:
        if value.strip(b"\0 ") not in (b"", b"UNKNOWN"):
            _reject(state, row, value, "wrong_type")
        return
    for position, word in row.bits.items():
        place = int(position) - 1
        _apply_flag(state, word, place < len(flags) and flags[place] == "1")


def _apply_flag(state: UpsState, word: str, on: bool) -> None:
    if word.startswith("alarm:"):
        _add_alarms(state, [word.removeprefix("alarm:")] if on else [])
    elif word in FLAGS:
        setattr(state, word, on)
    elif on and state.status in (None, "other"):
        state.status = word


def _add_alarms(state: UpsState, names: Iterable[str | None]) -> None:
    state.alarms = sorted({*state.alarms, *(name for name in names if name)})


def _settle(state: UpsState) -> None:
    if state.status == "off" and "on_battery" in state.alarms and any(v > 0 for v in state.output_volts):
        state.status = "on_battery"  # a running load outranks OFF (NUT issue 2278)
    if "battery_bad" in state.alarms and state.replace_battery is None:
        state.replace_battery = True
    if "output_overload" in state.alarms and state.overload is None:
        state.overload = True
    if state.status != "on_battery":
        # Cards keep the seconds of the last outage after mains returns (pve-ups issue 25).
        state.on_battery_seconds = 0.0 if state.status else None
    if runtime_contradiction(state.runtime_seconds, state.charge_ratio, state.status):
        state.rejected.append(Rejection("runtime", "0", "zero_runtime_on_mains"))
        state.runtime_seconds = None
    if watts_contradiction(state.output_watts, state.load_ratio, state.nominal_voltamperes):
        rule = "zero_under_load" if state.output_watts == 0 else "out_of_range"
        state.rejected.append(Rejection("output_watts", f"{state.output_watts:g}", rule))
        state.output_watts = None
