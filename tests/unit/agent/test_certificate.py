"""The lean reader of certificates says what a crypto library says, and survives everything else."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from agent.certificate import life_of
from central.enrol.authority import new_key

KEY = new_key()
SECONDS = st.integers(-599_616_000, 7_258_118_400).map(lambda at: datetime.fromtimestamp(at, UTC))  # 1951 to 2200


def _pem(begin: datetime, end: datetime, serial: int = 7, name: str = "x") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(KEY.public_key())
    builder = builder.serial_number(serial).not_valid_before(begin).not_valid_after(end)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@given(SECONDS, st.integers(0, 10**9), st.integers(1, 2**159 - 1), st.text("abc", min_size=1, max_size=64))
def test_it_reads_what_a_crypto_library_wrote(begin: datetime, seconds: int, serial: int, name: str) -> None:
    end = begin + timedelta(seconds=seconds)
    found = life_of("a key may stand before it\n" + _pem(begin, end, serial, name))
    assert (found.begin, found.end, found.serial) == (begin, end, f"{serial:x}")


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(body: bytes) -> None:
    pem = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(body).decode()}\n-----END CERTIFICATE-----\n"
    for text in (pem, body.decode("latin-1")):
        with pytest.raises(ValueError, match=r"."):
            life_of(text)


@given(st.data())
def test_a_damaged_certificate_is_read_or_is_a_value_error(data: st.DataObject) -> None:
    lines = _pem(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)).strip().splitlines()
    der = bytearray(base64.b64decode("".join(lines[1:-1])))
    at = data.draw(st.integers(0, 150))  # before the key: all that is read
    der[at : at + 1] = data.draw(st.binary(max_size=3))
    try:
        life_of(f"{lines[0]}\n{base64.b64encode(bytes(der)).decode()}\n{lines[-1]}")
    except ValueError:
        return
