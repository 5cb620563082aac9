"""The registry of centres from a CSV: all of it or nothing, on both databases."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from central import __main__ as command_line
from central.database import centre_infos, centres, open_database, technicians
from central.registry import COLUMNS, LANGUAGES, import_csv
from central.simulate.service import write_registry
from telemetry.errors import EX_CONFIG, ConfigError

HEAD = ",".join(COLUMNS) + "\n"
AMNA = "Amna Khan|en|sms:+923001234567,email:amna.khan@example.org"
BILAL = "Bilal Shah|roman-ur|sms:+923007654321"


def line(centre: str, people: str = AMNA, **changes: str) -> str:
    """A row of the CSV."""
    values = {
        "name": f"e-Rozgar {centre}", "province": "Punjab", "district": "Multan", "isp": "PTCL", "feeder": "MUL-3",
        "down": "20", "up": "5", "hours": "09:00-21:00", **changes,
    }  # fmt: skip
    return ",".join([centre, *values.values(), f'"{people}"']) + "\n"


def load(engine: Engine, directory: Path, *lines: str, head: str = HEAD) -> tuple[int, int]:
    file = directory / "centres.csv"
    file.write_text(head + "".join(lines), encoding="utf-8")
    return import_csv(file, engine)


def registered(engine: Engine) -> dict[str, list[tuple[str, str]]]:
    """Centre -> name and language of its technicians, in order."""
    query = select(centres.c.id, technicians.c.name, technicians.c.language).join(technicians, isouter=True)
    found: dict[str, list[tuple[str, str]]] = {}
    with engine.connect() as connection:
        for centre, name, language in connection.execute(query.order_by(centres.c.id, technicians.c.position)):
            found.setdefault(centre, []).extend([(name, language)] if name else [])
    return found


def test_centres_and_technicians_are_added(engine: Engine, tmp_path: Path) -> None:
    assert load(engine, tmp_path, line("PK-PB-00042", f"{AMNA}; {BILAL}"), line("PK-SD-00007", "")) == (2, 2)
    assert registered(engine) == {
        "PK-PB-00042": [("Amna Khan", "en"), ("Bilal Shah", "roman-ur")],
        "PK-SD-00007": [],
    }
    with engine.connect() as connection:
        row = connection.execute(select(centres).where(centres.c.id == "PK-PB-00042")).one()
        channels = connection.execute(select(technicians.c.channels).order_by(technicians.c.id)).scalars().first()
    assert (row.contract_down_bps, row.contract_up_bps, row.opening_hours) == (20_000_000, 5_000_000, "09:00-21:00")
    assert channels == [["sms", "+923001234567"], ["email", "amna.khan@example.org"]]


def test_a_second_import_replaces_what_it_names_and_leaves_the_rest(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, line("PK-PB-00042"), line("PK-SD-00007"))
    assert load(engine, tmp_path, line("PK-PB-00042", BILAL, isp="Nayatel", down="")) == (1, 1)
    assert registered(engine) == {"PK-PB-00042": [("Bilal Shah", "roman-ur")], "PK-SD-00007": [("Amna Khan", "en")]}
    assert centre_infos(engine)["PK-PB-00042"]["isp"] == "Nayatel"
    with engine.connect() as connection:
        query = select(centres.c.contract_down_bps).where(centres.c.id == "PK-PB-00042")
        assert connection.execute(query).scalar_one() is None, "unknown is no number"
        assert connection.execute(select(func.count()).select_from(technicians)).scalar() == 2


def test_the_same_import_twice_is_the_same(engine: Engine, tmp_path: Path) -> None:
    rows = (line("PK-PB-00042", f"{AMNA};{BILAL}"), line("PK-SD-00007"))
    load(engine, tmp_path, *rows)
    before = registered(engine)
    load(engine, tmp_path, *rows)
    assert registered(engine) == before


GOOD = line("PK-PB-00042")
BAD = [
    (line("pk-pb-1"), "line 3, id"),
    (line(""), "line 3, id"),
    (line("PK-PB-00043", name=""), "line 3, name"),
    (line("PK-PB-00043", name="n" * 61), "line 3, name"),
    (line("PK-PB-00043", district="Mul\ttan"), "line 3, district"),
    (line("PK-PB-00043", down="fast"), "line 3, contract_down_mbps"),
    (line("PK-PB-00043", down="nan"), "line 3, contract_down_mbps"),
    (line("PK-PB-00043", up="-1"), "line 3, contract_up_mbps"),
    (line("PK-PB-00043", up="0"), "line 3, contract_up_mbps"),
    (line("PK-PB-00043", hours="9-21"), "line 3, opening_hours"),
    (line("PK-PB-00043", hours="09:00-24:30"), "line 3, opening_hours"),
    (line("PK-PB-00043", "Amna Khan"), "line 3, technicians"),
    (line("PK-PB-00043", "Amna Khan|de|sms:+923001234567"), "line 3, technicians"),
    (line("PK-PB-00043", "Amna Khan|en|sms:0300-1234567"), "line 3, technicians"),
    (line("PK-PB-00043", "Amna Khan|en|pigeon:+923001234567"), "line 3, technicians"),
    (line("PK-PB-00043", "Amna Khan|en|"), "line 3, technicians"),
    (line("PK-PB-00043", "|en|sms:+923001234567"), "line 3, technicians"),
    (line("PK-PB-00043", f"{AMNA};Bilal"), "line 3, technicians"),
    ("PK-PB-00043,short\n", "line 3"),
]


@pytest.mark.parametrize(("bad", "where"), BAD)
def test_one_bad_line_is_named_and_nothing_is_written(
    sqlite_engine: Engine, tmp_path: Path, bad: str, where: str
) -> None:
    load(sqlite_engine, tmp_path, line("PK-PB-00001"))
    with pytest.raises(ConfigError) as caught:
        load(sqlite_engine, tmp_path, GOOD, bad, line("PK-PB-00044"))
    assert caught.value.file == str(tmp_path / "centres.csv")
    assert caught.value.path.startswith(where)
    assert set(registered(sqlite_engine)) == {"PK-PB-00001"}


def test_an_import_that_breaks_off_leaves_everything_as_it_was(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, line("PK-PB-00001"))
    with pytest.raises(ConfigError):
        load(engine, tmp_path, line("PK-PB-00001", BILAL), GOOD, line("nowhere"))
    assert registered(engine) == {"PK-PB-00001": [("Amna Khan", "en")]}


def test_a_refusal_quotes_no_name_and_no_number(sqlite_engine: Engine, tmp_path: Path) -> None:
    for people in (f"{AMNA}|x", "Amna Khan|en|sms:+92300123456789012345", "Amna Khan,+923001234567"):
        with pytest.raises(ConfigError) as caught:
            load(sqlite_engine, tmp_path, line("PK-PB-00042", people))
        assert "Amna" not in str(caught.value)
        assert "92300" not in str(caught.value)


def test_a_centre_that_stands_twice_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PK-PB-00042 twice"):
        load(engine, tmp_path, GOOD, line("PK-SD-00007"), GOOD)
    assert registered(engine) == {}


def test_a_field_with_a_comma_and_no_quotes_is_a_bad_line(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Else the second channel of a technician would be lost without a word."""
    with pytest.raises(ConfigError) as caught:
        load(sqlite_engine, tmp_path, line("PK-PB-00042", AMNA).replace('"', ""))
    assert caught.value.path.startswith("line 2")


