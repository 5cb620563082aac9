"""Who gets a certificate: the decisions behind the HTTP server. Every grant and refusal is one line in the log."""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine

from central.config import Enrol
from central.enrol import ledger
from central.enrol.authority import Authority
from central.enrol.limits import Limit, address_key
from central.enrol.refusal import Refused
from central.enrol.request import enrol_request, key_id, renew_request, requested_key
from telemetry.centre_id import centre_id
from telemetry.errors import Rejected

log = logging.getLogger(__name__)


class Desk:
    """Enrols and renews."""

    def __init__(self, engine: Engine, authority: Authority, config: Enrol) -> None:
        self.authority, self._engine = authority, engine
        self._life = timedelta(days=config.certificate_days)
        self._backdate = timedelta(days=config.backdate_days)
        self._by_address = Limit(config.burst_per_address, config.per_minute_and_address / 60)
        self._overall = Limit(10 * config.burst_per_address, 10 * config.per_minute_and_address / 60)
        self._by_centre = Limit(12, 12 / 3600)
        self.answers: Counter[tuple[str, str]] = Counter()
        """(endpoint, "granted" or the reason of a refusal) -> how often."""
        self._counting = threading.Lock()

    def enrol(self, body: bytes, address: str) -> dict[str, Any]:
        """A certificate for a token; raises Refused."""
        if not self._by_address.allows(address_key(address)) or not self._overall.allows():
            raise Refused("busy")
        asked = enrol_request(body)
        key = requested_key(asked.csr)
        centre, issued = ledger.redeem(
            self._engine,
            asked.token,
            key=key_id(key),
            claimed=asked.centre,
            now=datetime.now(UTC),
            sign=lambda centre: self._sign(centre, key),
        )
        log.info("enrolled centre=%s serial=%s until=%s", centre, issued.serial, issued.not_after.date())
        return self._answer(centre, issued)

    def renew(self, body: bytes, shown: bytes | None) -> dict[str, Any]:
        """A certificate for who proved in the TLS handshake to hold the one that is `shown` (DER); raises Refused."""
        if shown is None:
            raise Refused("certificate")
        centre, serial = _shown(shown)
        if not self._by_centre.allows(centre):
            raise Refused("busy")
        key = requested_key(renew_request(body).csr)
        now = datetime.now(UTC)
        issued = ledger.renew(self._engine, centre, serial, now=now, sign=lambda name: self._sign(name, key))
        log.info("renewed centre=%s serial=%s until=%s", centre, issued.serial, issued.not_after.date())
        return self._answer(centre, issued)

    def count(self, endpoint: str, result: str) -> None:
        """One more answer."""
        with self._counting:
            self.answers[endpoint, result] += 1

    def _sign(self, centre: str, key: ec.EllipticCurvePublicKey) -> ledger.Issued:
        now = datetime.now(UTC)
        made = self.authority.client(key, centre_id(centre), now - self._backdate, now + self._life)
        pem = made.public_bytes(Encoding.PEM).decode()
        return ledger.Issued(f"{made.serial_number:x}", key_id(key), now, made.not_valid_after_utc, pem)

    def _answer(self, centre: str, issued: ledger.Issued) -> dict[str, Any]:
        return {"v": 1, "centre": centre, "certificate": issued.pem, "ca": self.authority.pem.decode()}


def _shown(der: bytes) -> tuple[str, str]:
    """Centre and serial of a certificate that TLS has verified; ingest's, for one, is no centre's."""
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    try:
        return centre_id(str(names[0].value) if len(names) == 1 else ""), f"{certificate.serial_number:x}"
    except Rejected as problem:
        raise Refused("certificate") from problem
