"""A country with one authority, and what a gateway would send."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine, insert

from central.config import Enrol
from central.database import centres
from central.enrol import ledger
from central.enrol.authority import Authority, new_key, private_pem
from central.enrol.desk import Desk
from central.enrol.server import EnrolServer

CENTRE, OTHER = "PK-PB-00042", "PK-PB-00043"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
INFO = {"province": "Punjab", "district": "Lahore", "isp": "PTCL", "feeder": "F-7", "opening_hours": "09:00-17:00"}


def register(engine: Engine, *ids: str) -> None:
    with engine.begin() as connection:
        connection.execute(insert(centres), [{"id": one, "name": one, **INFO} for one in ids])


def csr(key: Any, subject: str = "") -> str:
    """A request by this key, under any subject."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def enrol_body(token: str, key: Any = None, *, subject: str = "", **more: object) -> bytes:
    return json.dumps({"token": token, "csr": csr(key or new_key(), subject), **more}).encode()


def certificate(answer: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(answer["certificate"].encode())


def common_name(of: x509.Certificate) -> str:
    (name,) = of.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def token(engine: Engine, centre: str = CENTRE, hours: float = 72) -> str:
    return ledger.new_token(engine, centre, timedelta(hours=hours), datetime.now(UTC))


def settings(directory: Path, **changes: Any) -> Enrol:
    """Of an authority in `directory`, with a server certificate for loopback; made if it is not there."""
    files = {
        "directory": str(directory / "ca"), "crl_file": str(directory / "crl/ca.crl"), "host": "127.0.0.1",
        "cert_file": str(directory / "enrol.crt"), "key_file": str(directory / "enrol.key"),
    }  # fmt: skip
    if not (directory / "ca").exists():
        now = datetime.now(UTC)
        authority, key = Authority.make(directory / "ca", "authority of one test run", 3650, now), new_key()
        hosts = ["127.0.0.1", "localhost"]
        made = authority.server(key.public_key(), hosts, now - timedelta(days=1), now + timedelta(days=1))
        (directory / "enrol.crt").write_bytes(made.public_bytes(Encoding.PEM))
        (directory / "enrol.key").write_bytes(private_pem(key))
    return Enrol(**{**files, **changes})


@contextmanager
def serving(engine: Engine, config: Enrol) -> Iterator[EnrolServer]:
    """The HTTPS server on any free port, in a thread."""
    import threading

    from msgspec.structs import replace

    authority = Authority.load(Path(config.directory))
    server = EnrolServer(replace(config, port=0), Desk(engine, authority, config))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def weak_keys() -> list[Any]:
    """Keys of the kinds that are not taken."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())]
