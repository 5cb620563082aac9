"""A brand file is right, or its mistake is named with the file and the place."""

from pathlib import Path

import pytest

from collectors.ups.mib import FOLDER, brands, fallback, parse_mib
from telemetry.errors import ConfigError

HEAD = """
name = "acme"
title = "ACME-MIB"
object_ids = ["1.3.6.1.4.1.99999"]
probe = "1.3.6.1.4.1.99999.1.0"
"""
STATUS = """
[[row]]
object = "acmeStatus"
oid = "1.3.6.1.4.1.99999.1.0"
field = "status"
states = { 1 = "online", 2 = "on_battery" }
"""


def _row(field: str, more: str = "", oid: str = "1.3.6.1.4.1.99999.2.0") -> str:
    return f'\n[[row]]\nobject = "acmeThing"\noid = "{oid}"\nfield = "{field}"\n{more}\n'


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "acme.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_right_file_is_a_table_of_rows(tmp_path: Path) -> None:
    mib = parse_mib(_file(tmp_path, HEAD + STATUS + _row("input_volts", "phases = true\nscale = 0.1")))
    assert (mib.name, [row.field for row in mib.row]) == ("acme", ["status", "input_volts"])
    assert mib.row[1].oids() == tuple(f"1.3.6.1.4.1.99999.2.0.{phase}" for phase in (1, 2, 3))


def test_a_file_that_is_like_another_has_its_rows_at_its_own_root(tmp_path: Path) -> None:
    like = 'like = "rfc1628"\nroot = "1.3.6.1.4.1.99999"\nrow = []\n'
    mib = parse_mib(_file(tmp_path, HEAD.replace("99999.1.0", "99999.4.1.0") + like))
    moved = [row for row in fallback().row if row.oid.startswith(fallback().root)]
    assert 0 < len(moved) < len(fallback().row), "what stands elsewhere is not moved"
    theirs = [oid for row in moved for oid in (row.oid, row.lines, row.count, *row.alarms)]
    ours = [oid for row in mib.row for oid in (row.oid, row.lines, row.count, *row.alarms)]
    assert ours == [oid.replace("1.3.6.1.2.1.33.1.", "1.3.6.1.4.1.99999.") for oid in theirs]
    assert [row.field for row in mib.row] == [row.field for row in moved]


@pytest.mark.parametrize("like", ["nobody", "../mibs/nobody", "."])
def test_a_file_like_one_that_is_not_there_is_refused(tmp_path: Path, like: str) -> None:
    text = f'{HEAD}like = "{like}"\nroot = "1.3.6.1.4.1.99999"\nrow = []\n'
    with pytest.raises(ConfigError):
        parse_mib(_file(tmp_path, text))


def test_an_alarm_table_is_walked_and_never_asked_for(tmp_path: Path) -> None:
    text = HEAD + STATUS + _row("alarms", 'alarms = { "1.3.6.1.4.1.99999.9.1" = "fan" }')
    assert parse_mib(_file(tmp_path, text)).row[1].oids() == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = ", "$"),
        (STATUS, "missing required field"),
        (HEAD, "missing required field `row`"),
        (HEAD + STATUS + "surprise = 1", "unknown field `surprise`"),
        ('surprise = "x"\n' + HEAD + STATUS, "unknown field `surprise`"),
        (HEAD.replace('"ACME-MIB"', "5") + STATUS, "$.title"),
        (HEAD + STATUS + _row("colour"), "$.row[1].field"),
        (HEAD + STATUS + _row("input_volts", 'scale = "tenths"'), "$.row[1].scale"),
        (HEAD + STATUS + _row("input_volts", "invalid = [-1.5]"), "$.row[1].invalid[0]"),
        (HEAD + STATUS + _row("input_volts", "hook = true"), "hook"),
        (HEAD + _row("status", oid="1.3.6.1.4.1.99999.1.0"), "$.row[0]"),
        (HEAD + STATUS.replace('"online"', '"party"'), "$.row[0].states"),
        (HEAD + STATUS + _row("overload", 'states = { 1 = "yes" }'), "$.row[1].states"),
        (HEAD + STATUS + _row("alarms", 'bits = { 1 = "party" }'), "$.row[1].bits"),
        (HEAD + STATUS + _row("charge_ratio", "phases = true"), "$.row[1].phases"),
        (HEAD.replace("99999.1.0", "99999.7.0") + STATUS, "$.probe"),
    ],
)
def test_a_mistake_names_the_file_and_the_place(tmp_path: Path, text: str, named: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        parse_mib(file)
    assert caught.value.file == str(file)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + STATUS + _row("alarms", 'bits = { two = "on_battery" }'),
        HEAD + STATUS + _row("alarms", 'bits = { 0 = "on_battery" }'),
        HEAD + STATUS + _row("alarms", "bits = { " + "9" * 5000 + ' = "on_battery" }'),
        HEAD + STATUS + _row("alarms", 'bits = { "²" = "on_battery" }'),
        HEAD + STATUS + _row("alarms"),
        HEAD + STATUS + _row("overload"),
        HEAD + STATUS + _row("input_volts", oid="1.3.6.x.1"),
        HEAD + STATUS + _row("input_volts", "scale = nan"),
        HEAD + STATUS + _row("alarms", 'listed = { 0 = "on_battery" }'),
        HEAD + STATUS + _row("alarms", 'listed = { 57 = "party" }'),
        HEAD + STATUS + _row("alarms", "states = { 1 = true }"),
        HEAD + STATUS + _row("alarms", 'states = { 1 = "Fan Failure" }'),
        HEAD + STATUS + _row("alarms", 'bits = { 1 = "alarm:" }'),
        HEAD + STATUS + _row("alarms", 'alarms = { "1.3.6.1.4.1.99999.9.1" = "" }'),
        HEAD + STATUS + _row("serial", "part = -1"),
        HEAD + STATUS + _row("alarms", 'active = "x"\nalarms = { "1.3.6.1.4.1.99999.9.1" = "fan" }'),
        HEAD + STATUS + _row("input_volts", 'lines = "1.3.6.x.1"'),
    ],
    ids=[
        "bit without a number",
        "bit nought",
        "bit of thousands of digits",
        "bit in a digit that is no number",
        "alarms of nothing",
        "flag without states",
        "no OID",
        "no scale",
        "listed nought",
        "listed as nothing",
        "an alarm that is no name",
        "an alarm that is no word",
        "a bit for no alarm",
        "a row for no alarm",
        "no part",
        "no column",
        "no lines",
    ],
)
def test_a_row_that_could_only_fail_when_it_is_read_is_refused_when_it_is_loaded(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"acme\.toml.*\$\.row\[1\]"):
        parse_mib(_file(tmp_path, text))


@pytest.mark.parametrize("body", [b"name = '\xeb'", b"a = " + b"9" * 5000, b"a = " + b"[" * 9000])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "acme.toml"
    file.write_bytes(body)
    with pytest.raises(ConfigError, match=r"acme\.toml"):
        parse_mib(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"acme\.toml"):
        parse_mib(tmp_path / "acme.toml")


def test_a_closed_list_is_shown_to_whoever_missed_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="allowed: online, on_battery"):
        parse_mib(_file(tmp_path, HEAD + STATUS.replace('"online"', '"party"')))


def test_the_fallback_is_asked_last() -> None:
    assert brands()[-1] is fallback()
    assert fallback().name == "rfc1628"


def test_brands_are_the_files_of_the_folder() -> None:
    assert sorted(mib.name for mib in brands()) == sorted(file.stem for file in FOLDER.glob("*.toml"))
