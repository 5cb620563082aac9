"""Devices for the end-to-end tests: a simulated card on its own event loop, a fake SMS gateway."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from agent.demo.card import Card, CardValue


class CardThread:
    """agent.demo.card in a thread; `update` from anywhere. `address`: of loopback, where traps are told apart by it."""

    def __init__(self, values: Mapping[str, CardValue], address: str = "127.0.0.1") -> None:
        self.card, self.address = Card(values), address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.card.serve(host=address), self._loop).result(5)

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


@contextmanager
def cards(values: Mapping[str, Mapping[str, CardValue]], *, apart: bool = False) -> Iterator[dict[str, CardThread]]:
    """A card a table, by its name; `apart`: each at an address of its own."""
    with ExitStack() as stack:
        made = {}
        for number, (name, table) in enumerate(values.items(), 11):
            made[name] = CardThread(table, f"127.0.0.{number}" if apart else "127.0.0.1")
            stack.callback(made[name].close)
        yield made


def section(name: str, card: CardThread, **settings: float | str) -> str:
    """The [[collect.ups]] of a card."""
    more = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return f'[[collect.ups]]\nname = "{name}"\nhost = "{card.address}"\nport = {card.port}\n{more}'


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
