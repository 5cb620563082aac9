"""What may stand for an address in the configuration."""

import re
from urllib.parse import urlsplit

RESOLVER = re.compile(r"(\d{1,3}\.){3}\d{1,3}(#\d{1,5})?")
HOST_NAME = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")


def plain_http(url: str) -> bool:
    """Whether a URL can be asked in plain HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and bool(parts.hostname) and 0 < (parts.port or 80) <= 65535
    except ValueError:
        return False
