"""Raw SNMP values -> the state of a UPS. Pure: two MIB tables and a dict in, a UpsState out.

The brand's own rows are asked first, RFC 1628 fills in field by field what they leave open: cards
exist whose vendor objects lie and whose RFC 1628 is true, and the reverse.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from collectors.snmp import Value
from collectors.ups.mib import FLAGS, PHASED, SUMMED, TEXTS, Mib, Row
from collectors.ups.plausible import Phases, Rejection, known, plausible
from collectors.ups.settle import inferred_source, settle
from collectors.ups.state import VOLTAGES, WARNINGS, UpsState

_MAX_REJECTED = 64


def decode(raw: Mapping[str, Value], mib: Mib, fill_in: Mib, *, infers: bool = False) -> UpsState:
    """The UpsState of the values at hand; what no row can tell stays None. infers: not the output's source."""
    state = UpsState(mib=mib.name, vendor=mib.vendor or None)
    _read(mib, raw, state)
    if mib is not fill_in:
        _fill_in(fill_in, raw, state)
    if infers and state.status is None:
        state.status = inferred_source(state)
    settle(state)
    del state.rejected[_MAX_REJECTED:]
    return state


def _read(table: Mib, raw: Mapping[str, Value], state: UpsState) -> None:
    raw = {**raw, **_shown_lines(table, raw)}
    for row in table.row:
        _apply(row, raw, state)
    _apply_sum([row for row in table.row if row.phase and row.field == SUMMED], raw, state)


def _shown_lines(table: Mib, raw: Mapping[str, Value]) -> Mapping[str, Value]:
    """The number of lines, 1, where none is told and each table has its first row three times, something flowing."""
    rows = [row for row in table.row if row.phases and row.lines and _told_lines(row, raw) is None]
    there = [(row, [_at(raw, oid) for oid in row.instances()]) for row in rows]
    columns = [(row.field, values) for row, values in there if None not in values]
    repeated = len(columns) >= _ENOUGH_COLUMNS and all(values.count(values[0]) == len(values) for _, values in columns)
    flows = any(field in _FLOWING and values[0] not in (0, -1, b"0") for field, values in columns)
    return {row.lines: 1 for row in rows} if repeated and flows else {}


_ENOUGH_COLUMNS = 3
_FLOWING = ("output_amperes", SUMMED, "load_ratio")


def _fill_in(table: Mib, raw: Mapping[str, Value], state: UpsState) -> None:
    """What the brand has said of a warning stands, a no as well: cards exist whose RFC 1628 cries wolf.

    A source that the brand cannot name stays so, but for a cut: that is never hidden.
    """
    said = {name: getattr(state, name) for name in WARNINGS if getattr(state, name) is not None}
    _read(table, raw, state)
    for name, value in said.items():
        setattr(state, name, value)
    if state.status == "other":
        own = UpsState()
        _read(table, raw, own)
        state.status = "on_battery" if own.status == "on_battery" else "other"


