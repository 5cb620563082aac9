"""Devices for the end-to-end tests: a simulated card on its own event loop, a fake SMS gateway."""

import asyncio
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from agent.demo.card import Card, CardValue


class CardThread:
    """agent.demo.card in a thread; `update` from anywhere."""

    def __init__(self, values: Mapping[str, CardValue]) -> None:
        self.card = Card(values)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.card.serve(), self._loop).result(5)

    def update(self, values: Mapping[str, CardValue]) -> None:
        self._loop.call_soon_threadsafe(self.card.update, values)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _close(self) -> None:
        self.card.close()
        await asyncio.sleep(0)  # asyncio closes the socket at its next turn


class SmsGateway:
    """Takes GET /send?to=...&text=...; keeps what it was sent. The first `failures` answers are 503."""

    def __init__(self, failures: int = 0) -> None:
        self.texts: list[tuple[str, str]] = []
        self.refused = 0
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                refuse = gateway.refused < failures
                if refuse:
                    gateway.refused += 1
                else:
                    gateway.texts.append((query["to"][0], query["text"][0]))
                self.send_response(503 if refuse else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
