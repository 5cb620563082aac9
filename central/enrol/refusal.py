"""What a stranger is told: a word, a status and a sentence that never depends on what is in the database.

Wrong, expired and used tokens are one answer; only who holds a good token hears more.
"""

from telemetry.errors import CentreError

REFUSALS: dict[str, tuple[int, str]] = {
    "malformed": (400, "Not a request of ours."),
    "csr": (400, "Not a certificate request signed by an EC P-256 key of its own."),
    "token": (403, "This token is not valid: wrong, used or expired. Ask the operations centre for a new one."),
    "certificate": (403, "No certificate of ours that still counts was shown: enrol with a new token."),
    "not_found": (404, "POST /v1/enrol, POST /v1/renew or GET /v1/ca."),
    "other_centre": (409, "The token is another centre's than the one this gateway is configured as. It stays good."),
    "unregistered": (409, "The centre is not in the registry: first `centre-monitor centres import`. Then try again."),
    "length": (411, "A body of known length is wanted."),
    "too_large": (413, "At most 8 KiB."),
    "busy": (429, "Too many requests: try again in a minute."),
    "bug": (500, "Our mistake; it is logged."),
    "unavailable": (503, "The database does not answer: try again in a minute."),
}


class Refused(CentreError):
    """A request that is not granted; `reason` is a key of REFUSALS."""

    def __init__(self, reason: str) -> None:
        self.status, sentence = REFUSALS[reason]
        super().__init__(sentence, reason=reason)
