"""Which brand file speaks for this card. One unanswered GET ends it: a dead card costs one timeout.

sysObjectID only sorts the candidates (longest prefix first); what counts is an answer to the
brand's probe object with a value of its enum. PDUs and coolers share prefixes with UPSes; some PDUs
answer upsOutputSource too (Tripp Lite), but no object of a battery: RFC 1628 alone needs both.
What tells of a battery, but never where its output comes from (RouterOS with a UPS at its USB port), is
a UPS by its battery; its source is inferred. Where RFC 1628 alone tells the state, the maker's own
objects still tell who it is.
"""

from collections.abc import Mapping

from msgspec import Struct, structs

from collectors.snmp import Session, Value
from collectors.ups.decode import number, word
from collectors.ups.learned import Learned, Memory
from collectors.ups.mib import FALLBACK, TEXTS, Mib, brands, fallback
from telemetry.errors import NotRecognised

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"


_OF_A_BATTERY = ("battery_low", "charge_ratio", "runtime_seconds", "battery_volts")


class Found(Struct, frozen=True):
    """The brand to ask, and what the card says it is. infers: it tells no source of its output."""

    mib: Mib
    object_id: Value | None
    infers: bool = False


async def detect(session: Session, memory: Memory) -> Found:
    """Raises NotRecognised, or what Session.get raises."""
    object_id = (await session.get([SYS_OBJECT_ID])).get(SYS_OBJECT_ID)
    known = memory.recall(session.access, object_id)
    found = await _recalled(session, object_id, known) or await _asked(session, object_id, told=known is not None)
    return structs.replace(found, mib=_introduced(found.mib, _as_oid(object_id)))


async def _recalled(session: Session, object_id: Value | None, known: Learned | None) -> Found | None:
    mib = next((one for one in brands() if known is not None and one.name == known.mib), None)
    if known is None or mib is None:
        return None
    session.batch = min(session.batch, max(1, known.batch))
    speaks = _speaks(mib, await session.get([mib.probe]))
    return Found(mib, object_id) if speaks and (mib.name != FALLBACK or await _has_battery(session, mib)) else None


async def _asked(session: Session, object_id: Value | None, *, told: bool) -> Found:
    """told: this card has said its source before; that it does so no more is a fault, and nothing is inferred."""
    chosen = choose(object_id, await session.get([mib.probe for mib in brands()]))
    if chosen is not None and (chosen.name != FALLBACK or await _has_battery(session, chosen)):
        return Found(chosen, object_id)
    for mib in () if told else (*_makers(_as_oid(object_id)), fallback()):
        if await _has_battery(session, mib):
            return Found(mib, object_id, infers=True)
    raise NotRecognised(f"{session.access.host} answers SNMP but no known UPS object")


def choose(object_id: Value | None, answers: Mapping[str, Value]) -> Mib | None:
    """The first candidate whose probe answers within its enum; RFC 1628 last; None if none does."""
    text = _as_oid(object_id)
    candidates = sorted(brands(), key=lambda mib: (mib.name == FALLBACK, -_prefix(mib, text)))
    return next((mib for mib in candidates if _speaks(mib, answers)), None)


def _introduced(mib: Mib, object_id: str) -> Mib:
    """The fallback with the rows by which the brand of this sysObjectID says who it is; a brand as it stands.

    Only rows: the enterprise is the card's maker, and says nothing of whose UPS it stands in.
    """
    makers = _makers(object_id)
    if mib.name != FALLBACK or not makers:
        return mib
    return structs.replace(mib, row=tuple(row for row in makers[0].row if row.field in TEXTS))


def _makers(object_id: str) -> list[Mib]:
    """The brand of this sysObjectID, if there is one."""
    found = [one for one in brands() if one.name != FALLBACK and _prefix(one, object_id)]
    return sorted(found, key=lambda one: -_prefix(one, object_id))[:1]


def _as_oid(value: Value | None) -> str:
    if isinstance(value, bytes):  # some cards send it as text
        value = value.decode("ascii", "replace")
    return str(value or "").lstrip(".")


def _prefix(mib: Mib, object_id: str) -> int:
    return max((len(root) for root in mib.object_ids if f"{object_id}.".startswith(f"{root}.")), default=0)


async def _has_battery(session: Session, mib: Mib) -> bool:
    rows = [row for row in mib.row if row.field in _OF_A_BATTERY and not (row.bits or row.listed or row.alarms)]
    answers = await session.get(list(dict.fromkeys(row.oid for row in rows)))
    return any(number(value) is not None for value in answers.values())


def _speaks(mib: Mib, answers: Mapping[str, Value]) -> bool:
    value = answers.get(mib.probe)
    rows = [row for row in mib.row if row.oid == mib.probe]
    return value is not None and any(word(value) in row.states for row in rows)
