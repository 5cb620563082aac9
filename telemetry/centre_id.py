"""The name of a centre, as it stands in topics, labels and certificates."""

import re

from telemetry.errors import Rejected

PATTERN = re.compile(r"[A-Z0-9]{1,8}(-[A-Z0-9]{1,8}){0,3}")
EXAMPLE = "PK-PB-00042"


def centre_id(text: str) -> str:
    """`text` itself if it is a centre id (at most 35 characters); else raises Rejected(topic)."""
    if PATTERN.fullmatch(text) is None:
        raise Rejected(f"{text[:64]!r} is no centre id such as {EXAMPLE}", reason="topic")
    return text
