"""What the authority signs is good for one thing, and the authority itself is made once."""

import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from central.enrol.authority import Authority, Revoked, new_key, revocation_list_end
from stage.process import program
from telemetry.errors import ConfigError
from tests.unit.central.enrol.parts import CENTRE, NOW, common_name


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path / "ca", "test", 3650, NOW)


def _client(authority: Authority, days: float = 365) -> x509.Certificate:
    return authority.client(new_key().public_key(), CENTRE, NOW - timedelta(days=7), NOW + timedelta(days=days))


def test_the_key_is_for_its_owner_alone_and_comes_back(authority: Authority, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "ca/ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    assert Authority.load(tmp_path / "ca").fingerprint == authority.fingerprint


@pytest.mark.parametrize("left", ["ca.key", "ca.crt"])
def test_an_authority_is_never_overwritten_not_even_half_of_one(
    authority: Authority, tmp_path: Path, left: str
) -> None:
    for file in (tmp_path / "ca").iterdir():
        if file.name != left:
            file.unlink()
    before = (tmp_path / "ca" / left).read_bytes()
    with pytest.raises(ConfigError, match="never overwritten"):
        Authority.make(tmp_path / "ca", "test", 3650, NOW)
    assert [(file.name, file.read_bytes()) for file in (tmp_path / "ca").iterdir()] == [(left, before)]


def test_a_key_of_another_authority_is_noticed(authority: Authority, tmp_path: Path) -> None:
    Authority.make(tmp_path / "other", "test", 3650, NOW)
    (tmp_path / "ca/ca.key").write_bytes((tmp_path / "other/ca.key").read_bytes())
    with pytest.raises(ConfigError, match="belong together"):
        Authority.load(tmp_path / "ca")


def test_a_centres_certificate_proves_its_name_to_servers_and_nothing_else(authority: Authority) -> None:
    made = _client(authority)
    extensions = {one.oid._name: one for one in made.extensions}
    assert common_name(made) == CENTRE
    assert set(extensions) == {"basicConstraints", "keyUsage", "extendedKeyUsage", "authorityKeyIdentifier"}
    assert list(extensions["extendedKeyUsage"].value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert extensions["basicConstraints"].value.ca is False
    usage = extensions["keyUsage"].value
    assert usage.digital_signature
    assert not any((usage.key_cert_sign, usage.crl_sign, usage.key_agreement, usage.key_encipherment))
    made.verify_directly_issued_by(authority.certificate)


def test_a_certificate_does_not_outlive_its_authority(authority: Authority) -> None:
    assert _client(authority, days=9999).not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_openssl_takes_the_good_and_refuses_the_revoked_and_the_wrong_purpose(
    authority: Authority, tmp_path: Path
) -> None:
    good, gone = _client(authority), _client(authority)
    for name, one in (("good", good), ("gone", gone)):
        (tmp_path / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))
    revoked = [Revoked(f"{gone.serial_number:x}", NOW)]
    (tmp_path / "crl.pem").write_bytes(authority.revocation_list(revoked, NOW, NOW + timedelta(days=7)))

    def verify(name: str, purpose: str) -> int:
        command = [
            program("openssl", "openssl"), "verify", "-x509_strict", "-crl_check", "-CRLfile", tmp_path / "crl.pem",
            "-CAfile", tmp_path / "ca/ca.crt", "-purpose", purpose, "-attime", str(int(NOW.timestamp())),
            tmp_path / f"{name}.pem",
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert verify("good", "sslclient") == 0
    assert verify("gone", "sslclient") != 0
    assert verify("good", "sslserver") != 0


def test_a_list_of_the_revoked_says_until_when_it_is_good(authority: Authority) -> None:
    assert revocation_list_end(authority.revocation_list([], NOW, NOW + timedelta(days=7))) == NOW + timedelta(days=7)


def test_the_public_key_is_the_one_that_asked(authority: Authority) -> None:
    key = new_key().public_key()
    made = authority.client(key, CENTRE, NOW, NOW + timedelta(days=1))
    form = (Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert made.public_key().public_bytes(*form) == key.public_bytes(*form)
