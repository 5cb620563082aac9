"""One net-snmp agent for all tests that ask one."""

from collections.abc import Iterator

import pytest

from tests.devices.snmpd import snmpd


@pytest.fixture(scope="session")
def snmpd_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """UDP port of a real agent with the users and the community of tests/devices/snmpd.py."""
    part, port = snmpd(tmp_path_factory.mktemp("snmpd"))
    with part:
        yield port
