"""What of speedtest-cli's JSON may be believed; it swallows errors into zeros and exits 0."""

import asyncio
import json
import time

import pytest

from collectors.internet.engines import LIMIT_SECONDS, Direction, Request
from collectors.internet.engines.child import measure
from collectors.internet.engines.speedtest_cli import believed, printed
from telemetry.errors import BadData

# Printed by speedtest-cli 2.1.3 --json; addresses and sponsor are made up.
PRINTED = json.loads(
    '{"download": 18543210.5, "upload": 4567890.25, "ping": 24.31, "server": {"url": "http://example.org/upload.php",'
    ' "lat": "31.5", "lon": "74.3", "name": "Lahore", "country": "Pakistan", "cc": "PK", "sponsor": "Example",'
    ' "id": "1234", "host": "example.org:8080", "d": 5.1, "latency": 24.31}, "timestamp":'
    ' "2026-03-01T10:00:00.000000Z", "bytes_sent": 5951488, "bytes_received": 23352112, "share": null,'
    ' "client": {"ip": "192.0.2.7", "isp": "Example"}}'
)


def test_bits_become_bytes_and_the_bytes_are_those_it_counted() -> None:
    down, up = believed(PRINTED, "down"), believed(PRINTED, "up")
    assert (down.line_bytes_per_second, down.own_bytes_per_second) == (2317901, 2317901)
    assert up.line_bytes_per_second == 570986
    assert (down.wire_bytes, up.wire_bytes) == (23352112, 5951488)
    assert down.rtt_idle_seconds == pytest.approx(0.02431)
    assert (down.converged, down.signal) == (False, "app"), "it is no proof that the rate held still"


@pytest.mark.parametrize(
    "changes",
    [
        {"download": 0},
        {"download": 0.0},
        {"download": -1.0},
        {"download": None},
        {"download": "18543210"},
        {"download": True},
        {"download": 10**400},
        {"ping": 1800000},
        {"ping": 1800000.0},
        {"ping": 1000000.0},
        {"ping": None},
        {"ping": -1.0},
    ],
)
def test_a_zero_rate_or_its_code_for_a_failed_ping_is_no_result(changes: dict[str, object]) -> None:
    with pytest.raises(BadData):
        believed({**PRINTED, **changes}, "down")


def test_one_direction_may_fail_alone() -> None:
    found = {**PRINTED, "upload": 0.0}
    assert believed(found, "down").line_bytes_per_second == 2317901
    with pytest.raises(BadData):
        believed(found, "up")


@pytest.mark.parametrize("answer", [{}, {"download": 5.0}, {"ping": 20.0}, {"error": "Cannot retrieve configuration"}])
@pytest.mark.parametrize("direction", ["down", "up"])
def test_an_answer_without_its_keys_is_no_result(answer: dict[str, object], direction: Direction) -> None:
    with pytest.raises(BadData):
        believed(answer, direction)


@pytest.mark.parametrize("output", [b"", b"ERROR: no servers", b"[1]", b'{"download":"\xff"}', b'{"a":' * 5000])
def test_what_is_no_json_is_no_result(output: bytes) -> None:
    with pytest.raises(BadData):
        printed(output, "down")


@pytest.mark.parametrize("count", [None, -1, 10**400, True, "12"])
def test_bytes_that_it_did_not_count_are_charged_by_rate_and_time(count: object) -> None:
    measured = believed({"download": 8_000_000.0, "ping": 20.0, "bytes_received": count}, "down")
    assert measured.wire_bytes == 10_000_000


def test_without_speedtest_net_it_fails_with_a_reason_and_is_charged_for_all_that_it_may_have_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    begun = time.monotonic()
    result = asyncio.run(measure(Request("", engine="speedtest_cli", max_bytes=5)))
    assert result.failed == {"down": "no_result", "up": "no_result"}
    assert (result.down, result.up) == (None, None)
    assert result.spent_bytes == {"down": 5, "up": 5}
    assert time.monotonic() - begun < LIMIT_SECONDS["speedtest_cli"]
