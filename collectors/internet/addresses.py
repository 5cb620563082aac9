"""What may stand for an address in the configuration."""

import ipaddress
import re
from urllib.parse import urlsplit

_PORT = re.compile(r"[0-9]{1,5}")
HOST_NAME = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")


def in_figures(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def name_server(text: str) -> bool:
    """Whether this is an address, with #port where it is not 53."""
    address, mark, port = text.partition("#")
    good = not mark or (_PORT.fullmatch(port) is not None and 0 < int(port) <= 65535)
    return good and in_figures(address)


def plain_http(url: str) -> bool:
    """Whether a URL can be asked in plain HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and bool(parts.hostname) and 0 < (parts.port or 80) <= 65535
    except ValueError:
        return False
