"""Who this gateway is to the broker: key, certificate and authority in the state directory.

Key and certificate are one file, so that one rename changes both. A renewed pair is `next.pem` until a
connection with it has worked; only then does it take the place of `centre.pem`. While both are there
the uplink tries them in turn, the new one first: nothing that worked is ever given up for a promise.
"""

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from agent.certificate import Life, life_of
from agent.config import UplinkConfig
from telemetry.durable import sync_folder

log = logging.getLogger(__name__)
_Stamp = tuple[int, int]


class Folder:
    """The files, by name."""

    def __init__(self, state_directory: Path) -> None:
        self.path = state_directory / "identity"
        self.pair = self.path / "centre.pem"
        self.next = self.path / "next.pem"
        self.authority = self.path / "ca.pem"
        self.url = self.path / "enrol-url"
        self.pending_key = self.path / "pending.key"


class Identity:
    """Which pair the uplink shows, and until when it is good."""

    def __init__(self, state_directory: Path, config: UplinkConfig) -> None:
        self.folder, self._config = Folder(state_directory), config
        self._showing_next = False
        self._shown: _Stamp | None = None
        self._life: tuple[_Stamp, Life] | None = None

    @property
    def own(self) -> bool:
        """Whether the pair is ours to renew, and not one that the configuration names."""
        return self._config.tls and not self._config.cert_file

    def settings(self) -> UplinkConfig:
        """The [uplink] for the next connection: files that it does not name are those of the state directory."""
        folder, config = self.folder, self._config
        if not self.own:
            return config
        if not config.ca_file and folder.authority.is_file():
            config = replace(config, ca_file=str(folder.authority))
        stamp = _stamp(folder.next)
        self._showing_next = stamp is not None and (stamp != self._shown or not self._showing_next)
        if self._showing_next:
            self._shown = stamp
            return replace(config, cert_file=str(folder.next))
        return replace(config, cert_file=str(folder.pair)) if folder.pair.is_file() else config

    @property
    def untried(self) -> bool:
        """Whether there is a new pair that no connection was tried with."""
        stamp = _stamp(self.folder.next) if self.own else None
        return stamp is not None and stamp != self._shown

    def worked(self) -> None:
        """The broker has accepted what was shown last: a new pair becomes the one pair."""
        if not self._showing_next or _stamp(self.folder.next) != self._shown:
            return
        self._showing_next = False
        try:
            self.folder.next.replace(self.folder.pair)
            sync_folder(self.folder.path)
        except OSError as problem:
            log.warning("the new certificate works but cannot be put in place cause=%r", str(problem)[:120])
            return
        log.info("the new certificate has worked, the old one is gone")

    def life(self) -> Life | None:
        """Of the certificate in use; None when there is none that can be read."""
        file = Path(self._config.cert_file) if self._config.cert_file else self.folder.pair
        stamp = _stamp(file)
        if stamp is None or not self._config.tls:
            return None
        if self._life is None or self._life[0] != stamp:
            try:
                self._life = stamp, life_of(file.read_text(encoding="ascii"))
            except (OSError, ValueError):
                return None
        return self._life[1]

    def problems(self, now: datetime) -> list[str]:
        """What a technician must do about it, in a sentence; nothing while there is time."""
        life = self.life()
        if life is None or life.end - now > min(timedelta(days=14), (life.end - life.begin) / 12):
            return []
        if life.end <= now:
            text = "The certificate of this centre ran out on {}: enrol again with a new token (centre-agent enrol)."
        else:
            text = "The certificate of this centre runs out on {}, and was not renewed yet."
        return [text.format(f"{life.end:%Y-%m-%d %H:%M} UTC")]

    def renewal_url(self) -> str:
        """Where to renew: as configured, else where the certificate came from; "" when nobody said."""
        if self._config.enrol_url:
            return self._config.enrol_url
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self.folder.url.read_text(encoding="ascii").strip()
        return ""


def now_utc() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def _stamp(file: Path) -> _Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
