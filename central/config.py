"""One TOML file for all of the central side -> typed sections; ConfigError says what is wrong where."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from telemetry.errors import ConfigError

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
Days = Annotated[float, Meta(gt=0, le=3650)]


class Broker(Struct, frozen=True, forbid_unknown_fields=True):
    """[broker]."""

    host: str = "127.0.0.1"
    port: Port = 8883
    tls: bool = True
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    username: str = ""
    password_file: str = ""
    client_id: str = "ingest"


class Store(Struct, frozen=True, forbid_unknown_fields=True):
    """[store]: Prometheus or VictoriaMetrics, by remote write."""

    url: str = "http://127.0.0.1:9090"
    write_path: str = "/api/v1/write"
    hold_seconds: Seconds = 45.0
    """Between the store's 2xx and our ack: longer than the store keeps samples in memory only."""
    timeout_seconds: Seconds = 10.0
    accept_hours: Annotated[float, Meta(gt=0, le=2400)] = 743.0
    """Older samples are refused before the store sees them; Prometheus must take them out of order this long."""


class Database(Struct, frozen=True, forbid_unknown_fields=True):
    """[database]."""

    url: str = "sqlite:////var/lib/centre-monitor/central.sqlite"


class Ingest(Struct, frozen=True, forbid_unknown_fields=True):
    """[ingest]."""

    quarantine_directory: str = "/var/lib/centre-monitor/quarantine"
    quarantine_megabytes: Annotated[int, Meta(ge=1, le=4096)] = 64
    lost_after_seconds: Seconds = 180.0
    """A centre that does not come back this long after a broker restart is offline, cause unknown."""
    messages_per_second: Annotated[float, Meta(gt=0, le=10_000)] = 20.0
    """Batches that one centre may send on average; more is not acknowledged and comes again."""
    messages_at_once: Annotated[int, Meta(ge=100, le=100_000)] = 1200
    """What it may send at once, after a long outage."""


class Smtp(Struct, frozen=True, forbid_unknown_fields=True):
    """[notify.smtp]."""

    host: str
    port: Port = 25
    sender: str = "monitor@example.org"
    starttls: bool = False
    username: str = ""
    password_file: str = ""


class Sms(Struct, frozen=True, forbid_unknown_fields=True):
    """[notify.sms]: any HTTP gateway. {number} and {text} are replaced, URL-encoded; POST when `body` is set."""

    url: str
    body: str = ""
    content_type: str = "application/x-www-form-urlencoded"
    headers: dict[str, str] = {}
    secret_file: str = ""
    """Replaces {secret} in url, body and headers."""
    timeout_seconds: Seconds = 10.0


class Notify(Struct, frozen=True, forbid_unknown_fields=True):
    """[notify]."""

    token_file: str
    """Bearer token that Alertmanager must show."""
    host: str = "127.0.0.1"
    port: Port = 9812
    tries_per_channel: Annotated[int, Meta(ge=1, le=50)] = 8
    retry_seconds: Seconds = 5.0
    """First wait after a failed try; doubles up to 5 minutes."""
    noc_email: str = ""
    """Alerts of a centre that nobody is registered for go here."""
    sms: Sms | None = None
    smtp: Smtp | None = None


class Enrol(Struct, frozen=True, forbid_unknown_fields=True):
    """[enrol]: the server that gives gateways their certificates."""

    directory: str = "/var/lib/centre-monitor/ca"
    """The authority that `centre-monitor ca init` makes: ca.key and ca.crt."""
    crl_file: str = "/var/lib/centre-monitor/crl/ca.crl"
    """The list of the revoked, as the broker reads it."""
    url: str = ""
    """What technicians are told: https://enrol.example.org:8443."""
    host: str = "0.0.0.0"
    """Address to listen on."""
    port: Port = 8443
    """TCP port."""
    cert_file: str = "/etc/centre-monitor/tls/enrol.crt"
    """This server's certificate; `centre-monitor ca server` makes one."""
    key_file: str = "/etc/centre-monitor/tls/enrol.key"
    """Its key."""
    certificate_days: Days = 365.0
    """How long a centre's certificate is good; the agent renews it at two thirds."""
    backdate_days: Annotated[float, Meta(ge=0, le=30)] = 7.0
    """It is good from so long ago, for gateways whose clock is behind."""
    crl_days: Days = 7.0
    """How long a list of the revoked is good; a new one is made daily. An old one refuses everybody."""
    broker_reload: tuple[str, ...] = ()
    """Program and arguments that make the broker read the list again; empty: something else watches the file."""
    cut_host: str = "127.0.0.1"
    """The broker's second listener, where a revoked centre's connection is taken over, and so ended."""
    cut_port: Annotated[int, Meta(ge=0, le=65535)] = 8884
    """Its port; 0: connections are not cut."""
    metrics_host: str = "127.0.0.1"
    """Where /metrics is served, in the clear."""
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 9813
    """Its port; 0: nowhere."""
    connections: Annotated[int, Meta(ge=1, le=1000)] = 64
    """Served at once; at most an eighth of them from one address."""
    burst_per_address: Annotated[int, Meta(ge=1, le=10000)] = 30
    """Requests with a token at once from one address; ten times as many from all together."""
    per_minute_and_address: Annotated[float, Meta(gt=0, le=10000)] = 30.0
    """The same over time."""

    def __post_init__(self) -> None:
        """A certificate is due at two thirds of its life: the past of it must leave room for that."""
        if self.certificate_days < 3 * self.backdate_days:
            raise ValueError("certificate_days must be at least 3 times backdate_days")


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    broker: Broker = Broker()
    store: Store = Store()
    database: Database = Database()
    ingest: Ingest = Ingest()
    notify: Notify | None = None
    enrol: Enrol | None = None


def read_config(file: Path) -> Config:
    """The Config in `file`; raises ConfigError with file, path and problem."""
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Config)
    except FileNotFoundError as problem:
        raise ConfigError(file, "$", "no such file", "see config/central.toml") from problem
    except msgspec.ValidationError as problem:
        what, _, where = str(problem).partition(" - at `")
        raise ConfigError(file, where.rstrip("`") or "$", what) from problem
    except (OSError, ValueError, RecursionError) as problem:
        raise ConfigError(file, "$", str(problem)) from problem


def read_secret(file: str) -> str:
    """The first line of a secret file; raises ConfigError."""
    try:
        lines = Path(file).read_text(encoding="utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(file, "$", "secret not readable", "a file that only this service may read") from problem
    if not lines:
        raise ConfigError(file, "$", "secret is empty", "one line of text")
    return lines[0]
