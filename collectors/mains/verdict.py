"""What a witness knows of the mains."""

from datetime import datetime

from msgspec import Struct


class Verdict(Struct, frozen=True):
    """mains: there, gone, or None while not known. since: the first sign of it, never later than now."""

    mains: bool | None
    since: datetime
