"""One card, read again and again: what to ask, how often, and what was learned about it."""

from collections.abc import Iterable

from collectors.snmp import Session, Value
from collectors.ups.decode import decode
from collectors.ups.detect import Found, detect
from collectors.ups.learned import Memory
from collectors.ups.mib import Mib, Row, fallback
from collectors.ups.state import UpsState
from telemetry.errors import CollectError, NotRecognised, TimedOut, Unreachable

_STATIC_EVERY = 360  # polls; an hour at 10 s
_REDETECT_AFTER = 3
_DOUBT_EVERY = 30  # polls; a card that has never told its source is looked at anew
_FIRST_POLLS = 3
"""So often everything is asked: what is NULL while a card starts may have a value a moment later."""
_URGENT = frozenset(
    {
        "status", "communicating", "battery_low", "charge_ratio", "runtime_seconds", "on_battery_seconds",
        "testing", "input_volts",  # the witnesses that it is on battery by its own will
    }
)  # fmt: skip


class Card:
    """Polls over one Session; remembers the brand and which objects do not exist."""

    def __init__(self, session: Session, memory: Memory | None = None) -> None:
        self._session, self._memory = session, memory or Memory()
        self._found: Found | None = None
        self._present: set[str] | None = None
        self._static: dict[str, Value] = {}
        self._alarms: dict[str, Value] = {}
        self._polls = 0
        self._without_status = 0

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    async def read(self) -> UpsState:
        """The state now; raises CollectError as Session.get does, NotRecognised for a non-UPS."""
        return self._believed(await self.state())

    async def state(self) -> UpsState:
        """The same, also of a card that has lost its UPS or says no status."""
        try:
            return await self._state()
        except TimedOut:
            self._polls = 0  # who answers next may be another card
            raise

    async def _state(self) -> UpsState:
        if self._found is None or (self._found.infers and self._polls % _DOUBT_EVERY == 0):
            self._found = await detect(self._session, self._memory)
            self._present, self._polls, self._static = None, 0, {}
        found = self._found
        rows = _rows(found.mib)
        raw = await self._values(rows)
        tables = await self._alarm_tables(rows, raw)
        raw |= tables
        self._alarms = tables | {oid: raw[oid] for oid in _oids(filter(_tells_alarms, rows)) if oid in raw}
        if not found.infers:
            self._memory.keep(self._session.access, found.object_id, found.mib.name, self._session.batch)
        return decode(self._static | raw, found.mib, fallback(), infers=found.infers)

    async def read_source(self) -> UpsState:
        """What matters on battery: source, charge, runtime, the card's own low flag; little else is asked.

        Alarms, which outrank flags, are those of the last full reading.
        """
        if self._found is None or self._present is None or self._found.infers:
            return await self.read()
        mib = self._found.mib
        oids = [oid for one in _oids(filter(_urgent, _rows(mib))) for oid in (one, one + ".0")]
        raw = await self._session.get([oid for oid in oids if oid in self._present])
        return self._believed(decode(self._alarms | raw, mib, fallback()))

    async def _values(self, rows: list[Row]) -> dict[str, Value]:
        wanted = _oids(row for row in rows if not row.static)
        if self._polls % _STATIC_EVERY == 0:
            fixed = await self._session.get(_oids(row for row in rows if row.static))
            if self._static and fixed != self._static:  # another card at the same address, or new firmware
                self._found = None
            self._static, self._present = fixed, None
        self._polls += 1  # only now: who it is must not be lost for an hour to one lost packet
        if self._present is None or self._polls <= _FIRST_POLLS:
            raw = await self._session.get(wanted)
            raw |= await self._rows_with_extra_zero(rows, raw)
            self._present = set(raw)
            return raw
        return await self._session.get(sorted(self._present))

    async def _rows_with_extra_zero(self, rows: list[Row], raw: dict[str, Value]) -> dict[str, Value]:
        columns = [oid for row in rows for oid in row.oids() if not oid.endswith(".0")]
        absent = [oid + ".0" for oid in dict.fromkeys(columns) if oid not in raw]
        return await self._session.get(absent) if absent else {}

    async def _alarm_tables(self, rows: list[Row], raw: dict[str, Value]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for row in rows:
            if row.alarms and self._may_have_rows(row, raw):
                try:
                    for column in filter(None, (row.oid, row.active)):
                        found |= await self._session.walk(column)
                except CollectError:  # a failing alarm table must not cost the poll (NUT issue 2488)
                    continue
        return found

    def _may_have_rows(self, table: Row, raw: dict[str, Value]) -> bool:
        """Not while its count says 0; without a count, RFC 1628's only where the card answers RFC 1628 at all."""
        count = raw.get(table.count)
        if count is not None or table not in fallback().row:
            return count != 0
        own = [oid for oid in _oids(fallback().row) if oid.startswith(f"{fallback().root}.")]
        return any(oid in raw or oid in self._static for oid in own)

    def _believed(self, state: UpsState) -> UpsState:
        if state.communicating is False:
            raise Unreachable("the card answers, but has lost its UPS")
        self._without_status = 0 if state.status else self._without_status + 1
        if self._without_status >= _REDETECT_AFTER:
            self._found, self._without_status = None, 0
        if state.status is None:
            raise NotRecognised("the card no longer says where its output comes from")
        return state


def _rows(mib: Mib) -> list[Row]:
    return list(mib.row) if mib is fallback() else [*mib.row, *fallback().row]


def _urgent(row: Row) -> bool:
    return row.field in _URGENT or not _URGENT.isdisjoint(row.bits.values())


def _tells_alarms(row: Row) -> bool:
    return row.field == "alarms"


def _oids(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(oid for row in rows for oid in row.oids()))
