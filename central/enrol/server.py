"""The HTTPS front of the desk: few threads, small bodies, short patience. RFC 9110 as far as it is needed.

POST /v1/enrol  {token, csr, centre?} -> {v, centre, certificate, ca}
POST /v1/renew  {csr}, by mutual TLS with the certificate that is still good
GET  /v1/ca     the authority's certificate; what to pin is its fingerprint, this page proves nothing
"""

import contextlib
import io
import json
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from central.config import Enrol
from central.enrol.authority import CERTIFICATE_FILE
from central.enrol.desk import Desk
from central.enrol.limits import address_key
from central.enrol.refusal import Refused
from central.enrol.request import MAX_BODY_BYTES
from telemetry.errors import ConfigError

log = logging.getLogger(__name__)
_SILENCE_SECONDS = 10.0
_CONNECTION_SECONDS = 30.0
_MAX_HEADER_BYTES = 8 * 1024
_JSON = "application/json"


class EnrolServer(ThreadingHTTPServer):
    """One thread a connection, bounded in number, by address and in time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, config: Enrol, desk: Desk) -> None:
        self.desk = desk
        self._context = tls_context(config)
        self._most = config.connections
        self._open: dict[socket.socket, tuple[str, float]] = {}
        self._lock = threading.Lock()
        super().__init__((config.host, config.port), Handler)

    def server_bind(self) -> None:
        """As the base class, without asking DNS for this host's name."""
        super(ThreadingHTTPServer, self).server_bind()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for it, or the door: one address may not hold them all."""
        key = address_key(str(client_address[0]))
        with self._lock:
            held = Counter(address for address, _ in self._open.values())
            if len(self._open) >= self._most or held[key] >= max(1, self._most // 8):
                self.desk.count("connection", "busy")
                self.shutdown_request(request)
                return
            self._open[request] = (key, time.monotonic())
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """TLS here, not where connections are accepted: a slow handshake holds up nobody else."""
        held = request
        try:
            request.settimeout(_SILENCE_SECONDS)
            tls = self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._open[tls] = self._open.pop(request)
            held = tls
            tls.do_handshake()
            Handler(tls, client_address, self)
        except OSError as problem:  # TLS refused, a reset, a silence
            log.debug("a connection ended early cause=%r", str(problem)[:80])
        finally:
            with self._lock:
                self._open.pop(held, None)
            held.close()

    def service_actions(self) -> None:
        """Called twice a second: end what drips."""
        limit = time.monotonic() - _CONNECTION_SECONDS
        with self._lock:
            late = [sock for sock, (_, since) in self._open.items() if since < limit]
        for sock in late:
            _end(sock)


class Handler(BaseHTTPRequestHandler):
    """One request; HTTP/1.0, so that the connection ends with it."""

    server: EnrolServer
    timeout = _SILENCE_SECONDS
    server_version = "centre-monitor"
    sys_version = ""

    def setup(self) -> None:
        """No more is read of a request than its largest size."""
        super().setup()
        self.rfile = io.BufferedReader(_Bounded(self.connection, _MAX_HEADER_BYTES + MAX_BODY_BYTES))

    def do_GET(self) -> None:
        """GET /v1/ca."""
        if self.path == "/v1/ca":
            self._send(200, "application/x-pem-file", self.server.desk.authority.pem)
        else:
            self._refuse("other", Refused("not_found"))

    def do_POST(self) -> None:
        """POST /v1/enrol, /v1/renew."""
        endpoint = {"/v1/enrol": "enrol", "/v1/renew": "renew"}.get(self.path, "other")
        try:
            answer = self._decide(endpoint)
        except Refused as refusal:
            self._refuse(endpoint, refusal)
            return
        except SQLAlchemyError as problem:
            log.error("the database does not answer cause=%r", str(problem)[:160])
            self._refuse(endpoint, Refused("unavailable"))
            return
        except OSError:
            raise
        except Exception:  # a bug must cost one request; what was asked is not logged, it may hold a token
            log.exception("the desk has a bug endpoint=%s", endpoint)
            self._refuse(endpoint, Refused("bug"))
            return
        self.server.desk.count(endpoint, "granted")
        self._send(200, _JSON, json.dumps(answer).encode())

    def _decide(self, endpoint: str) -> dict[str, Any]:
        if endpoint == "other":
            raise Refused("not_found")
        body = self._body()
        if endpoint == "enrol":
            return self.server.desk.enrol(body, str(self.client_address[0]))
        return self.server.desk.renew(body, self.connection.getpeercert(binary_form=True))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused("length")
        if len(length) > 9 or int(length) > MAX_BODY_BYTES:
            raise Refused("too_large")
        return self.rfile.read(int(length))

    def _refuse(self, endpoint: str, refusal: Refused) -> None:
        self.server.desk.count(endpoint, refusal.reason)
        log.info("refused endpoint=%s reason=%s address=%s", endpoint, refusal.reason, self.client_address[0])
        self._send(refusal.status, _JSON, json.dumps({"error": refusal.reason, "what": str(refusal)}).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """To our log, not to stderr."""
        log.debug(*args)


class _Bounded(io.RawIOBase):
    """A socket that has ended after so many bytes."""

    def __init__(self, sock: socket.socket, most: int) -> None:
        self._sock, self._left = sock, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._sock.recv_into(buffer, min(len(buffer), self._left)) if self._left else 0
        self._left -= got
        return got


def tls_context(config: Enrol) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client may show a certificate, and must for a renewal. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    try:
        context.load_cert_chain(config.cert_file, config.key_file)
        context.load_verify_locations(f"{config.directory}/{CERTIFICATE_FILE}")
    except (OSError, ssl.SSLError) as problem:
        allowed = "PEM files that belong together: `centre-monitor ca server`"
        raise ConfigError(config.cert_file, "$.enrol.cert_file", "not usable", allowed) from problem
    return context


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of the socket itself: TLS would wait for the other side
