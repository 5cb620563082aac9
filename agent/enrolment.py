"""Getting and renewing the certificate of this gateway. Runs in a process of its own: it needs a crypto library.

The key is made here, is in no request, and leaves the machine never. The token is sent only to a
server whose certificate has been verified: against a file, against an authority whose fingerprint the
technician was given, or against what an earlier enrolment brought.

A wrong clock is not tolerated. The times of the server's certificate are what ends the use of a key
that was stolen from it, and nothing would be won: the broker's certificate needs the same clock.
The token stays good; whoever waits for the clock can use it then.
"""

import hashlib
import http.client
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from agent.identity import Folder
from telemetry.durable import sync_folder, write_durably
from telemetry.errors import CentreError

UNREACHABLE, REFUSED, BUSY, CLOCK, UNTRUSTED, DISK = 4, 5, 6, 7, 8, 9
_TIMEOUT_SECONDS = 30.0
_MAX_ANSWER_BYTES = 64 * 1024
_CLOCK_IS_SET_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_PEM = serialization.Encoding.PEM


class EnrolError(CentreError):
    """No certificate. The message says what to do, `code` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Answer(Struct, frozen=True):
    """What the server gives: PEM texts, and the centre that the certificate names."""

    centre: str
    certificate: str
    ca: str


class Server:
    """The enrol server at `url`, trusted by a file, by a fingerprint, or (neither) by the system."""

    def __init__(self, url: str, *, ca_file: Path | None = None, ca_sha256: str = "") -> None:
        try:
            parts = urlsplit(url)
            self.url, self._host, self._port = url, parts.hostname or "", parts.port or 443
        except ValueError:
            self._host = ""
        if not self._host or not url.startswith("https://"):
            raise EnrolError(2, f"--url {url!r} is no address such as https://enrol.example.org:8443")
        if ca_sha256:
            self.context = ssl.create_default_context(cadata=self._pinned(ca_sha256))
        else:
            try:
                self.context = ssl.create_default_context(cafile=ca_file)
            except (OSError, ssl.SSLError) as problem:
                raise EnrolError(UNTRUSTED, f"{ca_file} holds no certificate that can be used.") from problem
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def _pinned(self, fingerprint: str) -> str:
        """The authority's certificate, from anybody who claims to be the server, if it has this fingerprint."""
        careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE  # nothing secret goes this way
        status, body = self.ask("GET", "/v1/ca", None, careless)
        wanted = fingerprint.replace(":", "").strip().lower()
        try:
            pem = body.decode("ascii")
            found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() if status == 200 else ""
        except ValueError:
            found = ""
        if found != wanted:
            what = f"has the fingerprint {found}" if found else "is none"
            raise EnrolError(
                UNTRUSTED,
                f"The authority of {self._host} {what}, not the one that came with the token. Somebody may be in "
                "between: nothing was sent. Check the fingerprint with the operations centre.",
            )
        return pem

    def ask(self, method: str, path: str, body: bytes | None, context: ssl.SSLContext) -> tuple[int, bytes]:
        """Status and body; raises EnrolError in plain words."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS, context=context)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read(_MAX_ANSWER_BYTES)
        except ssl.SSLCertVerificationError as problem:
            raise _distrust(problem, self._host) from problem
        except (OSError, http.client.HTTPException) as problem:
            text = f"{self._host}:{self._port} cannot be reached ({str(problem)[:100] or type(problem).__name__})."
            raise EnrolError(UNREACHABLE, f"{text} Is the line up, the address right?") from problem
        finally:
            connection.close()

    def post(self, path: str, request: dict[str, str]) -> Answer:
        """The answer to a request that was granted."""
        status, body = self.ask("POST", path, json.dumps(request).encode(), self.context)
        if status != 200:
            raise _refusal(status, body)
        try:
            return msgspec.json.decode(body, type=Answer)
        except msgspec.DecodeError as problem:
            raise EnrolError(UNREACHABLE, f"{self._host} answers, but not as an enrol server does.") from problem


def enrol(server: Server, folder: Folder, centre: str, token: str) -> Answer:
    """A certificate for a token, in place when this returns; raises EnrolError."""
    key = _pending_key(folder)
    answer = server.post("/v1/enrol", {"token": token, "csr": _request(key), "centre": centre})
    _check(answer, key, centre)
    _keep(folder.authority, answer.ca.encode(), mode=0o644)
    _keep(folder.url, server.url.encode() + b"\n")
    _put(folder, key, answer)
    return answer


def renew(server: Server, folder: Folder) -> Answer:
    """A new pair beside the old one, by mutual TLS with the old one; raises EnrolError."""
    try:
        server.context.load_cert_chain(folder.pair)
    except (OSError, ssl.SSLError) as problem:
        raise EnrolError(REFUSED, f"{folder.pair} cannot be used: enrol again with a new token.") from problem
    key = _pending_key(folder)
    answer = server.post("/v1/renew", {"csr": _request(key)})
    _check(answer, key, "")
    _put(folder, key, answer)
    return answer


def _pending_key(folder: Folder) -> ec.EllipticCurvePrivateKey:
    """The key to be certified; the same again while no answer has come, so that a lost one can be asked for again."""
    try:
        found = serialization.load_pem_private_key(folder.pending_key.read_bytes(), None)
        if isinstance(found, ec.EllipticCurvePrivateKey):
            return found
    except (OSError, ValueError, TypeError):
        pass
    made = ec.generate_private_key(ec.SECP256R1())
    _keep(folder.pending_key, _private(made))
    return made


def _request(key: ec.EllipticCurvePrivateKey) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))  # the server knows who we are
    return builder.sign(key, hashes.SHA256()).public_bytes(_PEM).decode()


def _check(answer: Answer, key: ec.EllipticCurvePrivateKey, centre: str) -> None:
    try:
        certificate = x509.load_pem_x509_certificate(answer.certificate.encode())
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(answer.ca.encode()))
    except (ValueError, TypeError, InvalidSignature) as problem:
        raise EnrolError(UNTRUSTED, "The server's answer holds no certificate of its own authority.") from problem
    if certificate.public_key() != key.public_key():
        raise EnrolError(UNTRUSTED, "The server's certificate is for another key than ours.")
    if centre and answer.centre != centre:
        raise EnrolError(REFUSED, f"The token is {answer.centre}'s, this gateway is configured as {centre}.")


def _put(folder: Folder, key: ec.EllipticCurvePrivateKey, answer: Answer) -> None:
    """The first pair at once; a later one beside it, until the uplink has tried it."""
    _keep(folder.next if folder.pair.exists() else folder.pair, _private(key) + answer.certificate.encode())
    folder.pending_key.unlink(missing_ok=True)
    sync_folder(folder.path)


def _keep(file: Path, body: bytes, *, mode: int = 0o600) -> None:
    try:
        write_durably(file, body, mode=mode)
    except OSError as problem:
        text = f"{file} cannot be written ({problem.strerror}): run this as root or as the agent's user."
        raise EnrolError(DISK, text) from problem


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _distrust(problem: ssl.SSLCertVerificationError, host: str) -> EnrolError:
    now = datetime.now(UTC)
    said = f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC"
    if now < _CLOCK_IS_SET_SINCE or problem.verify_code == _NOT_YET_VALID:
        return EnrolError(
            CLOCK, f"{said}, which is in the past. Wait until it is set (timedatectl), then try again; the token stays."
        )
    if problem.verify_code == _EXPIRED:
        return EnrolError(CLOCK, f"{said}; the certificate of {host} has run out by then. One of them is wrong.")
    text = f"{host} is not who it should be ({problem.verify_message}): nothing was sent."
    return EnrolError(UNTRUSTED, f"{text} Use the --ca or --ca-sha256 that came with the token.")


def _refusal(status: int, body: bytes) -> EnrolError:
    try:
        found: Any = json.loads(body)
        what = str(found["what"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        return EnrolError(UNREACHABLE, f"What answers there is no enrol server (HTTP {status}).")
    code = BUSY if status in (429, 500, 503) else UNREACHABLE if status == 404 else REFUSED
    return EnrolError(code, "".join(letter if letter.isprintable() else " " for letter in what))
