"""Which brand file speaks for this card. One unanswered GET ends it: a dead card costs one timeout.

sysObjectID only sorts the candidates (longest prefix first); what counts is an answer to the
brand's probe object with a value of its enum. PDUs and coolers share prefixes with UPSes.
"""

from collections.abc import Mapping

from collectors.snmp import Session, Value
from collectors.ups.mib import FALLBACK, Mib, brands
from telemetry.errors import NotRecognised

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"


async def detect(session: Session) -> Mib:
    """The brand to ask; raises NotRecognised, or what Session.get raises."""
    first = await session.get([SYS_OBJECT_ID])
    answers = await session.get([mib.probe for mib in brands()])
    chosen = choose(first.get(SYS_OBJECT_ID), answers)
    if chosen is None:
        raise NotRecognised(f"{session.access.host} answers SNMP but no known UPS object")
    return chosen


def choose(object_id: Value | None, answers: Mapping[str, Value]) -> Mib | None:
    """The first candidate whose probe answers within its enum; RFC 1628 last; None if none does."""
    text = _as_oid(object_id)
    candidates = sorted(brands(), key=lambda mib: (mib.name == FALLBACK, -_prefix(mib, text)))
    return next((mib for mib in candidates if _speaks(mib, answers)), None)


def _as_oid(value: Value | None) -> str:
    if isinstance(value, bytes):  # some cards send it as text
        value = value.decode("ascii", "replace")
    return str(value or "").lstrip(".")


def _prefix(mib: Mib, object_id: str) -> int:
    return max((len(root) for root in mib.object_ids if f"{object_id}.".startswith(f"{root}.")), default=0)


def _speaks(mib: Mib, answers: Mapping[str, Value]) -> bool:
    value = answers.get(mib.probe)
    rows = [row for row in mib.row if row.oid == mib.probe]
    return value is not None and any(str(value) in row.states for row in rows)
