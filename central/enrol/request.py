"""The body of a request -> a token and a public key. Foreign input: bounded; only the key is believed."""

from typing import Annotated, Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta, Struct

from central.enrol.refusal import Refused

MAX_BODY_BYTES = 8 * 1024
_Csr = Annotated[str, Meta(max_length=4096)]


class EnrolRequest(Struct, frozen=True):
    """POST /v1/enrol. `centre`: what the gateway is configured as, so that a mix-up costs no token."""

    token: Annotated[str, Meta(max_length=128)]
    csr: _Csr
    centre: Annotated[str, Meta(max_length=64)] = ""


class RenewRequest(Struct, frozen=True):
    """POST /v1/renew; who asks is told by the certificate of the connection."""

    csr: _Csr


_enrol: msgspec.json.Decoder[Any] = msgspec.json.Decoder(EnrolRequest)
_renew: msgspec.json.Decoder[Any] = msgspec.json.Decoder(RenewRequest)


def enrol_request(body: bytes) -> EnrolRequest:
    """Raises Refused(malformed)."""
    found: EnrolRequest = _decoded(_enrol, body)
    return found


def renew_request(body: bytes) -> RenewRequest:
    """Raises Refused(malformed)."""
    found: RenewRequest = _decoded(_renew, body)
    return found


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Refused("malformed") from problem


def requested_key(csr: str) -> ec.EllipticCurvePublicKey:
    """The key of a PKCS #10 request (RFC 2986) whose sender holds its private half; raises Refused(csr).

    Its subject and its extensions are not looked at: the token, or the old certificate, says who asks.
    """
    try:
        parsed = x509.load_pem_x509_csr(csr.encode())
        key = parsed.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise Refused("csr")
        holds_it = parsed.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as problem:
        raise Refused("csr") from problem
    if not holds_it:
        raise Refused("csr")
    return key


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal."""
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(info)
    return digest.finalize().hex()
