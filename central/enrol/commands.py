"""What the command line does about identity: ca, tokens, revoke, crl, enrol-server."""

import re
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central.config import Config, Enrol, read_config
from central.database import open_database
from central.enrol import ledger
from central.enrol.authority import BACKDATE, Authority, new_key, private_pem
from central.enrol.warden import write_list
from telemetry.centre_id import EXAMPLE, PATTERN
from telemetry.durable import write_durably
from telemetry.errors import ConfigError

_ENFORCED_WITHIN_SECONDS = 30.0
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
NOT_ENFORCED = 4


def enrol_server(arguments: Namespace) -> int:
    """The server, until SIGTERM."""
    from central.enrol.service import run

    run(*_settings(arguments))
    return 0


def ca_init(arguments: Namespace) -> int:
    """A new authority and its first, empty list of the revoked."""
    _, settings = _settings(arguments)
    made = Authority.make(Path(settings.directory), arguments.name, arguments.days, datetime.now(UTC))
    write_list([], made, Path(settings.crl_file), settings.crl_days)
    print(f"{settings.directory}: key and certificate are made. Keep a copy of the folder where no network reaches.")
    print(f"SHA-256 of the certificate: {made.fingerprint}")
    return 0


def ca_server(arguments: Namespace) -> int:
    """NAME.crt and NAME.key for a server."""
    return _pair(arguments, lambda authority, key, begin, end: authority.server(key, arguments.host, begin, end))


def ca_client(arguments: Namespace) -> int:
    """NAME.crt and NAME.key for a service; a centre gets its own by a token."""
    if _SERVICE_NAME.fullmatch(arguments.name) is None:
        allowed = "a service's name in small letters; a centre enrols by `centre-monitor tokens new`"
        raise ConfigError("[ca client]", "NAME", repr(arguments.name[:40]), allowed)
    return _pair(arguments, lambda authority, key, begin, end: authority.client(key, arguments.name, begin, end))


def new_token(arguments: Namespace) -> int:
    """Print a token, once, and what the technician types."""
    config, settings = _settings(arguments)
    if PATTERN.fullmatch(arguments.centre) is None:
        raise ConfigError("[tokens new]", "CENTRE", repr(arguments.centre[:64]), f"an id such as {EXAMPLE}")
    if not 0 < arguments.hours <= 24 * 90:
        raise ConfigError("[tokens new]", "--hours", f"{arguments.hours:g}", "more than 0, at most 2160")
    authority = Authority.load(Path(settings.directory))
    with _database(config) as engine:
        token = ledger.new_token(engine, arguments.centre, timedelta(hours=arguments.hours), datetime.now(UTC))
    print(
        f"Token for {arguments.centre}, good once and for {arguments.hours:g} h; it is shown only now:\n\n  {token}\n"
    )
    print("On the gateway, which asks for the token:\n")
    url = settings.url or "https://SERVER:8443"
    print(f"  centre-agent enrol --url {url} --ca-sha256 {authority.fingerprint} --token -")
    return 0


def revoke(arguments: Namespace) -> int:
    """Mark as revoked, then wait until the enrol server has told the broker."""
    config, _ = _settings(arguments)
    if bool(arguments.centre) == bool(arguments.serial):
        print("Which one? CENTRE, or --serial HEX", file=sys.stderr)
        return 2
    with _database(config) as engine:
        centre, serials = ledger.revoke(
            engine, datetime.now(UTC), arguments.reason, centre=arguments.centre, serial=arguments.serial
        )
        if not serials:
            print(f"{centre} has no certificate; its unused tokens have ended.")
            return 0
        print(f"{centre}: revoked {', '.join(serials)}; its unused tokens have ended.")
        deadline = time.monotonic() + _ENFORCED_WITHIN_SECONDS
        while set(serials) & ledger.unenforced(engine).keys():
            if time.monotonic() > deadline:
                print("The broker has NOT been told: is the enrol-server running? See its log.", file=sys.stderr)
                return NOT_ENFORCED
            time.sleep(0.5)
    print("The broker knows it, and the connection was cut.")
    return 0


def write_crl(arguments: Namespace) -> int:
    """The list of the revoked, now."""
    config, settings = _settings(arguments)
    with _database(config) as engine:
        authority = Authority.load(Path(settings.directory))
        gone = ledger.revoked(engine, datetime.now(UTC))
        end = write_list(gone, authority, Path(arguments.output), settings.crl_days)
    print(f"{arguments.output} is good until {end:%Y-%m-%d %H:%M} UTC.")
    return 0


Make = Callable[..., x509.Certificate]


def _pair(arguments: Namespace, make: Make) -> int:
    _, settings = _settings(arguments)
    authority = Authority.load(Path(settings.directory))
    key, now = new_key(), datetime.now(UTC)
    certificate = make(authority, key.public_key(), now - BACKDATE, now + timedelta(days=arguments.days))
    folder = Path(arguments.output)
    write_durably(folder / f"{arguments.name}.key", private_pem(key))
    write_durably(folder / f"{arguments.name}.crt", certificate.public_bytes(Encoding.PEM), mode=0o644)
    print(f"{folder / arguments.name}.crt and .key, good until {certificate.not_valid_after_utc:%Y-%m-%d}.")
    return 0


def _settings(arguments: Namespace) -> tuple[Config, Enrol]:
    config = read_config(Path(arguments.config))
    if config.enrol is None:
        raise ConfigError(arguments.config, "$.enrol", "not configured", "an [enrol] section")
    return config, config.enrol


@contextmanager
def _database(config: Config) -> Iterator[Engine]:
    try:
        engine = open_database(config.database.url)
        try:
            yield engine
        finally:
            engine.dispose()
    except SQLAlchemyError as problem:
        raise ConfigError("[database]", "$.url", f"does not answer ({type(problem).__name__})") from problem
