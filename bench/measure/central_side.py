"""The central side as deploy/central has it, on loopback: broker under mutual TLS, ingest, a store."""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from agent.config import UplinkConfig
from stage import parts
from stage.authority import Authority
from stage.process import Part

_INGEST_ACL = "user {0}\ntopic read centres/+/samples\ntopic read centres/+/state/#\ntopic write centres/+/ack\n"


class CentralSide:
    """Certificates for `centres`, a broker (`acl`: more lines of it), `ingests` in one group, the store named."""

    def __init__(
        self, directory: Path, store: str, centres: Sequence[str], *, hold_seconds: float = 45.0, ingests: int = 1,
        acl: str = "",
    ) -> None:  # fmt: skip
        self._directory, self._hold = directory, hold_seconds
        self.certificates = directory / "tls"
        self.certificates.mkdir(parents=True)
        self.authority = Authority(self.certificates)
        self.authority.server()
        names = [f"ingest-{number}" for number in range(1, ingests + 1)]
        for name in (*centres, *names):
            self.authority.client(name)
        acl = "".join([acl, *(_INGEST_ACL.format(name) for name in names)])
        self.broker, self.port = parts.shipped_broker(directory / "broker", self.certificates, acl)
        make = parts.prometheus if store == "prometheus" else parts.victoria_metrics
        self.store, self.url = make(directory / "store")
        self.ingests = [self._ingest(name) for name in names]

    def _ingest(self, name: str) -> Part:
        own = self._directory / name
        own.mkdir()
        config = own / "central.toml"
        config.write_text(
            f'[broker]\nhost = "127.0.0.1"\nport = {self.port}\nca_file = "{self.certificates}/ca.crt"\n'
            f'cert_file = "{self.certificates}/{name}.crt"\nkey_file = "{self.certificates}/{name}.key"\n'
            f'client_id = "{name}"\n[store]\nurl = "{self.url}"\nhold_seconds = {self._hold}\n'
            f'[database]\nurl = "sqlite:///{self._directory}/central.sqlite"\n'
            f'[ingest]\nquarantine_directory = "{own}/quarantine"\n'
        )
        return parts.python(name, own, ["central", "ingest", "--config", str(config)])

    @property
    def parts(self) -> list[Part]:
        """What can be killed."""
        return [self.broker, self.store, *self.ingests]

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Started; stopped at the end."""
        try:
            for part in self.parts:
                part.start()
            yield self
        finally:
            for part in reversed(self.parts):
                part.stop(3)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The result of an instant query now."""
        with urllib.request.urlopen(f"{self.url}/api/v1/query?query={urllib.parse.quote(query)}", timeout=60) as answer:
            return list(json.load(answer)["data"]["result"])


def uplink_config(certificates: Path, centre: str, port: int, **settings: Any) -> UplinkConfig:
    """The uplink of a centre to `port` on loopback; `settings` are fields of UplinkConfig."""
    return UplinkConfig(
        host="127.0.0.1",
        port=port,
        ca_file=str(certificates / "ca.crt"),
        cert_file=str(certificates / f"{centre}.crt"),
        key_file=str(certificates / f"{centre}.key"),
        **settings,
    )
