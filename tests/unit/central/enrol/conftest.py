"""The central database, empty but for two centres."""

import pytest
from sqlalchemy import Engine, delete

from central.database import centres, certificates, enrolments
from tests.unit.central.enrol.parts import CENTRE, OTHER, register


@pytest.fixture
def engine(shared: Engine) -> Engine:
    with shared.begin() as connection:
        for table in (enrolments, certificates, centres):
            connection.execute(delete(table))
    register(shared, CENTRE, OTHER)
    return shared
