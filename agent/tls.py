"""What the uplink shows and whom it trusts: TLS 1.2 or newer, the centre's own certificate, a password where asked."""

import ssl
from pathlib import Path

from agent.config import UplinkConfig
from telemetry.errors import ConfigError

_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h)."""


def tls_context(config: UplinkConfig, *, dates_count: bool = True) -> ssl.SSLContext:
    """The TLS settings of a config; raises ConfigError naming the file that cannot be used.

    Without `dates_count` a certificate is good whatever its dates: a clock that is not set cannot judge
    them, and must be set by whoever answers. Signature and name are always checked.
    """
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except (OSError, ssl.SSLError) as problem:
        raise ConfigError(config.ca_file, "$.uplink.ca_file", "no usable certificates", "a PEM file") from problem
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not dates_count:
        context.verify_flags |= _NO_CHECK_TIME
    if config.cert_file:
        try:
            context.load_cert_chain(config.cert_file, config.key_file or None)
        except (OSError, ssl.SSLError) as problem:
            raise ConfigError(
                config.cert_file,
                "$.uplink.cert_file",
                "certificate or key not usable",
                "PEM files that belong together",
            ) from problem
    return context


def password(file: str) -> str | None:
    """The content of a password file; None without one. Raises ConfigError."""
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(
            file, "$.uplink.password_file", "secret not readable", "a file the agent may read"
        ) from problem
