"""A certificate authority for one run of a test or a bench: elliptic-curve certificates, and a list of the revoked."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


class Authority:
    """Writes ca.crt, ca.crl and <name>.crt, <name>.key into a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority of one run")
        self._serials: dict[str, int] = {}
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        builder = self._builder(self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._write("ca.crt", builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self.revoke()

    def server(self, name: str = "server") -> None:
        """A certificate for 127.0.0.1."""
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self._issue(name, _SERVER, address)

    def client(self, name: str, *, days: float = 1.0) -> None:
        """A client certificate with this common name for so many days from now; negative: it has expired."""
        self._issue(name, _CLIENT, days=days)

    def revoke(self, *names: str) -> None:
        """A new list of the revoked: these."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now - timedelta(hours=1)).next_update(now + timedelta(days=7))
        for name in names:
            revoked = x509.RevokedCertificateBuilder().serial_number(self._serials[name]).revocation_date(now)
            builder = builder.add_revoked_certificate(revoked.build())
        self._write("ca.crl", builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _issue(
        self, name: str, usage: x509.ObjectIdentifier, *extensions: x509.ExtensionType, days: float = 1.0
    ) -> None:
        key = self._keys.setdefault(name, ec.generate_private_key(ec.SECP256R1()))  # a renewal keeps the key
        builder = self._builder(_name(name), key, days)
        for extension in (x509.ExtendedKeyUsage([usage]), *extensions):
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        self._serials[name] = certificate.serial_number
        self._write(f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._write(f"{name}.key", secret)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: float = 1.0
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(days=7)).not_valid_after(now + timedelta(days=days))

    def _write(self, name: str, body: bytes) -> None:
        """All of it or nothing: somebody may be reading."""
        file = self.directory / f"{name}.new"
        file.touch(mode=0o600)
        file.write_bytes(body)
        file.rename(self.directory / name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
