"""The central database on SQLite and on a real PostgreSQL, started once: its own data directory, a socket in it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central.database import open_database
from stage.process import Part, free_port, program

PACKAGE = "postgresql"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database that is there until the tests end. As root the server runs as `postgres`."""
    user = "postgres" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket may have 107 characters
    try:
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(home, owner.pw_uid, owner.pw_gid)
        data, port = home / "data", free_port()
        subprocess.run(
            [program("initdb", PACKAGE), "-D", data, "-U", "monitor", "-A", "trust", "-N", "-E", "UTF8"],
            user=user, cwd=home, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        command: list[str | Path] = [
            program("postgres", PACKAGE), "-D", data, "-p", str(port), "-k", home, "-h", "", "-c", "fsync=off",
        ]  # fmt: skip
        ready = [program("pg_isready", PACKAGE), "-h", str(home), "-p", str(port), "-q"]
        part = Part("postgres", command, home, lambda: subprocess.run(ready, check=False).returncode == 0, user=user)
        with part:
            yield f"postgresql+psycopg://monitor@/postgres?host={home}&port={port}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database for a module's tests; they empty what they use."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('central')}/central.sqlite"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = open_database(url)
    yield engine
    engine.dispose()