def _apply(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    if row.alarms:
        _apply_alarm_table(row, raw, state)
    elif row.bits:
        _apply_bits(row, raw, state)
    elif row.listed:
        _apply_listed(row, raw, state)
    elif row.phase:
        if row.field != SUMMED:
            _apply_one_phase(row, raw, state)
    elif row.join or row.field == "alarms" or _is_open(row.field, state):
        _reader(row)(row, raw, state)


def _is_open(field: str, state: UpsState) -> bool:
    """Nought amperes or watts close nothing: whole units round a small load away, some cards say 0 whatever flows.

    Nor does a no of a warning: another object may know better.
    """
    said = getattr(state, field)
    nought = said == 0 or (isinstance(said, list) and not any(said))
    return said in (None, []) or (field in WARNINGS and not said) or (nought and field in ("output_amperes", SUMMED))


def _reader(row: Row) -> Callable[[Row, Mapping[str, Value], UpsState], None]:
    if row.field in TEXTS:
        return _apply_text
    if row.field == "alarms":
        return _apply_alarm_state
    if row.states:
        return _apply_states
    return _apply_phases if row.phases or row.field in PHASED else _apply_number


def _at(raw: Mapping[str, Value], oid: str) -> Value | None:
    """Some cards index their tables with an extra .0."""
    return raw.get(oid, raw.get(oid + ".0"))


def _apply_text(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = raw.get(row.oid)
    before = getattr(state, row.field) if row.join else None
    if isinstance(value, bytes) and row.part:
        value = b"".join(value.split(b";")[row.part - 1 : row.part])
    if isinstance(value, bytes) and (text := clean_text(value)):
        setattr(state, row.field, f"{before} {text}"[:48] if before else text)
    elif isinstance(value, int):
        setattr(state, row.field, str(value))


def clean_text(octets: bytes) -> str:
    """At most 48 printable ASCII characters; NULs, line ends and padding removed."""
    return _printable(octets)[:48].strip()


def _printable(octets: bytes) -> str:
    text = octets.lstrip(b"\0 ").split(b"\0")[0].decode("ascii", "replace")
    return "".join(c if c.isascii() and c.isprintable() else " " for c in text).strip()


def _apply_states(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = _at(raw, row.oid)
    if value is None:
        return
    meaning = row.states.get(word(value))
    if meaning is None:
        _reject(state, row, value, "unknown_enum")
        if row.field == "status" and (number(value) or 0) > 0:
            state.status = "other"
        return
    if meaning != "":
        setattr(state, row.field, meaning)


def _apply_alarm_state(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = _at(raw, row.oid)
    name = row.states.get(word(value)) if value is not None else None
    if value is not None and name is None:
        _reject(state, row, value, "unknown_enum")
    _add_alarms(state, [str(name)] if name else [])


def _apply_number(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    if (value := _number(row, _at(raw, row.oid), state)) is not None:
        setattr(state, row.field, value)


def _apply_phases(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    found: Phases = [_number(row, _at(raw, oid), state) for oid in _lines(row, raw)]
    while found and found[-1] is None:
        found.pop()
    if row.field in VOLTAGES and not any(found[1:]) and _told_lines(row, raw) in (None, 1):
        found = found[:1]  # absent phases answer 0 (Phoenixtec); one of several that is dead is no absent one
    _set_phases(row, state, found)


def _lines(row: Row, raw: Mapping[str, Value]) -> Sequence[str]:
    """The rows of as many phases as there are: the first, or where none of these is there, the next (RouterOS)."""
    count, instances = _line_count(row, raw), row.instances()
    there = [oid for oid in instances if _at(raw, oid) is not None]
    return instances[:count] if set(there) & set(instances[:count]) else there[:count]


def _line_count(row: Row, raw: Mapping[str, Value]) -> int:
    return _told_lines(row, raw) or 3


def _told_lines(row: Row, raw: Mapping[str, Value]) -> int | None:
    lines = number(raw[row.lines]) if row.lines in raw else None
    return lines if lines is not None and 1 <= lines <= 3 else None


def _set_phases(row: Row, state: UpsState, found: Phases) -> None:
    if row.field != SUMMED:
        if any(found) or not getattr(state, row.field):
            setattr(state, row.field, found)
    elif found and None not in found:  # a sum without one of its parts is no sum
        state.output_watts = sum(known(found))


def _apply_one_phase(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    """The rows of one field, in the order of their phases, complete each other."""
    found: Phases = getattr(state, row.field)
    if row.phase > _line_count(row, raw) or len(found) != row.phase - 1:
        return
    value = _number(row, _at(raw, row.oid), state)
    if value is not None and not (row.phase > 1 and value == 0 and row.field in VOLTAGES):
        found.append(value)


def _apply_sum(rows: Sequence[Row], raw: Mapping[str, Value], state: UpsState) -> None:
    """One row a phase: their sum, as far as there are phases; without one of its parts it is none."""
    there = [row for row in rows if row.phase <= _line_count(row, raw)]
    told = [row for row in there if _at(raw, row.oid) not in (None, *row.absent)]
    if state.output_watts or not told or [row.phase for row in told] != list(range(1, len(told) + 1)):
        return
    parts = [_number(row, _at(raw, row.oid), state) for row in told]
    if None not in parts:
        state.output_watts = sum(known(parts))


def _number(row: Row, value: Value | None, state: UpsState) -> float | None:
    if value is None:
        return None
    told = number(value)
    if told in row.absent:
        return None
    if told is None:
        verdict: float | str = "wrong_type"
    elif told in row.invalid:
        verdict = "sentinel"
    elif 0 < told < row.least:
        verdict = "doubtful_unit"
    else:
        verdict = plausible(row.field, round(told * row.scale, 6), told)
    if isinstance(verdict, str):
        _reject(state, row, value, verdict)
        return None
    return verdict


def word(value: Value) -> str:
    """How a brand file spells it: a number in figures, also one that was sent as text."""
    told = number(value)
    return str(value if told is None else told)


def number(value: Value) -> int | None:
    """Some cards send numbers as text."""
    if isinstance(value, bytes):
        text = clean_text(value)
        return int(text) if text.removeprefix("-").isdigit() else None
    return value if isinstance(value, int) else None


def _reject(state: UpsState, row: Row, value: Value, rule: str) -> None:
    shown = clean_text(value) if isinstance(value, bytes) else str(value)
    rejection = Rejection(row.object, shown[:32], rule)
    if rejection not in state.rejected:  # several rows may read one object: one lie counts once
        state.rejected.append(rejection)


def _apply_alarm_table(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    table = {oid.removeprefix(row.oid): value for oid, value in raw.items() if oid.startswith(row.oid + ".")}
    held = (value for index, value in table.items() if not row.active or raw.get(row.active + index) == 1)
    texts = (clean_text(value) if isinstance(value, bytes) else str(value) for value in held)
    _add_alarms(state, (row.alarms.get(text.lstrip(".")) for text in texts))


def _apply_bits(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    value = raw.get(row.oid)
    if not isinstance(value, bytes):
        return
    flags = _printable(value)
    if not flags or set(flags) - {"0", "1"}:
        if value.strip(b"\0 ") not in (b"", b"UNKNOWN"):
            _reject(state, row, value, "wrong_type")
        return
    for position, word in row.bits.items():
        place = int(position) - 1
        if place < len(flags):  # a string that was cut says nothing of the rest
            _apply_flag(state, word, flags[place] == "1")


def _apply_listed(row: Row, raw: Mapping[str, Value], state: UpsState) -> None:
    """An empty text lists nothing, and so denies every yes/no field of the row."""
    value = raw.get(row.oid)
    if not isinstance(value, bytes):
        return
    octets = value.split(b"\0")[0]
    if octets.translate(None, b"0123456789, "):
        _reject(state, row, value, "wrong_type")
        return
    numbers = octets.decode("ascii").replace(" ", "").split(",")
    held = {row.listed[number] for number in numbers if number in row.listed}
    for word in dict.fromkeys(row.listed.values()):
        _apply_flag(state, word, word in held)


def _apply_flag(state: UpsState, told: str, on: bool) -> None:
    if told.startswith("alarm:"):
        _add_alarms(state, [told.removeprefix("alarm:")] if on else [])
    elif told in FLAGS:
        setattr(state, told, on or (told in WARNINGS and bool(getattr(state, told))))
    elif on and state.status in (None, "other"):
        state.status = told


def _add_alarms(state: UpsState, names: Iterable[str | None]) -> None:
    state.alarms = sorted({*state.alarms, *(name for name in names if name)})
