"""The authority of the country: an EC P-256 key and what it signs. Knows no database and no network.

A centre's certificate names the centre and nothing else, is good for proving that name to a server
(clientAuth) and for nothing else. RFC 5280; the times are the caller's.
"""

import ipaddress
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from telemetry.durable import make_folder, write_durably
from telemetry.errors import ConfigError

KEY_FILE, CERTIFICATE_FILE = "ca.key", "ca.crt"
BACKDATE = timedelta(days=7)
"""A gateway without a clock battery wakes in the past; its own certificate must not be of the future to it."""
_PEM = serialization.Encoding.PEM


class Revoked(Struct, frozen=True):
    """A certificate that counts no more: its serial in hexadecimal, and since when."""

    serial: str
    at: datetime


class Authority:
    """Signs; `certificate` is what everybody must know to trust it."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key, self.certificate = key, certificate

    @classmethod
    def make(cls, directory: Path, name: str, days: int, now: datetime) -> "Authority":
        """A new authority in `directory`; raises ConfigError if there is one, however little of it."""
        for file in (directory / KEY_FILE, directory / CERTIFICATE_FILE):
            if file.exists():
                raise ConfigError(file, "$", "is there already", "an authority is made once and never overwritten")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, key.public_key(), subject, now - BACKDATE, now + timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        made = cls(key, builder.sign(key, hashes.SHA256()))
        make_folder(directory)
        handle = os.open(directory / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # two at once: one wins
        os.close(handle)
        write_durably(directory / KEY_FILE, private_pem(key))
        write_durably(directory / CERTIFICATE_FILE, made.pem, mode=0o644)
        return made

    @classmethod
    def load(cls, directory: Path) -> "Authority":
        """The authority in `directory`; raises ConfigError."""
        try:
            key = serialization.load_pem_private_key((directory / KEY_FILE).read_bytes(), None)
            certificate = x509.load_pem_x509_certificate((directory / CERTIFICATE_FILE).read_bytes())
        except (OSError, ValueError, TypeError) as problem:
            allowed = "the authority that `centre-monitor ca init` made, readable by this user"
            raise ConfigError(directory, "$", f"no usable authority ({type(problem).__name__})", allowed) from problem
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ConfigError(directory, "$", "key and certificate do not belong together", "both of one `ca init`")
        return cls(key, certificate)

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(_PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its certificate, in hexadecimal: what a technician pins at first contact."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def client(
        self, key: ec.EllipticCurvePublicKey, name: str, begin: datetime, end: datetime
    ) -> x509.Certificate:  # fmt: skip
        """A certificate that proves `name` to a server; never valid for longer than the authority itself."""
        return self._issue(key, name, begin, end, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def server(
        self, key: ec.EllipticCurvePublicKey, hosts: Sequence[str], begin: datetime, end: datetime
    ) -> x509.Certificate:  # fmt: skip
        """A certificate that proves to be these host names and addresses to a client."""
        return self._issue(key, hosts[0], begin, end, ExtendedKeyUsageOID.SERVER_AUTH, hosts)

    def revocation_list(self, revoked: Iterable[Revoked], now: datetime, end: datetime) -> bytes:
        """The list of the revoked as PEM, out of date at `end`; numbered by the second it was made in."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - timedelta(hours=1)).next_update(end)
        builder = builder.add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(one.serial, 16)).revocation_date(one.at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        begin: datetime,
        end: datetime,
        usage: x509.ObjectIdentifier,
        hosts: Sequence[str] | None,
    ) -> x509.Certificate:
        end = min(end, self.certificate.not_valid_after_utc)
        builder = _builder(_name(name), key, self.certificate.subject, begin, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key of the one kind that is used here."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as PEM, unencrypted: its file's mode protects it."""
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def revocation_list_end(pem: bytes) -> datetime:
    """When a list of the revoked is out of date; raises ValueError for what is none."""
    end = x509.load_pem_x509_crl(pem).next_update_utc
    if end is None:
        raise ValueError("a list without an end")
    return end


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(begin.astimezone(UTC)).not_valid_after(end.astimezone(UTC))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
