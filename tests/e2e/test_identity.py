"""A gateway's whole life by the shipped broker configuration: token, certificate, renewal, revocation."""

import json
import shutil
import stat
import time
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from central.database import certificates
from central.enrol import commands
from central.enrol.authority import Authority
from stage import parts
from tests.deploy.test_broker import NOT_AUTHORISED, Client
from tests.e2e.chain import Ledger, wait_until
from tests.e2e.country import ONE, OTHER, Country, Gateway
from tests.e2e.test_boards_have_data import ask


@pytest.fixture
def country(tmp_path: Path) -> Iterator[Country]:
    """Broker and enrol server run; certificates live as long as shipped."""
    made = Country(tmp_path)
    with made.broker, made.enrol:
        yield made


def _client(gateway: Gateway, client_id: str = "") -> Client:
    country = gateway.country
    gateway.give_to(country.tls)
    broker: Any = SimpleNamespace(directory=country.tls, port=country.port)
    return Client(broker, gateway.centre, client_id)


def _enrolled(country: Country, centre: str) -> Gateway:
    gateway = country.gateway(centre)
    done = gateway.enrol(country.token(centre))
    assert done.returncode == 0, done.stderr
    return gateway


def _health(gateway: Gateway) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway.web_port}/health", timeout=5) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as answer:
        return str(answer.read(), "utf-8")
    except OSError:
        return ""


def test_a_token_is_all_a_gateway_needs_and_it_is_used_once(country: Country) -> None:
    gateway, fingerprint = country.gateway(ONE), Authority.load(country.directory / "ca").fingerprint
    token = country.token(ONE)
    done = gateway.enrol(token, "--ca-sha256", fingerprint)
    assert done.returncode == 0, done.stderr
    assert f"This gateway is {ONE}" in done.stdout
    assert stat.S_IMODE(gateway.pair.stat().st_mode) == 0o600
    assert not (gateway.state / "identity/pending.key").exists()
    before = gateway.pair.read_bytes()
    again = gateway.enrol(token, "--ca-sha256", fingerprint)
    assert again.returncode == 5
    assert "wrong, used or expired" in again.stderr
    assert gateway.pair.read_bytes() == before
    with _client(gateway) as client:
        assert client.accepted == 0
        assert client.publish(f"centres/{ONE}/samples") < 128
        assert client.publish(f"centres/{OTHER}/samples") == NOT_AUTHORISED


def test_a_gateway_that_is_configured_as_another_centre_is_told_so_and_the_token_stays(country: Country) -> None:
    token = country.token(ONE)
    wrong = country.gateway(OTHER).enrol(token)
    assert (wrong.returncode, "another centre's" in wrong.stderr) == (5, True)
    assert country.gateway(ONE).enrol(token).returncode == 0


def test_who_is_not_the_pinned_server_gets_no_token(country: Country) -> None:
    gateway, token = country.gateway(ONE), country.token(ONE)
    wrong = gateway.enrol(token, "--ca-sha256", "0" * 64)
    assert (wrong.returncode, "nothing was sent" in wrong.stderr) == (8, True)
    unknown = gateway.enrol(token, "--ca", "/etc/ssl/certs/ca-certificates.crt")
    assert (unknown.returncode, "nothing was sent" in unknown.stderr) == (8, True)
    assert not gateway.pair.exists()
    assert gateway.enrol(token).returncode == 0


def test_a_certificate_takes_over_its_own_name_only(country: Country) -> None:
    one, other = _enrolled(country, ONE), _enrolled(country, OTHER)
    with _client(other) as victim, _client(one, client_id=OTHER) as thief:
        assert (victim.accepted, thief.accepted) == (0, 0)
        victim.pump(lambda: False, seconds=0.5)
        assert victim.ended is None
        assert thief.publish(f"centres/{OTHER}/samples") == NOT_AUTHORISED
        assert victim.publish(f"centres/{OTHER}/samples") < 128


def test_revoking_cuts_the_connection_and_refuses_the_next_and_leaves_others_alone(country: Country) -> None:
    one, other = _enrolled(country, ONE), _enrolled(country, OTHER)
    with _client(one) as cut, _client(other) as stays:
        with ThreadPoolExecutor(1) as pool:
            revoking = pool.submit(country.monitor, "revoke", ONE, "--reason", "stolen")
            begun = time.monotonic()
            cut.pump(lambda: False, seconds=20)
            print(f"cut {time.monotonic() - begun:.1f} s after the command was started")
        assert revoking.result().returncode == 0, revoking.result().stderr
        assert cut.ended is not None
        stays.pump(lambda: False, seconds=0.5)
        assert stays.ended is None
        assert stays.publish(f"centres/{OTHER}/samples") < 128
    with _client(one) as refused:
        assert (refused.accepted, refused.ended is not None) == (None, True)
    with _client(other) as welcome:
        assert welcome.accepted == 0
    assert country.monitor("revoke", ONE).returncode == 78
    renewing = one.enrol("", "--renew")
    assert renewing.returncode == 5
    assert one.enrol(country.token(ONE)).returncode == 0  # the thing was found again
    shutil.move(one.pair.with_name("next.pem"), one.pair)
    with _client(one) as back:
        assert back.accepted == 0


