"""The central database, empty but for two centres."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, delete

from central.database import centres, certificates, enrolments, open_database
from tests.unit.central.enrol.parts import CENTRE, OTHER, register


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('central')}/central.sqlite"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(shared: Engine) -> Engine:
    with shared.begin() as connection:
        for table in (enrolments, certificates, centres):
            connection.execute(delete(table))
    register(shared, CENTRE, OTHER)
    return shared
