"""The head of an HTTP answer: is the far end willing?"""

from telemetry.errors import AccessDenied, BadData, CollectError, Postponed, Unreachable

MAX_HEAD = 16 * 1024


class Reply:
    """The head of an HTTP answer, as it comes; `take` raises when it is not 2xx."""

    def __init__(self) -> None:
        self._head = b""
        self.complete = False

    def take(self, more: bytes) -> int:
        """The number of bytes; raises AccessDenied, Postponed (503), Unreachable or BadData."""
        self._head += more
        end = self._head.find(b"\r\n\r\n")
        if end >= 0:
            self.complete = True
            self._judge()
        elif len(self._head) > MAX_HEAD:
            raise BadData("the server does not speak HTTP", reason="not_http")
        return len(more)

    def _judge(self) -> None:
        words = self._head.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit() or len(words[1]) != 3:
            raise BadData("the server does not speak HTTP", reason="not_http")
        status = int(words[1])
        if not 200 <= status <= 299:
            raise _refusal(status)


def _refusal(status: int) -> CollectError:
    text = f"the server answered {status}"
    if status == 503:
        return Postponed(text, reason="server_busy")
    if status in (401, 403, 407):
        return AccessDenied(text, reason=f"http_{status}")
    return Unreachable(text, reason=f"http_{status}")
