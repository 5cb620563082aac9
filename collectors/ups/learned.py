"""What was learned about a card that tells its source, kept on disk: its brand, and how many objects it bears at once.

A restart then costs two questions instead of a detection, three where only RFC 1628 tells. It is
believed only while the card's address and sysObjectID are the same and the brand's probe still answers.
"""

import contextlib
from pathlib import Path

from msgspec import Struct

from collectors import kept
from collectors.snmp import Access, Value


class Learned(Struct, frozen=True):
    """address: host:port. object_id: sysObjectID as the card says it. batch: objects a question."""

    address: str
    object_id: str
    mib: str
    batch: int


class Memory:
    """One card's Learned in `file`; without a file, nothing outlives the process."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known = kept.read(file, Learned) if file else None

    def recall(self, access: Access, object_id: Value | None) -> Learned | None:
        """What is known about the card that says this of itself."""
        known = self._known
        same = known is not None and (known.address, known.object_id) == (_address(access), str(object_id))
        return known if same else None

    def keep(self, access: Access, object_id: Value | None, mib: str, batch: int) -> None:
        """Write it down, if it is news; a disk that takes nothing costs the next start a detection."""
        found = Learned(_address(access), str(object_id), mib, batch)
        if found == self._known:
            return
        self._known = found
        if self._file is not None:
            with contextlib.suppress(OSError):
                kept.write(self._file, found)


def _address(access: Access) -> str:
    return f"{access.host}:{access.port}"
