"""The notifier: a webhook that is written down before it is answered, and workers that send.

POST /alerts   Alertmanager's webhook, bearer token; 200 only once every message is in the database
GET  /health   200 while the database answers
"""

import hmac
import logging
import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from central.config import Config, Notify, read_secret
from central.database import open_database
from central.notify import outbox
from central.notify.alerts import MAX_BODY_BYTES, firing
from central.notify.channels import Send, open_channels
from telemetry.errors import Rejected

log = logging.getLogger(__name__)
_WORKERS = 8
_LOOK_SECONDS = 1.0
_SLOW_CLIENT_SECONDS = 15


class Notifier:
    """Database, channels and the worker loop."""

    def __init__(self, engine: Engine, channels: dict[str, Send], config: Notify) -> None:
        self.engine, self._channels, self._config = engine, channels, config
        self._wake = threading.Event()
        self._stop = threading.Event()

    def accept(self, body: bytes) -> int:
        """Queue the firing alerts of a webhook; returns how many messages are new. Raises Rejected, SQLAlchemyError."""
        new = outbox.queue(self.engine, firing(body), noc_email=self._config.noc_email, now=time.time())
        if new:
            log.info("queued messages=%d", new)
            self._wake.set()
        return new

    def work(self) -> None:
        """Send what is due until `stop`."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            while not self._stop.is_set():
                try:
                    messages = outbox.due(self.engine, time.time())
                    list(pool.map(self._send, messages))
                except SQLAlchemyError as problem:
                    log.error("the database does not answer cause=%r", str(problem)[:160])
                    messages = []
                if not messages:
                    self._wake.wait(_LOOK_SECONDS)
                    self._wake.clear()

    def stop(self) -> None:
        """End `work`."""
        self._stop.set()
        self._wake.set()

    def _send(self, message: outbox.Queued) -> None:
        channel, address = message.channels[message.channel]
        problem = self._try(channel, address, message)
        now = time.time()
        if problem is None:
            outbox.record_sent(self.engine, message, now)
            log.info("sent channel=%s message=%s", channel, message.key[:12])
            return
        log.warning("not sent channel=%s message=%s cause=%r", channel, message.key[:12], problem)
        tries = self._config.tries_per_channel if channel in self._channels else 1
        outbox.record_failure(
            self.engine,
            message,
            f"{channel}: {problem}",
            now=now,
            tries=tries,
            retry_seconds=self._config.retry_seconds,
        )

    def _try(self, channel: str, address: str, message: outbox.Queued) -> str | None:
        send = self._channels.get(channel)
        if send is None:
            return "this channel is not configured"
        try:
            send(address, message.subject, message.text)
        except (OSError, HTTPException) as problem:  # what the gateway said may hold a number: its kind is kept
            code = getattr(problem, "code", None) or getattr(problem, "errno", None)
            return f"{type(problem).__name__} {code}" if code else type(problem).__name__
        except Exception as problem:  # a bug in a channel must cost one try; its message may name somebody
            last = traceback.extract_tb(problem.__traceback__)[-1]
            kind = type(problem).__name__
            log.error("a channel has a bug channel=%s kind=%s at=%s:%s", channel, kind, last.filename, last.lineno)
            return kind
        return None


class Webhook(ThreadingHTTPServer):
    """The server; its handlers find the notifier and the token here."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], notifier: Notifier, token: str) -> None:
        super().__init__(address, Handler)
        self.notifier, self.token = notifier, token


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Webhook
    timeout = _SLOW_CLIENT_SECONDS
    server_version = "centre-monitor"

    def do_GET(self) -> None:
        """GET /health."""
        self._answer(self._database_answers() if self.path == "/health" else 404)

    def do_POST(self) -> None:
        """POST /alerts."""
        length = self.headers.get("Content-Length", "")
        shown, expected = self.headers.get("Authorization", ""), f"Bearer {self.server.token}"
        if self.path != "/alerts":
            self._answer(404)
        elif not hmac.compare_digest(shown.encode(), expected.encode()):
            self._answer(401)
        elif not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= MAX_BODY_BYTES):
            self._answer(413)
        else:
            self._answer(self._accept(self.rfile.read(int(length))))

    def _accept(self, body: bytes) -> int:
        try:
            self.server.notifier.accept(body)
        except Rejected as problem:
            log.warning("a webhook is refused what=%r", str(problem))
            return 400
        except SQLAlchemyError as problem:
            log.error("the database takes no alerts cause=%r", str(problem)[:160])
            return 503
        return 200

    def _database_answers(self) -> int:
        try:
            with self.server.notifier.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return 503
        return 200

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """To our log, not to stderr."""
        log.debug(*args)


def run(config: Config, settings: Notify) -> None:
    """Serve and send until SIGTERM; raises ConfigError for an unreadable secret."""
    token = read_secret(settings.token_file)
    notifier = Notifier(open_database(config.database.url), open_channels(settings), settings)
    server = Webhook((settings.host, settings.port), notifier, token)
    worker = threading.Thread(target=notifier.work, name="worker", daemon=True)
    worker.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    log.info("the notifier listens port=%d", settings.port)
    server.serve_forever()
    notifier.stop()
    worker.join(15)