def test_the_line_is_that_of_the_file_also_after_an_empty_one(sqlite_engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(sqlite_engine, tmp_path, GOOD, "\n", "\n", line("nowhere"))
    assert caught.value.path.startswith("line 5, ")


@pytest.mark.parametrize("head", ["", "id,name\n", HEAD.replace(",", ";"), HEAD.replace("isp", "provider")])
def test_other_columns_are_refused_and_the_right_ones_shown(sqlite_engine: Engine, tmp_path: Path, head: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(sqlite_engine, tmp_path, head=head)
    assert (caught.value.path, caught.value.allowed) == ("line 1", ",".join(COLUMNS))


def test_a_file_saved_by_a_spreadsheet_begins_with_a_mark_and_is_read(sqlite_engine: Engine, tmp_path: Path) -> None:
    assert load(sqlite_engine, tmp_path, GOOD, head="\ufeff" + HEAD) == (1, 1)


@pytest.mark.parametrize("body", [b"\xff\xfe", HEAD.encode() + b'"' + b"x" * 200_000])
def test_a_file_that_is_no_csv_is_refused(sqlite_engine: Engine, tmp_path: Path, body: bytes) -> None:
    (tmp_path / "centres.csv").write_bytes(body)
    with pytest.raises(ConfigError, match="not readable"):
        import_csv(tmp_path / "centres.csv", sqlite_engine)
    with pytest.raises(ConfigError, match="not readable"):
        import_csv(tmp_path / "none.csv", sqlite_engine)


@pytest.mark.parametrize("mbps", ["2500", "10000", "100000"])
def test_a_contract_of_a_fast_line_fits_both_databases(engine: Engine, tmp_path: Path, mbps: str) -> None:
    load(engine, tmp_path, line("PK-PB-00042", down=mbps))
    with engine.connect() as connection:
        assert connection.execute(select(centres.c.contract_down_bps)).scalar_one() == int(mbps) * 1_000_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_in_urdu_and_every_language_are_kept_as_they_are(engine: Engine, tmp_path: Path, language: str) -> None:
    load(engine, tmp_path, line("PK-PB-00042", f"آمنہ خان|{language}|sms:+923001234567", name="ای روزگار ملتان"))
    assert registered(engine) == {"PK-PB-00042": [("آمنہ خان", language)]}
    assert centre_infos(engine)["PK-PB-00042"]["name"] == "ای روزگار ملتان"


def test_the_registry_of_a_simulated_fleet_is_a_registry(engine: Engine, tmp_path: Path) -> None:
    write_registry(tmp_path / "fleet.csv", 50, seed=3)
    assert import_csv(tmp_path / "fleet.csv", engine) == (50, 50)


def test_the_command_tells_what_is_registered_and_ends_with_78_on_a_bad_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, url = tmp_path / "centres.csv", f"sqlite:///{tmp_path}/central.sqlite"
    file.write_text(HEAD + GOOD)
    assert command_line.main(["centres", "import", str(file), "--database", url]) == 0
    assert capsys.readouterr().out == "1 centres and 1 technicians are registered.\n"
    file.write_text(HEAD + line("nowhere"))
    assert command_line.main(["centres", "import", str(file), "--database", url]) == EX_CONFIG
    assert "line 2, id" in capsys.readouterr().err
    engine = open_database(url)
    assert set(registered(engine)) == {"PK-PB-00042"}
    engine.dispose()
