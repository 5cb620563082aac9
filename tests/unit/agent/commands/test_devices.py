"""probe-ups and once, as a technician types them."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.__main__ import main
from agent.demo import ups
from agent.demo.card import Card
from stage.parts import ROOT
from tests.devices.snmpd import AUTH_KEY, COMMUNITY, PRIV_KEY, USER, snmpd

IS_UPS, IS_NO_UPS, NO_ANSWER, REFUSED = 0, 3, 4, 5
V3 = ["--snmp", "3", "--user", USER, "--auth", f"SHA:{AUTH_KEY}", "--priv", f"AES128:{PRIV_KEY}"]


@contextmanager
def _serving(card: Card) -> Iterator[int]:
    """The card in a thread of its own: `main` runs its own loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(card.serve(), loop).result(5)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(card.close)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@pytest.fixture(scope="session")
def agent_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    part, port = snmpd(tmp_path_factory.mktemp("snmpd"))
    with part:
        yield port


def _probe(port: int, *words: str) -> int:
    return main(["probe-ups", "127.0.0.1", "--port", str(port), "--timeout", "1.5", *words])


def test_a_ups_is_one_line_of_json_and_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    with _serving(Card(ups.identity() | ups.on_mains())) as port:
        assert _probe(port, "--json") == IS_UPS
    said = capsys.readouterr().out
    answer: dict[str, Any] = json.loads(said)
    assert said.count("\n") == 1
    assert (answer["recognised"], answer["status"], answer["charge_ratio"]) == (True, "online", 1.0)


def test_without_json_the_object_is_spread_over_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with _serving(Card(ups.identity() | ups.on_mains())) as port:
        assert _probe(port, "--snmp", "1") == IS_UPS
    said = capsys.readouterr().out
    assert said.count("\n") > 20
    assert json.loads(said)["recognised"] is True


def test_a_device_that_is_no_ups_is_exit_3_and_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    with _serving(Card({"1.3.6.1.2.1.1.1.0": "a switch"})) as port:
        assert _probe(port, "--json") == IS_NO_UPS
    assert json.loads(capsys.readouterr().out)["recognised"] is False


def test_silence_is_exit_4_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with _serving(Card({}, community="other")) as port:
        assert _probe(port, "--json") == NO_ANSWER
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "community" in captured.err


def test_a_name_that_does_not_resolve_is_exit_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe-ups", "no-such-card.invalid", "--timeout", "1.5", "--json"]) == NO_ANSWER
    assert "no-such-card.invalid" in capsys.readouterr().err


def test_a_real_agent_that_is_no_ups_is_exit_3_in_every_version(agent_port: int) -> None:
    assert _probe(agent_port, "--community", COMMUNITY) == IS_NO_UPS
    assert _probe(agent_port, "--community", COMMUNITY, "--snmp", "1") == IS_NO_UPS
    assert _probe(agent_port, *V3) == IS_NO_UPS


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([*V3, "--auth", "SHA:another-key"], "auth key"),
        ([*V3, "--auth", "SHA256:" + AUTH_KEY], "auth key"),
        ([*V3, "--user", "nobody"], "user"),
        ([*V3, "--priv", ""], "security level"),
    ],
)
def test_what_is_refused_is_exit_5_and_named(
    agent_port: int, capsys: pytest.CaptureFixture[str], words: Sequence[str], named: str
) -> None:
    assert _probe(agent_port, *words) == REFUSED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert named in captured.err
    assert AUTH_KEY not in captured.err
    assert PRIV_KEY not in captured.err


def test_a_wrong_priv_key_is_refused_or_silence_and_the_key_is_suspected(
    agent_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    # net-snmp drops what it cannot decrypt; the technician must still learn where to look.
    assert _probe(agent_port, *V3, "--priv", "AES128:another-key") in (NO_ANSWER, REFUSED)
    assert "priv key" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        [*V3, "--auth", "SHA3:" + AUTH_KEY],
        [*V3, "--auth", "pass:word"],
        [*V3, "--priv", "ROT13:" + PRIV_KEY],
        [*V3, "--auth", "SHA:short"],
        [*V3, "--priv", "AES128:short"],
        [*V3, "--auth", ""],
        [*V3, "--user", ""],
    ],
    ids=lambda words: " ".join(words[-2:]),
)
def test_credentials_that_can_never_work_are_a_sentence_and_no_traceback(agent_port: int, words: Sequence[str]) -> None:
    command = [sys.executable, "-m", "agent", "probe-ups", "127.0.0.1", "--port", str(agent_port), "--timeout", "1.5"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode in (2, REFUSED, 78)
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_subprocess_gives_the_same_exit_codes(agent_port: int) -> None:
    command = [
        sys.executable,
        "-m",
        "agent",
        "probe-ups",
        "127.0.0.1",
        "--port",
        str(agent_port),
        "--json",
        "--timeout",
        "1",
    ]
    done = subprocess.run([*command, "--community", COMMUNITY], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, json.loads(done.stdout)["recognised"]) == (IS_NO_UPS, False)


def _config(tmp_path: Path, port: int) -> str:
    file = tmp_path / "agent.toml"
    file.write_text(
        f'centre = "PK-PB-00042"\nstate_directory = "{tmp_path}"\n[collect.host]\n'
        f'[[collect.ups]]\nname = "rack"\nhost = "127.0.0.1"\nport = {port}\ntimeout_seconds = 1.5\n'
    )
    return str(file)


def test_once_prints_one_line_a_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _serving(Card(ups.identity() | ups.on_mains())) as port:
        assert main(["once", "ups", "--config", _config(tmp_path, port)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'centre_ups_up{ups="rack"} 1' in lines
    assert 'centre_ups_status{ups="rack",status="online"} 1' in lines


def test_once_as_json_is_one_object_an_instance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["once", "host", "--json", "--config", _config(tmp_path, 161)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["instance"], answer["problem"]) == ("gateway", None)
    assert "centre_host_cpu_usage_ratio" in {one["metric"] for one in answer["values"]}


def test_once_of_a_dead_card_is_exit_1_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = Card({})
    card.silent = True
    with _serving(card) as port:
        assert main(["once", "ups", "--config", _config(tmp_path, port)]) == 1
    captured = capsys.readouterr()
    assert "ups/rack: timed_out" in captured.err
    assert 'centre_ups_up{ups="rack"} 0' in captured.out
