"""What may stand for an address in the configuration."""

import re
from urllib.parse import urlsplit

_RESOLVER = re.compile(r"([0-9]{1,3}\.){3}[0-9]{1,3}(#([0-9]{1,5}))?")
HOST_NAME = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")


def name_server(text: str) -> bool:
    """Whether this is an IPv4 address, with #port where it is not 53."""
    found = _RESOLVER.fullmatch(text)
    return found is not None and 0 < int(found[3] or 53) <= 65535


def plain_http(url: str) -> bool:
    """Whether a URL can be asked in plain HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and bool(parts.hostname) and 0 < (parts.port or 80) <= 65535
    except ValueError:
        return False
