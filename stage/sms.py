"""A pretend SMS gateway for run-local: prints what a technician would read."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Show = Callable[[str, str], None]


class PretendGateway(ThreadingHTTPServer):
    """GET /send?to=NUMBER&text=TEXT calls `show`; 200."""

    daemon_threads = True

    def __init__(self, show: Show) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.show = show
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def template(self) -> str:
        """For [notify.sms] url."""
        return f"http://127.0.0.1:{self.server_port}/send?to={{number}}&text={{text}}"


class _Handler(BaseHTTPRequestHandler):
    server: PretendGateway

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.server.show(query.get("to", ["?"])[0], query.get("text", ["?"])[0])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Quiet."""
