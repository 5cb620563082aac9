"""Which pair is shown: the old one is never given up before the new one has worked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from agent.config import UplinkConfig
from agent.identity import Identity
from central.enrol.authority import Authority, new_key, private_pem
from tests.unit.central.enrol.parts import CENTRE

NOW = datetime.now(UTC).replace(microsecond=0)


def identity(tmp_path: Path, **changes: Any) -> Identity:
    made = Identity(tmp_path, UplinkConfig(host="broker.example.org", **changes))
    made.folder.path.mkdir(parents=True, exist_ok=True)
    return made


def _shown(of: Identity) -> str:
    return Path(of.settings().cert_file).name


def pair(tmp_path: Path, begin: datetime, end: datetime) -> bytes:
    """Key and certificate of a throw-away authority."""
    authority, key = Authority.make(tmp_path / f"ca-{id(begin)}-{id(end)}", "test", 9999, NOW), new_key()
    return private_pem(key) + authority.client(key.public_key(), CENTRE, begin, end).public_bytes(Encoding.PEM)


def test_without_an_enrolment_the_configuration_stays_as_it_is(tmp_path: Path) -> None:
    config = UplinkConfig(host="h")
    assert Identity(tmp_path, config).settings() == config


def test_what_enrolment_brought_is_used_without_a_word_in_the_configuration(tmp_path: Path) -> None:
    made = identity(tmp_path)
    made.folder.pair.touch()
    made.folder.authority.touch()
    found = made.settings()
    assert (found.cert_file, found.key_file) == (str(made.folder.pair), "")
    assert found.ca_file == str(made.folder.authority)


def test_files_that_the_configuration_names_win(tmp_path: Path) -> None:
    made = identity(tmp_path, cert_file="/etc/own.pem", key_file="/etc/own.key", ca_file="/etc/ca.pem")
    made.folder.pair.touch()
    made.folder.next.touch()
    assert made.settings() == UplinkConfig(
        "broker.example.org", 8883, True, "/etc/ca.pem", "/etc/own.pem", "/etc/own.key"
    )
    assert made.untried is False


def test_a_new_pair_takes_the_place_of_the_old_one_once_it_has_worked(tmp_path: Path) -> None:
    made = identity(tmp_path)
    made.folder.pair.write_text("old")
    assert _shown(made) == "centre.pem"
    made.folder.next.write_text("new")
    assert made.untried
    assert _shown(made) == "next.pem"
    assert not made.untried
    assert made.folder.pair.read_text() == "old"
    made.worked()
    assert (made.folder.pair.read_text(), made.folder.next.exists()) == ("new", False)
    assert _shown(made) == "centre.pem"


def test_a_new_pair_that_does_not_work_alternates_with_the_old_one_and_replaces_nothing(tmp_path: Path) -> None:
    made = identity(tmp_path)
    made.folder.pair.write_text("old")
    made.folder.next.write_text("new")
    assert [_shown(made) for _ in range(4)] == ["next.pem", "centre.pem"] * 2
    made.worked()  # the old one has
    assert made.folder.pair.read_text() == "old"
    assert made.folder.next.exists()


def test_a_connection_does_not_vouch_for_a_pair_that_came_after_it(tmp_path: Path) -> None:
    made = identity(tmp_path)
    made.folder.pair.write_text("old")
    made.folder.next.write_text("new")
    made.settings()
    later = made.folder.path / "later"
    later.write_text("newer")
    later.replace(made.folder.next)
    made.worked()
    assert made.folder.pair.read_text() == "old"
    assert made.untried


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    made = identity(tmp_path)
    made.folder.next.write_text("new")
    made.settings()
    made.folder.pair.mkdir()  # in the way
    made.worked()
    assert made.folder.next.exists()


@pytest.mark.parametrize("text", ["", "no certificate", "\x00\xff"])
def test_a_file_that_cannot_be_read_has_no_life(tmp_path: Path, text: str) -> None:
    made = identity(tmp_path)
    made.folder.pair.write_text(text, encoding="utf-8")
    assert made.life() is None
    assert made.problems(NOW) == []


@pytest.mark.parametrize(
    ("days_left", "said"), [(300, ""), (15, ""), (13, "was not renewed yet"), (-1, "enrol again with a new token")]
)
def test_a_technician_hears_of_it_in_time(tmp_path: Path, days_left: int, said: str) -> None:
    made = identity(tmp_path)
    made.folder.pair.write_bytes(pair(tmp_path, NOW - timedelta(days=400), NOW + timedelta(days=days_left)))
    (text,) = made.problems(NOW) or [""]
    assert said in text
    assert bool(text) == bool(said)
    life = made.life()
    assert life is not None
    assert life.end == NOW + timedelta(days=days_left)


def test_it_is_renewed_where_it_came_from_unless_the_configuration_says_otherwise(tmp_path: Path) -> None:
    made = identity(tmp_path)
    assert made.renewal_url() == ""
    made.folder.url.write_text("https://enrol.example.org:8443\n")
    assert made.renewal_url() == "https://enrol.example.org:8443"
    assert identity(tmp_path, enrol_url="https://other.example.org").renewal_url() == "https://other.example.org"
