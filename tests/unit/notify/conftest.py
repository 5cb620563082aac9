"""The central database on both engines: SQLite, and a PostgreSQL server of Debian on loopback."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from central.database import open_database
from stage.process import Part, free_port, program

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Postgres:
    """A server of its own: data, socket and log in one directory that its user owns."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port, self._made = directory, free_port(), 0
        # The server refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        owner = pwd.getpwnam(self._user) if self._user else pwd.getpwuid(os.geteuid())
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        data = directory / "data"
        subprocess.run(
            [program("initdb", "postgresql"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self._user, cwd=directory, check=True, capture_output=True,
        )  # fmt: skip
        command: list[str | Path] = [
            program("postgres", "postgresql"), "-D", data, "-k", directory, "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
        ]  # fmt: skip
        self.part = Part("postgres", command, directory, self.answers, user=self._user)

    def answers(self) -> bool:
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True)

    def new_database(self) -> str:
        """The URL of an empty database, by the server's own socket."""
        self._made += 1
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE test_{self._made}")
        return f"postgresql+psycopg://postgres@/test_{self._made}?host={self.directory}&port={self.port}"

    def drop(self, url: str) -> None:
        name = make_url(url).database
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Started once; pytest's own directories are closed to other users."""
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(directory)
    try:
        with server.part:
            yield server
            os.kill(server.part.pid, signal.SIGINT)  # at once; SIGTERM waits for the last client
    finally:
        shutil.rmtree(directory)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database on each engine."""
    if request.param == SQLITE:
        yield f"sqlite:///{tmp_path}/central.sqlite"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The central database with its tables."""
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """Where the engine makes no difference."""
    engine = open_database(f"sqlite:///{tmp_path}/alone.sqlite")
    yield engine
    engine.dispose()
