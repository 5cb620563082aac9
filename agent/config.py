"""The configuration file -> typed, frozen, complete; or one ConfigError that says what to do.

Each [collect.*] section is decoded by its own collector's Struct; a subject that the file does not
name is never imported.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from collectors import SUBJECTS, CollectorConfig, load
from telemetry.centre_id import EXAMPLE, centre_id
from telemetry.errors import ConfigError, Rejected

Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]


class Listen(Struct, frozen=True, forbid_unknown_fields=True):
    """[listen]: the local page, /metrics, /status.json and /health."""

    host: str = "127.0.0.1"
    """The page can be opened to the centre's own network; never to the uplink."""
    port: Port = 9810
    """TCP port; 0 takes any free one."""


class UplinkConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """[uplink]: the broker of the country. Without this section the agent only measures, keeps and shows."""

    host: str
    """Name or address of the MQTT 5 broker."""
    port: Port = 8883
    """TCP port."""
    tls: bool = True
    """Off only for a broker on this machine."""
    ca_file: str = ""
    """Certificates to trust; empty: what `centre-agent enrol` brought, else the system's."""
    cert_file: str = ""
    """This centre's certificate; empty: what `centre-agent enrol` brought, which the agent renews by itself."""
    key_file: str = ""
    """Its key, which the agent's user alone may read; empty: in cert_file."""
    enrol_url: str = ""
    """Where the certificate is renewed; empty: where it came from."""
    username: str = ""
    """Where the broker wants a name instead of a certificate."""
    password_file: str = ""
    """A file that holds the password."""
    batch_seconds: Seconds = 120.0
    """Readings of this long travel in one message; what is urgent goes at once."""
    resend_seconds: Seconds = 180.0
    """Send again what is not acknowledged after this long; more than ingest's hold."""
    keepalive_seconds: Annotated[int, Meta(ge=5, le=1200)] = 150
    """MQTT keepalive; longer than batch_seconds costs nothing."""
    connect_spread_seconds: Annotated[float, Meta(ge=0, le=3600)] = 120.0
    """After a start a connection waits a random part of this, after a broken line of half: not all return at once."""
    will_delay_seconds: Annotated[int, Meta(ge=0, le=3600)] = 30
    """The broker declares the centre lost this long after the line broke."""

    @property
    def in_the_clear(self) -> bool:
        """Whether readings would leave this machine without TLS."""
        return not self.tls and not _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


class OutboxConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """[outbox]: readings on disk until the centre of the country has them."""

    max_megabytes: Annotated[int, Meta(ge=1, le=4096)] = 128
    """Beyond this the oldest are thinned to one batch an hour, then dropped; both are counted and told."""
    max_days: Annotated[float, Meta(gt=0, le=90)] = 30.0
    """Older ones are dropped; that is counted and told."""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    centre: str
    state_directory: str = "/var/lib/centre-agent"
    simulated: bool = False
    listen: Listen = Listen()
    uplink: UplinkConfig | None = None
    outbox: OutboxConfig = OutboxConfig()
    collect: dict[str, Any] = {}


class Section(Struct, frozen=True):
    """One collector to run."""

    subject: str
    config: CollectorConfig


class Config(Struct, frozen=True):
    """The whole file."""

    centre: str
    state_directory: Path
    simulated: bool
    listen: Listen
    uplink: UplinkConfig | None
    outbox: OutboxConfig
    sections: tuple[Section, ...]


def read_config(file: Path) -> Config:
    """The Config in `file`; raises ConfigError with file, path and what is allowed."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise ConfigError(file, "$", "no such file", "see config/agent.toml for a complete sample") from problem
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(file, "$", f"not readable ({type(problem).__name__})") from problem
    except (ValueError, RecursionError) as problem:
        raise ConfigError(file, "$", f"not TOML: {problem}") from problem
    return parse_config(file, table)


def parse_config(file: Path, table: dict[str, Any]) -> Config:
    """The Config of a decoded table."""
    plain = _convert(file, "", table, _File)
    try:
        centre = centre_id(plain.centre)
    except Rejected as problem:
        raise ConfigError(file, "$.centre", str(problem), f"an id such as {EXAMPLE}") from problem
    return Config(
        centre=centre,
        state_directory=Path(plain.state_directory),
        simulated=plain.simulated,
        listen=plain.listen,
        uplink=plain.uplink,
        outbox=plain.outbox,
        sections=_sections(file, plain.collect),
    )


def _sections(file: Path, collect: dict[str, Any]) -> tuple[Section, ...]:
    found = []
    for subject, value in collect.items():
        if subject not in SUBJECTS:
            raise ConfigError(file, f"$.collect.{subject}", "unknown subject", ", ".join(SUBJECTS))
        kind = load(subject).Config
        several = isinstance(value, list)
        for number, table in enumerate(value if several else [value]):
            path = f".collect.{subject}" + (f"[{number}]" if several else "")
            found.append(Section(subject, _convert(file, path, table, kind)))
    names = [(one.subject, one.config.instance) for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(file, f"$.collect.{name[0]}", f"{name[1]!r} twice", "one name once")
    return tuple(found)


def _convert(file: Path, path: str, table: Any, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as problem:
        what, _, where = str(problem).partition(" - at `$")
        where = f"${path}{where.rstrip('`')}"
        raise ConfigError(file, where, what, _allowed(kind, what, where.removeprefix(f"${path}"))) from problem


def _allowed(kind: type[Any], problem: str, where: str) -> str:
    """The keys of the table that `where` names below `kind`, for an unknown or a missing key."""
    if "unknown field" not in problem and "missing required" not in problem:
        return ""
    for name in where.strip(".").split("."):
        hints = get_type_hints(kind).get(name.partition("[")[0])
        inner = [one for one in (hints, *get_args(hints)) if hasattr(one, "__struct_fields__")]
        kind = inner[0] if inner else kind
    return ", ".join(kind.__struct_fields__)
