"""What is brought over from a damaged file, and what is not: counted, and never the agent's end."""

import sqlite3
from pathlib import Path

import pytest

from tests.unit.agent.outboxes import Clock, filled, opened, tick


def test_a_length_that_has_become_absurd_costs_the_rows_behind_it_and_not_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Absurd(sqlite3.Connection):
        """Has no memory for what a row claims to hold."""

        def execute(self, query: str, *rest: object) -> sqlite3.Cursor:
            if " FROM batch" in query:
                raise MemoryError
            return super().execute(query, *rest)

    def absurd(*where: object, **how: object) -> sqlite3.Connection:
        return connect(*where, **how, **({"factory": Absurd} if how.get("uri") else {}))

    file = tmp_path / "outbox.sqlite"
    filled(file)
    file.write_bytes(b"x" * 18 + file.read_bytes()[18:])
    connect = sqlite3.connect
    monkeypatch.setattr("agent.outbox.file.sqlite3.connect", absurd)
    outbox = opened(file, Clock())
    assert outbox.append("ups/rack", tick(Clock(), 1000))
    assert outbox.stats().lost["damaged"][0] >= 1
    outbox.close()


def test_what_was_set_aside_and_is_no_file_of_ours_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    file.write_bytes(b"x" * 300)
    opened(file, Clock()).close()
    (aside,) = tmp_path.glob("outbox.sqlite.damaged-*")
    assert aside.read_bytes() == b"x" * 300


def test_a_damaged_file_for_whose_rows_there_is_no_room_is_counted_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> tuple[int, int]:
        raise sqlite3.OperationalError("database or disk is full")

    file = tmp_path / "outbox.sqlite"
    filled(file)
    file.write_bytes(b"x" * 5000 + file.read_bytes()[5000:])
    monkeypatch.setattr("agent.outbox.database.salvage", full)
    outbox = opened(file, Clock())
    assert outbox.append("ups/rack", tick(Clock(), 1000))
    assert outbox.stats().lost["damaged"][0] >= 1
    assert len(list(tmp_path.glob("outbox.sqlite.damaged-*"))) >= 1
    outbox.close()
