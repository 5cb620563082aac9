"""The list of the revoked stays young, and a revocation is not called done before the broker was told."""

import re
import subprocess
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import Engine

from central.config import Enrol
from central.enrol import ledger
from central.enrol.authority import Authority, new_key
from central.enrol.metrics import EnrolMetrics, serve
from central.enrol.warden import Warden
from stage.process import free_port
from tests.unit.central.enrol import parts
from tests.unit.central.enrol.parts import CENTRE, token


class Watched:
    """A warden whose broker writes down that it was told."""

    def __init__(self, engine: Engine, directory: Path, **changes: Any) -> None:
        self.told = directory / "told"
        reload = ("sh", "-c", f"echo >>{self.told}")
        self.config: Enrol = parts.settings(directory, **{"broker_reload": reload, "cut_port": 0, **changes})
        self.authority = Authority.load(directory / "ca")
        self.warden = Warden(engine, self.authority, self.config, lambda: None)
        self.file = Path(self.config.crl_file)

    def times_told(self) -> int:
        return len(self.told.read_text().splitlines()) if self.told.exists() else 0

    def serials(self) -> set[str]:
        return {f"{one.serial_number:x}" for one in x509.load_pem_x509_crl(self.file.read_bytes())}


def _issued(engine: Engine, watched: Watched) -> str:
    now = datetime.now(UTC)
    made = watched.authority.client(new_key().public_key(), CENTRE, now, now + timedelta(days=1))
    issued = ledger.Issued(f"{made.serial_number:x}", "key", now, made.not_valid_after_utc, "")
    ledger.redeem(engine, token(engine), key="key", claimed="", now=now, sign=lambda _: issued)
    return issued.serial


def test_a_list_is_made_where_there_is_none_and_not_again_while_it_is_young(engine: Engine, tmp_path: Path) -> None:
    watched = Watched(engine, tmp_path)
    assert watched.warden.told_end is None
    watched.warden.look()
    end = watched.warden.told_end
    assert end is not None
    assert timedelta(days=6.9) < end - datetime.now(UTC) < timedelta(days=7.1)
    before = watched.file.read_bytes()
    watched.warden.look()
    assert (watched.file.read_bytes(), watched.times_told()) == (before, 1)
    assert watched.file.stat().st_mode & 0o777 == 0o644
    assert watched.file.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("old", ["days", "damaged"])
def test_a_list_of_the_day_before_is_made_anew(engine: Engine, tmp_path: Path, old: str) -> None:
    watched = Watched(engine, tmp_path)
    now = datetime.now(UTC)
    made = watched.authority.revocation_list([], now - timedelta(hours=25), now + timedelta(days=7, hours=-25))
    watched.file.parent.mkdir()
    watched.file.write_bytes(made if old == "days" else made[:200])
    watched.warden.look()
    end = watched.warden.told_end
    assert end is not None
    assert end > now + timedelta(days=6.9)
    assert watched.times_told() == 1


def test_a_daily_list_that_the_broker_was_not_told_of_does_not_count_as_young(engine: Engine, tmp_path: Path) -> None:
    watched = Watched(engine, tmp_path, broker_reload=("sh", "-c", f"test -e {tmp_path}/up"))
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            watched.warden.look()
        assert watched.warden.told_end is None
    before = watched.file.read_bytes()
    (tmp_path / "up").touch()
    watched.warden.look()
    assert watched.warden.told_end is not None
    assert watched.file.read_bytes() == before


def test_a_warden_that_has_a_bug_takes_the_server_down_with_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    watched = Watched(engine, tmp_path)
    warden = Warden(engine, watched.authority, watched.config, lambda: ended.append(True))

    def breaks() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(warden, "look", breaks)
    with pytest.raises(RuntimeError):
        warden.run()
    assert ended == [True]


def test_a_revocation_is_listed_told_and_marked(engine: Engine, tmp_path: Path) -> None:
    watched = Watched(engine, tmp_path)
    serial = _issued(engine, watched)
    watched.warden.look()
    assert watched.serials() == set()
    ledger.revoke(engine, datetime.now(UTC), "", centre=CENTRE)
    watched.warden.look()
    assert (watched.serials(), watched.times_told(), ledger.unenforced(engine)) == ({serial}, 2, {})
    watched.warden.look()
    assert watched.times_told() == 2


@pytest.mark.parametrize("broken", [{"broker_reload": ("false",)}, {"cut_port": free_port()}])
def test_a_broker_that_cannot_be_told_leaves_it_open_and_is_told_again(
    engine: Engine, tmp_path: Path, broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.enrol.warden._CUTS_AFTER_SECONDS", (0.0,))
    watched = Watched(engine, tmp_path, **broken)
    serial = _issued(engine, watched)
    ledger.revoke(engine, datetime.now(UTC), "", centre=CENTRE)
    for _ in range(2):
        with pytest.raises((OSError, subprocess.SubprocessError)):
            watched.warden.look()
    assert watched.serials() == {serial}
    assert ledger.unenforced(engine) == {serial: CENTRE}


def test_metrics_say_until_when_the_list_is_good_and_nothing_while_there_is_none(
    engine: Engine, tmp_path: Path
) -> None:
    watched = Watched(engine, tmp_path)
    answers = Counter({("enrol", "granted"): 2, ("enrol", "token"): 1})
    port = free_port()
    server = serve(EnrolMetrics(answers, lambda: watched.warden.told_end), "127.0.0.1", port)

    def page() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read(), "utf-8")

    try:
        assert "revocation_list" not in page()
        watched.warden.look()
        text = page()
    finally:
        server.shutdown()
        server.server_close()
    end = watched.warden.told_end
    assert end is not None
    (said,) = re.findall(r"^centre_enrol_revocation_list_expiry_timestamp_seconds (\S+)$", text, re.MULTILINE)
    assert float(said) == end.timestamp()
    assert 'centre_enrol_requests_total{endpoint="enrol",result="granted"} 2.0' in text
