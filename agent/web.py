"""The few pages of the daemon: prometheus_client's WSGI app and the standard library, no framework.

Read only. `/` page, `/wall` free seats, `/metrics`, `/status.json`, `/health`.
"""

import json
import logging
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import msgspec
from prometheus_client import make_wsgi_app

from agent import VERSION
from agent.metrics import registry
from agent.page import render, tiles
from agent.snapshot import Snapshot, now_utc
from telemetry import catalogue as names
from telemetry.errors import ConfigError

log = logging.getLogger(__name__)
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_SLOW_CLIENT_SECONDS = 10
_HEADERS = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]
Start = Callable[..., Any]


class Site:
    """The WSGI application over a snapshot and a health report."""

    def __init__(
        self,
        centre: str,
        snapshot: Snapshot,
        report: Callable[[], dict[str, Any]],
        notes: Callable[[], dict[str, Any]] = dict,
        *,
        simulated: bool,
    ) -> None:
        self._centre, self._snapshot, self._report, self._notes = centre, snapshot, report, notes
        self._simulated = simulated
        self._metrics = make_wsgi_app(registry(snapshot), disable_compression=False)

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """WSGI."""
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            return cast("Iterable[bytes]", self._metrics(environ, start))
        made = {"/": self._page, "/wall": self._wall, "/status.json": self._status, "/health": self._health}.get(path)
        if made is None or environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return _answer(start, "404 Not Found", "text/plain", "Try /, /wall, /metrics, /status.json or /health.\n")
        return _answer(start, *made())

    def _page(self) -> tuple[str, str, str]:
        view = tiles.view(self._snapshot, self._report()["problems"])
        return "200 OK", _HTML, render.page(view, centre=self._centre, simulated=self._simulated, now=now_utc())

    def _wall(self) -> tuple[str, str, str]:
        spaces: dict[str, int | None] = {
            one.series.labels[0]: None for one in self._snapshot.last() if one.metric is names.SEATS
        }
        known = {
            one.series.labels[0]
            for one in self._snapshot.of(names.SEATS)
            if one.series.labels[2] != "unknown" and one.value
        }
        for one in self._snapshot.of(names.SEATS):
            if one.series.labels[2] == "free" and one.series.labels[0] in known:
                spaces[one.series.labels[0]] = int(one.value)
        return "200 OK", _HTML, render.wall(spaces, centre=self._centre, simulated=self._simulated)

    def _status(self) -> tuple[str, str, str]:
        return "200 OK", _JSON, json.dumps(self.status(), indent=1) + "\n"

    def status(self) -> dict[str, Any]:
        """The present as plain data; a series that is not live is not in it."""
        report = self._report()
        view = tiles.view(self._snapshot, report["problems"])
        return {
            "v": 1,
            "centre": self._centre,
            "version": VERSION,
            "simulated": self._simulated,
            "time": now_utc().isoformat(timespec="seconds"),
            "verdict": msgspec.to_builtins(view.verdict),
            "tiles": {tile.title.lower(): msgspec.to_builtins(tile) for tile in view.tiles},
            "health": report,
            "notes": self._notes(),
            "values": [
                {
                    "metric": one.metric.name,
                    "labels": one.series.label_map(),
                    "value": one.value,
                    "age_seconds": round(self._snapshot.age_seconds(one), 1),
                }
                for one in self._snapshot.live()
            ],
        }

    def _health(self) -> tuple[str, str, str]:
        report = self._report()
        return "200 OK" if report["ok"] else "503 Service Unavailable", _JSON, json.dumps(report) + "\n"


def _answer(start: Start, status: str, kind: str, text: str) -> list[bytes]:
    body = text.encode()
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS])
    return [body]


class _Handler(WSGIRequestHandler):
    timeout = _SLOW_CLIENT_SECONDS

    def log_message(self, *args: Any) -> None:
        log.debug(*args)


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    address_family = WSGIServer.address_family

    def server_bind(self) -> None:
        # WSGIServer asks DNS for the host's name here, which hangs while the line is down.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address
        log.debug("a client went away")


def serve(site: Site, host: str, port: int) -> WSGIServer:
    """Listen and serve in a daemon thread; the server's `server_port` is the port it got.

    Raises ConfigError when the address cannot be had.
    """
    try:
        server = _Server((host, port), _Handler)
    except OSError as problem:
        raise ConfigError(
            "[listen]", "$.listen", f"cannot listen on {host}:{port} ({problem.strerror})", "a free port"
        ) from problem
    server.set_app(site)
    # serve_forever polls for shutdown(), which is never called: the thread dies with the process.
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 3600}, name="web", daemon=True).start()
    return server
