"""Every error of ours, sorted by what the caller should do.

    CentreError
    ├── ConfigError          refuse to start: exit 78 (EX_CONFIG), file and path named
    ├── CollectError         count it under its reason, publish nothing in its place, try again later
    │   ├── Unreachable      no route, name or port
    │   ├── TimedOut         no answer in time
    │   ├── AccessDenied     community, user or key refused
    │   ├── NotRecognised    it answers, but not as the device we look for
    │   ├── BadData          it answers nonsense
    │   └── Postponed        not now, on purpose (busy line, spent budget)
    ├── UplinkError          keep the rows, try again
    ├── Rejected             never try again: set aside, count, acknowledge as rejected
    ├── Refused              central/enrol: tell the stranger so, and nothing more
    └── EnrolError           agent/enrolment: tell the technician what to do, exit with its code

Anything else is a bug. It is caught in four places only: the scheduler (one tick), the uplink (one
connection), ingest's admission (one message) and a notification channel (one message).
"""

from pathlib import Path

EX_CONFIG = 78


class CentreError(Exception):
    """Root of the tree; `reason` is a closed word, safe as a metric label."""

    reason = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class ConfigError(CentreError):
    """The configuration cannot be used. `path` is where in the file, `allowed` what may stand there."""

    reason = "config"

    def __init__(self, file: Path | str, path: str, problem: str, allowed: str = "") -> None:
        self.file, self.path, self.problem, self.allowed = str(file), path, problem, allowed
        hint = f"; allowed: {allowed}" if allowed else ""
        super().__init__(f"{file}: {path}: {problem}{hint}")


class CollectError(CentreError):
    """A device gave nothing this time."""

    retry_after_seconds = 0.0
    """Sooner than this it is no use, or does harm, to ask again."""


class Unreachable(CollectError):
    """No route, no such name, nothing listens."""

    reason = "unreachable"


class TimedOut(CollectError):
    """No answer in time."""

    reason = "timed_out"


class AccessDenied(CollectError):
    """The device refused us; the message says whether community, user or key.

    A key does not mend itself: cards log every attempt, and some lock the user out.
    """

    reason = "access_denied"
    retry_after_seconds = 300.0


class NotRecognised(CollectError):
    """Something answers, but it is not the kind of device we look for."""

    reason = "not_recognised"


class BadData(CollectError):
    """The answer cannot be true or cannot be read."""

    reason = "bad_data"


class Postponed(CollectError):
    """Put off on purpose."""

    reason = "postponed"


class UplinkError(CentreError):
    """The broker or the line to it failed; rows stay where they are."""

    reason = "uplink"


class Rejected(CentreError):
    """A message that can never be accepted. Its `reason` is one of REJECT_REASONS."""

    reason = "malformed"


REJECT_REASONS = (
    "topic",  # not a centre id we know how to read
    "oversized",  # above the wire or the inflated limit
    "malformed",  # not zlib, not JSON, not the layout of this version
    "version",  # a layout we do not speak
    "schema",  # the schema breaks a limit or does not match its id
    "metric",  # a name that the catalogue does not hold
    "labels",  # keys or values that the catalogue does not allow
    "value",  # not finite, or out of the integers a double holds
    "future",  # later than this server's clock allows
    "old",  # older than the store keeps open
    "revoked",  # from a centre whose certificates are revoked; the one kind that is not acknowledged
    "store",  # the store itself refuses these samples for good
)
