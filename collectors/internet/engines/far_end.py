"""What to ask of a far end: our own (deploy/central/speed), or a LibreSpeed back-end. Pure."""

from urllib.parse import urlsplit

from msgspec import Struct

from collectors.internet.engines import Direction
from telemetry.errors import Unreachable

_ENDLESS = 4_000_000_000
_LIBRESPEED = {"garbage.php": "empty.php", "garbage": "empty"}
_LIBRESPEED_MEBIBYTES = 1024
_LIBRESPEED_POST_BYTES = 20_000_000


class FarEnd(Struct, frozen=True):
    """host, port: of the server. down, up: what to ask for. post_bytes: the longest body it takes."""

    host: str
    port: int
    down: str
    up: str
    post_bytes: int
    netloc: str

    def head(self, direction: Direction) -> bytes:
        """The head of the request; a POST's may be sent again after its body."""
        fields = f"Host: {self.netloc}\r\nUser-Agent: centre-agent\r\n"
        if direction == "down":
            return f"GET {self.down} HTTP/1.1\r\n{fields}\r\n".encode()
        return (
            f"POST {self.up} HTTP/1.1\r\n{fields}Content-Type: application/octet-stream\r\n"
            f"Content-Length: {self.post_bytes}\r\n\r\n"
        ).encode()


def far_end(server: str, test_id: str = "") -> FarEnd:
    """From the URL of a server: http://host/ with /blob and /up, or http://host/.../garbage.php of LibreSpeed.

    Raises Unreachable for anything but plain HTTP.
    """
    try:
        url = urlsplit(server)
        host, port = url.hostname or "", url.port or 80
    except ValueError:
        raise Unreachable(f"{server!r} is no URL", reason="bad_url") from None
    if url.scheme != "http" or not host:
        raise Unreachable(f"{server!r} is not http://host[:port]/", reason="bad_url")
    folder, _, last = url.path.rpartition("/")
    if last in _LIBRESPEED:
        down = f"{url.path}?ckSize={_LIBRESPEED_MEBIBYTES}"
        return FarEnd(host, port, down, f"{folder}/{_LIBRESPEED[last]}", _LIBRESPEED_POST_BYTES, url.netloc)
    base, query = url.path.rstrip("/"), f"?id={test_id}" if test_id else ""
    return FarEnd(host, port, f"{base}/blob{query}", f"{base}/up{query}", _ENDLESS, url.netloc)
