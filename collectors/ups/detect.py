"""Which brand file speaks for this card. One unanswered GET ends it: a dead card costs one timeout.

sysObjectID only sorts the candidates (longest prefix first); what counts is an answer to the
brand's probe object with a value of its enum. PDUs and coolers share prefixes with UPSes; some PDUs
answer upsOutputSource too (Tripp Lite), but no object of a battery: RFC 1628 alone needs both.
Where RFC 1628 alone tells the state, the maker's own objects still tell who it is.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from collectors.snmp import Session, Value
from collectors.ups.learned import Learned, Memory
from collectors.ups.mib import FALLBACK, TEXTS, Mib, brands
from telemetry.errors import NotRecognised

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"


class Found(Struct, frozen=True):
    """The brand to ask, and what the card says it is."""

    mib: Mib
    object_id: Value | None


async def detect(session: Session, memory: Memory) -> Found:
    """Raises NotRecognised, or what Session.get raises."""
    object_id = (await session.get([SYS_OBJECT_ID])).get(SYS_OBJECT_ID)
    mib = await _recalled(session, memory.recall(session.access, object_id)) or await _asked(session, object_id)
    return Found(_introduced(mib, _as_oid(object_id)), object_id)


async def _recalled(session: Session, known: Learned | None) -> Mib | None:
    mib = next((one for one in brands() if known is not None and one.name == known.mib), None)
    if known is None or mib is None or not _speaks(mib, await session.get([mib.probe])):
        return None
    if not await _witnessed(session, mib):
        return None
    session.batch = min(session.batch, max(1, known.batch))
    return mib


async def _asked(session: Session, object_id: Value | None) -> Mib:
    answers = await session.get([mib.probe for mib in brands()])
    chosen = choose(object_id, answers)
    if chosen is None or not await _witnessed(session, chosen):
        raise NotRecognised(f"{session.access.host} answers SNMP but no known UPS object")
    return chosen


def choose(object_id: Value | None, answers: Mapping[str, Value]) -> Mib | None:
    """The first candidate whose probe answers within its enum; RFC 1628 last; None if none does."""
    text = _as_oid(object_id)
    candidates = sorted(brands(), key=lambda mib: (mib.name == FALLBACK, -_prefix(mib, text)))
    return next((mib for mib in candidates if _speaks(mib, answers)), None)


def _introduced(mib: Mib, object_id: str) -> Mib:
    """The fallback with the rows by which the brand of this sysObjectID says who it is; a brand as it stands.

    Only rows: the enterprise is the card's maker, and says nothing of whose UPS it stands in.
    """
    makers = [one for one in brands() if one.name != FALLBACK and _prefix(one, object_id)]
    if mib.name != FALLBACK or not makers:
        return mib
    maker = max(makers, key=lambda one: _prefix(one, object_id))
    return replace(mib, row=tuple(row for row in maker.row if row.field in TEXTS))


def _as_oid(value: Value | None) -> str:
    if isinstance(value, bytes):  # some cards send it as text
        value = value.decode("ascii", "replace")
    return str(value or "").lstrip(".")


def _prefix(mib: Mib, object_id: str) -> int:
    return max((len(root) for root in mib.object_ids if f"{object_id}.".startswith(f"{root}.")), default=0)


async def _witnessed(session: Session, mib: Mib) -> bool:
    return not mib.witnesses or bool(await session.get(list(mib.witnesses)))


def _speaks(mib: Mib, answers: Mapping[str, Value]) -> bool:
    value = answers.get(mib.probe)
    rows = [row for row in mib.row if row.oid == mib.probe]
    return value is not None and any(str(value) in row.states for row in rows)
