"""What people, disks and strangers hand over as files and requests: configuration, CSVs, the outbox, enrolment."""

import json
import shutil
import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import agent.config
import central.config
from agent.outbox import Outbox
from bench.fuzz.target import Target
from bench.measure.readings import LANES, readings
from central.database import open_database
from central.enrol.refusal import Refused
from central.enrol.request import enrol_request, renew_request, requested_key
from central.enrol.server import Handler
from central.registry import import_csv
from central.simulate.centre import make_centre
from collectors.internet.engines.iperf3 import understood
from collectors.internet.engines.reply import Reply
from collectors.internet.engines.speedtest_cli import printed
from collectors.seats.map import read_map
from collectors.seats.sources.checkins import checked_in
from collectors.ups.mib import parse_mib
from telemetry.errors import CollectError, ConfigError
from telemetry.reading import Reading

_ROOT = Path(__file__).resolve().parents[2]
_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_CHECKINS = (
    b"seat,space,start,end,status\nlab-1-01,lab-1,2026-01-01T09:00:00+05:00,2026-01-01T18:00:00+05:00,checked_in\n"
    b'"lab-1-02",lab-1,2026-01-01T09:00:00Z,2026-01-01T13:00:00Z,booked\n'
)
_CONFIG_BYTES = 16 * 1024
"""tomllib takes the square of the length for `a.a.a...`; who writes these files may do worse to this machine."""
_SPEEDTEST = {
    "download": 9.1e7,
    "upload": 0,
    "ping": 21.5,
    "bytes_received": 114_000_000,
    "server": {"sponsor": "P\u00e9"},
}
_IPERF3 = {"end": {"sum_received": {"bits_per_second": 9.1e7}, "sum_sent": {"bytes": 9.1e7, "retransmits": 3}}}


def targets(directory: Path, cleanup: ExitStack) -> list[Target]:
    """All of them."""
    where = directory / "file"
    engine = open_database(f"sqlite:///{directory}/registry.sqlite")
    cleanup.callback(engine.dispose)

    def file(name: str, recorded: list[Path], read: Callable[[Path], object]) -> Target:
        return Target(
            name, [one.read_bytes() for one in recorded], _written(where, read), (ConfigError,), _CONFIG_BYTES
        )

    config = _ROOT / "config"
    return [
        file("config: agent", [config / "agent.toml"], agent.config.read_config),
        file("config: central", [config / "central.toml"], central.config.read_config),
        file("config: seats", [config / "seats.toml"], read_map),
        file("config: UPS brand", sorted((_ROOT / "collectors/ups/mibs").glob("*.toml")), parse_mib),
        file("registry: centres", [config / "centres.csv"], lambda path: import_csv(path, engine)),
        Target("seats: check-ins", [_CHECKINS], _written(where, lambda path: checked_in(path, _NOW)), (CollectError,)),
        Target("outbox: file", *_outbox(directory / "outbox", log=False)),
        Target("outbox: log", *_outbox(directory / "outbox-log", log=True)),
        Target("enrol: request", _requests(), _take_request, (Refused,)),
        Target("enrol: CSR", [_csr().encode()], lambda body: requested_key(body.decode("latin-1")), (Refused,)),
        Target("enrol: HTTP", _requests_over_http(), _take_http),
        Target("internet: speedtest-cli", [json.dumps(_SPEEDTEST).encode()], lambda body: printed(body, "down"),
               (CollectError,)),
        Target("internet: iperf3", [json.dumps(_IPERF3).encode(), b'{"error":"busy"}'],
               lambda body: understood(body, "up", 8), (CollectError,)),
        Target("internet: reply", [b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n"],
               lambda body: Reply().take(body), (CollectError,)),
    ]  # fmt: skip


def _written(where: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def take(body: bytes) -> object:
        where.write_bytes(body)
        return read(where)

    return take


# ── enrolment ──────────────────────────────────────────────────────────────────────────────────
def _csr() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "PK-PB-00001")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(_KEY, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


_KEY = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1())
"""Always the same, so that a seed gives the same input but for the signature."""


def _requests() -> list[bytes]:
    asked = {"csr": _csr()}
    return [
        json.dumps({"token": "0123-4567-89AB", "centre": "PK-PB-00001", **asked}).encode(),
        json.dumps(asked).encode(),
    ]


def _take_request(body: bytes) -> None:
    """As a request with a token, or without one as a renewal."""
    asked = enrol_request(body) if b'"token"' in body else renew_request(body)
    requested_key(asked.csr)


def _requests_over_http() -> list[bytes]:
    enrol, renew = _requests()
    posts = ((b"enrol", enrol), (b"renew", renew))
    heads = [b"POST /v1/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (name, len(it)) for name, it in posts]
    return [head + body for head, (_, body) in zip(heads, posts, strict=True)] + [b"GET /v1/ca HTTP/1.0\r\n\r\n"]


class _Desk:
    """Reads what it is asked, and signs nothing."""

    authority = SimpleNamespace(pem=b"-----BEGIN CERTIFICATE-----")

    def count(self, _endpoint: str, result: str) -> None:
        assert result != "bug", "the desk has a bug"

    def enrol(self, body: bytes, _address: str) -> dict[str, Any]:
        return {"centre": enrol_request(body).centre}

    def renew(self, body: bytes, _certificate: bytes | None) -> dict[str, Any]:
        return {"csr": renew_request(body).csr}


class _Server:
    desk = _Desk()


class _Connection(socket.socket):
    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        """Nobody shows one."""
        assert binary_form
        return None


def _take_http(body: bytes) -> None:
    """One request, to its answer; as TLS leaves it, and hung up behind it."""
    there, here = socket.socketpair()
    with there, _Connection(fileno=here.detach()) as ours:
        there.sendall(body)
        there.shutdown(socket.SHUT_WR)
        Handler(ours, ("127.0.0.1", 1), _Server())  # type: ignore[arg-type]


# ── the outbox ─────────────────────────────────────────────────────────────────────────────────
def _outbox(home: Path, *, log: bool) -> tuple[list[bytes], Callable[[bytes], object]]:
    """A file, or the log beside one, as a power cut leaves it; opened, it must work, whatever was in it."""
    (home / "good").mkdir(parents=True)
    path = home / "good/outbox.sqlite"
    outbox = Outbox(path)
    for number in range(6):
        for lane, found in readings(make_centre(1, 1), 1_790_000_000.0 + 30 * number, 3600.0).items():
            outbox.append(lane, found)
        if number % 2:
            outbox.close_all()
    wal = Path(f"{path}-wal")
    kept = {"": path.read_bytes(), "-wal": wal.read_bytes()}
    outbox.close()
    whole = path.read_bytes()
    tick = readings(make_centre(1, 1), 1_790_000_900.0, 3600.0)[LANES["host"]]

    def take(body: bytes) -> None:
        own = home / "own"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        for suffix, content in ({"": kept[""], "-wal": body} if log else {"": body}).items():
            (own / f"outbox.sqlite{suffix}").write_bytes(content)
        _work(own / "outbox.sqlite", tick)

    return [kept["-wal"] if log else whole], take


def _work(path: Path, tick: list[Reading]) -> None:
    outbox = Outbox(path)
    try:
        outbox.append("host", tick)
        outbox.close_all()
        if not outbox.writable:
            outbox.append("host", tick)  # a damaged file is found at the first use, and begun anew at the next
            outbox.close_all()
        assert outbox.writable, "the outbox takes nothing"
        assert outbox.stats().rows >= 1, "what was written is not there"
        outbox.settle(outbox.epoch, [(0, 2**53)])
    finally:
        outbox.close()
