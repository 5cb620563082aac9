"""The Prometheus-compatible store over HTTP: write, and tell whether it was restarted.

A 2xx is not durability: VictoriaMetrics loses up to 9 s of accepted samples at SIGKILL. So the
caller holds its ack and asks `start_time` again.
"""

import http.client
import json
import re
from typing import Literal
from urllib.parse import urlsplit

from central.config import Store as StoreConfig

Verdict = Literal["stored", "refused", "busy"]
_REFUSALS = ("too old sample", "out of bounds", "out of order", "duplicate", "invalid", "label")
_VM_START = re.compile(rb"^vm_app_start_timestamp (\S+)", re.MULTILINE)
_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "centre-monitor",
}


class Store:
    """One keep-alive connection; every failure is an answer, never an exception."""

    def __init__(self, config: StoreConfig) -> None:
        self._config = config
        self._url = urlsplit(config.url)
        self._connection: http.client.HTTPConnection | None = None
        self.problem = ""

    def write(self, body: bytes) -> Verdict:
        """stored: 2xx. refused: these samples can never be stored. busy: try again later."""
        path = self._url.path.rstrip("/") + self._config.write_path
        status, answer = self._request("POST", path, body)
        if 200 <= status < 300:
            return "stored"
        text = answer[:300].decode("utf-8", "replace")
        self.problem = f"HTTP {status} {text.strip()}" if status else self.problem
        permanent = 400 <= status < 500 and status not in (408, 429)
        if permanent or (status == 500 and any(word in text for word in _REFUSALS)):
            return "refused"
        return "busy"

    def start_time(self) -> str | None:
        """A text that changes when the store is restarted; None while it does not answer."""
        base = self._url.path.rstrip("/")
        status, answer = self._request("GET", base + "/api/v1/status/runtimeinfo")
        if status == 200:
            try:
                return str(json.loads(answer)["data"]["startTime"])
            except (ValueError, KeyError, TypeError):
                return None
        if status == 0:
            return None
        status, answer = self._request("GET", base + "/metrics")
        found = _VM_START.search(answer) if status == 200 else None
        return found.group(1).decode() if found else None

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        fresh = self._connection is None
        try:
            return self._exchange(method, path, body)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            if not fresh:  # the kept connection may simply have been closed
                return self._request(method, path, body)
            self.problem = f"{type(problem).__name__}: {problem}"
            return 0, b""

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._url.netloc, timeout=self._config.timeout_seconds)
        self._connection.request(method, path, body, _HEADERS if body is not None else {})
        answer = self._connection.getresponse()
        return answer.status, answer.read()