def test_a_revocation_without_an_enrol_server_does_not_look_done(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enrolled(country, ONE)
    country.enrol.stop()
    monkeypatch.setattr(commands, "_ENFORCED_WITHIN_SECONDS", 1.0)
    words = Namespace(config=str(country.directory / "central.toml"), centre=ONE, serial="", reason="")
    assert commands.revoke(words) == commands.NOT_ENFORCED


def _serials(country: Country) -> list[str]:
    engine = country.database()
    with engine.connect() as connection:
        found = list(connection.scalars(select(certificates.c.serial)))
    engine.dispose()
    return found


def test_certificates_are_renewed_while_the_agent_runs_and_no_reading_is_lost(tmp_path: Path) -> None:
    country = Country(tmp_path, life_seconds=60)
    gateway = country.gateway(ONE)
    with ExitStack() as running:
        for part in (country.broker, country.store, country.enrol, country.ingest):
            running.enter_context(part)
        done = gateway.enrol(country.token(ONE))
        assert done.returncode == 0, done.stderr
        first = gateway.pair.read_bytes()
        running.enter_context(gateway.running())
        ledger = Ledger(gateway.state / "outbox.sqlite")
        ledger.start()
        running.callback(ledger.stop)
        wait_until(lambda: len(_serials(country)) >= 3, 150, f"no two renewals: {_serials(country)}")
        wait_until(lambda: not (gateway.state / "identity/next.pem").exists(), 30, "the new pair was not tried")
        assert gateway.pair.read_bytes() != first
        name = "centre_host_memory_available_bytes"
        wait_until(lambda: bool(ledger.ticks.get(name)), 10, "no tick")
        promised = dict(ledger.ticks[name])
        wait_until(lambda: _missing(country, name, promised) == 0, 60, "readings are missing in the store")
        print(f"{len(promised)} ticks over {len(_serials(country))} certificates, none missing")
        expiry = ask(country.store_url, f'centre_agent_certificate_expiry_timestamp_seconds{{centre="{ONE}"}}')
        assert float(expiry[0]["value"][1]) > time.time() - 60
        log = (gateway.directory / "agent.log").read_text()
        assert "the new certificate has worked" in log
        assert "PRIVATE" not in log


def _missing(country: Country, name: str, promised: dict[int, float]) -> int:
    found = ask(country.store_url, f'{name}{{centre="{ONE}"}}[10m]')
    stored = {round(float(at) * 1000) for one in found for at, _ in one["values"]}
    return len(set(promised) - stored)


def test_an_agent_whose_certificate_ran_out_says_so_and_comes_back_by_a_new_token(tmp_path: Path) -> None:
    country = Country(tmp_path, life_seconds=6)
    gateway = country.gateway(ONE)
    with country.broker, country.enrol:
        assert gateway.enrol(country.token(ONE)).returncode == 0
        country.enrol.stop()  # a renewal is not to be had
        time.sleep(6)
        with gateway.running():
            wait_until(lambda: "ran out on" in _health(gateway), 60, "nothing was said")
            problems = json.loads(_health(gateway))["problems"]
            assert any("enrol again with a new token" in one for one in problems)
            long_lived = country.directory / "central.toml"
            long_lived.write_text(long_lived.read_text().replace("certificate_days", "# "))
            country.enrol.start()
            assert gateway.enrol(country.token(ONE)).returncode == 0
            wait_until(lambda: '"ok": true' in _health(gateway), 60, _health(gateway))
            assert not (gateway.state / "identity/next.pem").exists()


def test_one_disk_in_two_machines_shows_as_connections_that_never_end(tmp_path: Path) -> None:
    country = Country(tmp_path)
    with ExitStack() as running:
        for part in (country.broker, country.store, country.enrol, country.ingest):
            running.enter_context(part)
        gateway = _enrolled(country, ONE)
        shutil.copytree(gateway.state, gateway.directory / "copy")
        copied = gateway.config.read_text().replace(str(gateway.state), str(gateway.directory / "copy"))
        copied = copied.replace(f"port = {gateway.web_port}", "port = 0")
        (gateway.directory / "copy.toml").write_text(copied)
        running.enter_context(gateway.running())
        words = ["agent", "run", "--config", str(gateway.directory / "copy.toml")]
        running.enter_context(parts.python("copy", gateway.directory, words))
        query = f'centre_online_connects_total{{centre="{ONE}"}}'
        wait_until(lambda: any(float(one["value"][1]) > 10 for one in ask(country.store_url, query)), 90, "not counted")
