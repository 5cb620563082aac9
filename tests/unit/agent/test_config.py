"""The file is right, or one error says where it is wrong and what may stand there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.__main__ import main
from agent.config import Config, read_config
from stage.parts import ROOT
from telemetry.errors import EX_CONFIG, ConfigError

CENTRE = 'centre = "PK-PB-00042"\n'
UPS = '[[collect.ups]]\nname = "rack"\nhost = "192.0.2.1"\n'
WHOLE = f"""
{CENTRE}
state_directory = "/tmp/state"
[listen]
port = 0
[uplink]
host = "monitor.example.org"
[outbox]
max_megabytes = 8
[collect.host]
interval_seconds = 30.0
{UPS}
"""


def _read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "agent.toml"
    file.write_text(text, encoding="utf-8")
    return read_config(file)


def test_a_whole_file_is_read_with_every_section(tmp_path: Path) -> None:
    config = _read(tmp_path, WHOLE)
    assert (config.centre, str(config.state_directory), config.listen.port) == ("PK-PB-00042", "/tmp/state", 0)
    assert config.uplink is not None
    assert (config.uplink.host, config.uplink.port, config.outbox.max_megabytes) == ("monitor.example.org", 8883, 8)
    assert [(one.subject, one.config.instance) for one in config.sections] == [("host", "gateway"), ("ups", "rack")]


def test_the_centre_alone_is_enough(tmp_path: Path) -> None:
    config = _read(tmp_path, CENTRE)
    assert (config.uplink, config.sections, config.listen.host, config.listen.port) == (None, (), "127.0.0.1", 9810)


def test_two_cards_have_two_names(tmp_path: Path) -> None:
    config = _read(tmp_path, CENTRE + UPS + UPS.replace("rack", "lab"))
    assert [one.config.instance for one in config.sections] == ["rack", "lab"]


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "$", "centre"),
        ('centre = "pk-pb-42"', "$.centre", "PK-PB-00042"),
        ('centre = ""', "$.centre", "PK-PB-00042"),
        ("centre = 42", "$.centre", None),
        (CENTRE + "centra = 1", "$", "state_directory"),
        (CENTRE + "simulated = 1", "$.simulated", None),
        (CENTRE + "[listen]\nport = 70000", "$.listen.port", None),
        (CENTRE + "[listen]\nprot = 1", "$.listen", None),
        (CENTRE + "[uplink]", "$.uplink", None),
        (CENTRE + '[uplink]\nhost = "h"\nbatch_seconds = 0', "$.uplink.batch_seconds", None),
        (CENTRE + '[uplink]\nhost = "h"\nbatch_seconds = nan', "$.uplink.batch_seconds", None),
        (CENTRE + '[uplink]\nhost = "h"\nresend_seconds = inf', "$.uplink.resend_seconds", None),
        (CENTRE + "[outbox]\nmax_megabytes = 0.5", "$.outbox.max_megabytes", None),
        (CENTRE + "[outbox]\nmax_days = -1", "$.outbox.max_days", None),
        (CENTRE + "[collect.fridge]", "$.collect.fridge", "host, internet, mains, seats, ups"),
        (CENTRE + "[collect]\nhost = 5", "$.collect.host", None),
        (CENTRE + "collect = 5", "$.collect", None),
        (CENTRE + "[collect.host]\nmount = '/'", "$.collect.host", "mounts"),
        (CENTRE + "[collect.host]\ninterval_seconds = 'x'", "$.collect.host.interval_seconds", None),
        (CENTRE + "[collect.host]\ninterval_seconds = true", "$.collect.host.interval_seconds", None),
        (CENTRE + "[collect.host]\nmounts = ['/', 5]", "$.collect.host.mounts[1]", None),
        (CENTRE + '[[collect.ups]]\nname = "rack"', "$.collect.ups[0]", "host"),
        (CENTRE + UPS + '[[collect.ups]]\nname = "Lab"\nhost = "h"', "$.collect.ups[1].name", None),
        (CENTRE + UPS + "comunity = 'x'", "$.collect.ups[0]", "community"),
        (CENTRE + UPS + "snmp = '4'", "$.collect.ups[0].snmp", None),
        (CENTRE + UPS + "port = 0", "$.collect.ups[0].port", None),
        (CENTRE + UPS + UPS, "$.collect.ups", "one name once"),
        (CENTRE + "[[collect.host]]\n[[collect.host]]", "$.collect.host", "one name once"),
    ],
)
def test_a_mistake_names_its_place_and_what_is_allowed(
    tmp_path: Path, text: str, path: str, allowed: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    assert (caught.value.file, caught.value.path) == (str(tmp_path / "agent.toml"), path)
    assert caught.value.problem
    if allowed is not None:
        assert allowed in caught.value.allowed


@pytest.mark.parametrize(
    "content",
    [b"centre = ", b"\xff\xfe", b"[[", b"centre = 'A'\ncentre = 'B'", b"a = " + b"9" * 5000, b"a = " + b"[" * 9000],
)
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "agent.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config(file)
    assert (caught.value.file, caught.value.path) == (str(file), "$")


def test_a_missing_file_is_named_with_where_a_sample_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        read_config(tmp_path / "nowhere.toml")
    assert "config/agent.toml" in caught.value.allowed


def test_a_directory_in_place_of_the_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not readable"):
        read_config(tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_config_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(content)
    try:
        answer = read_config(file).centre
    except ConfigError as problem:
        answer = problem.file
    assert answer


def test_the_shipped_sample_is_right() -> None:
    assert read_config(ROOT / "config/agent.toml").sections


# ── the command line ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("words", [["check-config"], ["run", "--config"], ["once", "host", "--config"]])
@pytest.mark.parametrize("text", [None, "", CENTRE + "centra = 1", CENTRE + "[collect.fridge]"])
def test_every_command_refuses_a_wrong_file_with_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], text: str | None
) -> None:
    file = tmp_path / "agent.toml"
    if text is not None:
        file.write_text(text)
    assert main([*words, str(file)]) == EX_CONFIG
    said = capsys.readouterr().err
    assert f"configuration: {file}: $" in said
    assert "allowed: " in said


def test_a_right_file_is_summed_up_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(WHOLE)
    assert main(["check-config", str(file)]) == 0
    said = capsys.readouterr().out
    *notes, summary = said.splitlines()
    assert ["no certificate yet" in note for note in notes] == [True]
    assert all(word in summary for word in ("PK-PB-00042", "host/gateway", "ups/rack", "monitor.example.org:8883"))


def test_a_subject_that_is_not_configured_cannot_be_collected_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(CENTRE)
    assert main(["once", "ups", "--config", str(file)]) == EX_CONFIG
    assert "$.collect.ups" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["run", "--config"], ["once", "ups", "--config"]])
def test_a_secret_that_cannot_be_read_is_a_wrong_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    file, secret = tmp_path / "agent.toml", tmp_path / "community"
    text = f'{CENTRE}state_directory = "{tmp_path}"\n[listen]\nport = 0\n{UPS}community_file = "{secret}"\n'
    file.write_text(text)
    assert main([*words, str(file)]) == EX_CONFIG
    said = capsys.readouterr().err
    assert str(secret) in said
    assert "allowed: " in said
