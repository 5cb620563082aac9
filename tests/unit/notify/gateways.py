"""Gateways that a test can make fail: SMS by HTTP, e-mail by SMTP; and the notifier before them."""

import base64
import contextlib
import http.client
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sqlalchemy import Engine, select

from central.config import Notify, Sms, Smtp
from central.database import notifications
from central.notify.channels import Send, open_channels
from central.notify.service import Notifier, Webhook
from central.registry import import_csv

TOKEN = "a-secret-of-this-test"
NUMBER, SECOND_NUMBER = "+923001234567", "+923007654321"
ADDRESS, NOC = "amna.khan@example.org", "noc@example.org"
CENTRE = "PK-PB-00042"
HEAD = "id,name,province,district,isp,feeder,contract_down_mbps,contract_up_mbps,opening_hours,technicians\n"
PLACE = "Punjab,Multan,PTCL,MUL-3,20,5,09:00-21:00"


class SmsGateway:
    """Keeps every request; `answer` makes the status of the nth, or the raw bytes of a broken one."""

    def __init__(self, answer: Callable[[int], int | bytes] = lambda _: 200, port: int = 0) -> None:
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                gateway.requests.append((self.path, body, dict(self.headers)))
                found = answer(len(gateway.requests))
                if isinstance(found, bytes):
                    self.wfile.write(found)
                    return
                self.send_response(found, f"as told for {NUMBER}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def config(self, path: str = "/send?to={number}&text={text}", body: str = "") -> Sms:
        return Sms(url=f"http://127.0.0.1:{self.port}{path}", body=body)


class SmtpServer:
    """As much of RFC 5321 as smtplib speaks; `refuse` is its answer to RCPT, `bye` to QUIT."""

    def __init__(self, refuse: str = "250 ok", bye: str = "221 bye") -> None:
        self.messages: list[tuple[str, str, EmailMessage]] = []
        self.logins: list[str] = []
        self._replies = {
            "EHLO": "250-test\r\n250 AUTH PLAIN", "AUTH": "235 ok", "RCPT": refuse, "DATA": "354 go on", "QUIT": bye,
        }  # fmt: skip
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                said: dict[str, str] = {}
                self.wfile.write(b"220 test\r\n")
                while line := self.rfile.readline().decode("latin-1").strip():
                    word, _, rest = line.partition(" ")
                    word = word.upper()
                    said[word] = rest
                    self.wfile.write(server._replies.get(word, "250 ok").encode() + b"\r\n")
                    if word == "AUTH":
                        server.logins.append(base64.b64decode(rest.split()[1]).decode())
                    if word == "DATA":
                        server.messages.append((said["MAIL"], said["RCPT"], self._message()))
                        self.wfile.write(b"250 taken\r\n")

            def _message(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b"."))
                found = BytesParser(policy=default).parsebytes(b"".join(lines))
                assert isinstance(found, EmailMessage)
                return found

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def config(self, sender: str = "monitor@example.org", username: str = "", password_file: str = "") -> Smtp:
        return Smtp("127.0.0.1", self.port, sender, username=username, password_file=password_file)


def settings(
    directory: Path, sms: Sms | None = None, smtp: Smtp | None = None, *, noc: str = "", tries: int = 8
) -> Notify:
    """The [notify] section of a test."""
    token = directory / "token"
    token.write_text(TOKEN + "\n")
    return Notify(str(token), sms=sms, smtp=smtp, noc_email=noc, tries_per_channel=tries, retry_seconds=5.0)


def notifier(engine: Engine, config: Notify, channels: dict[str, Send] | None = None) -> Notifier:
    return Notifier(engine, open_channels(config) if channels is None else channels, config)


@contextlib.contextmanager
def listening(notifier: Notifier) -> Iterator[int]:
    """The webhook's port while the block lasts."""
    server = Webhook(("127.0.0.1", 0), notifier, TOKEN)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextlib.contextmanager
def working(notifier: Notifier) -> Iterator[None]:
    """The worker while the block lasts."""
    thread = threading.Thread(target=notifier.work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        notifier.stop()
        thread.join(15)


def alert(
    name: str = "MainsLost", centre: str = CENTRE, starts: str = "2026-03-01T10:00:00Z", **labels: str
) -> dict[str, object]:
    """One firing alert as Alertmanager 0.25 sends it."""
    return {
        "status": "firing",
        "labels": {"alertname": name, "centre": centre, "severity": "warning", "topic": "power", **labels},
        "annotations": {"summary": f"{centre} is on battery: the mains are off."},
        "startsAt": starts,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph?g0.expr=up",
        "fingerprint": "c0ffee" + name,
    }  # fmt: skip


def webhook(*alerts: dict[str, object]) -> bytes:
    """Version 4."""
    about = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "notifier"}
    return json.dumps(
        {**about, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "alerts": alerts}
    ).encode()


def post(port: int, body: bytes, *, token: str = TOKEN, path: str = "/alerts", length: str | None = None) -> int:
    """The status of a webhook; `length` in the place of the true Content-Length."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest("POST", path)
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Length", str(len(body)) if length is None else length)
        connection.endheaders(body if length is None else None)
        return connection.getresponse().status
    finally:
        connection.close()


def register(
    engine: Engine, directory: Path, technicians: str, centre: str = CENTRE, name: str = "e-Rozgar Multan"
) -> None:
    """One centre with its technicians, by the CSV that people import."""
    file = directory / f"{centre}.csv"
    file.write_text(HEAD + f'{centre},{name},{PLACE},"{technicians}"\n', encoding="utf-8")
    import_csv(file, engine)


def rows(engine: Engine) -> list[dict[str, object]]:
    """Every notification, oldest first."""
    with engine.connect() as connection:
        found = connection.execute(select(notifications).order_by(notifications.c.queued, notifications.c.key))
        return [dict(row) for row in found.mappings()]
