"""Who is asked without a word in the configuration, when, and at what cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet import Config, Target, ThroughputConfig
from collectors.internet.targets import COSTS, automatic, month_bytes, next_moment, of_provider, period

OURS = "http://speed.example.org:8080"


def roles(*targets: Target) -> dict[str, str]:
    return {one.name: one.role for one in targets}


def test_the_default_set_covers_the_whole_way() -> None:
    assert roles(*automatic(["59.103.0.2"], OURS, "192.168.1.1")) == {
        "gateway": "lan",
        "resolver-1": "isp",
        "national": "target",
        "cloudflare": "target",
        "google": "target",
        "international": "target",
    }


def test_without_a_far_end_of_ours_there_is_no_national_one() -> None:
    assert "national" not in roles(*automatic([], "", ""))


def test_a_gateway_that_the_provider_owns_is_not_our_network() -> None:
    assert roles(*automatic([], "", "59.103.1.1"))["gateway"] == "access"
    assert roles(*automatic([], "", "100.64.0.1"))["gateway"] == "access"
    assert roles(*automatic([], "", ""))["gateway"] == "lan"


def test_a_resolver_of_the_house_or_of_the_world_says_nothing_of_the_provider() -> None:
    asked = ["192.168.1.1", "127.0.0.53", "1.1.1.1", "8.8.8.8#53", "nonsense", "59.103.0.2#5353", "100.64.0.53"]
    assert [(one.name, one.host, one.port) for one in of_provider(asked)] == [
        ("resolver-1", "59.103.0.2", 53),
        ("resolver-2", "100.64.0.53", 53),
    ]


def test_the_configured_targets_replace_the_default_set() -> None:
    mine = Target("mine", "target", "192.0.2.1")
    assert Config(targets=(mine,)).asked(()) == (mine,)


def test_the_far_end_of_the_throughput_tests_has_the_page_unless_another_is_named() -> None:
    throughput = ThroughputConfig(OURS + "/")
    assert Config(throughput=throughput).page() == OURS + "/generate_204"
    assert Config(throughput=throughput, check_url="http://192.0.2.1/x").page() == "http://192.0.2.1/x"
    assert Config().page() == ""
    assert Config(throughput=ThroughputConfig("", engine="speedtest_cli")).page() == ""


def test_what_is_near_is_asked_twice_as_often_and_a_metered_line_seldom() -> None:
    assert [period(role, 5.0, metered=False) for role in ("lan", "access", "isp", "target")] == [5, 5, 10, 10]
    assert {period(role, 5.0, metered=True) for role in ("lan", "access", "isp", "target")} == {30}


@given(st.floats(0, 1e6), st.sampled_from([0.2, 5.0, 10.0, 30.0]), st.floats(0, 0.999))
def test_a_moment_lies_ahead_by_at_most_a_period_and_keeps_its_phase(now: float, seconds: float, phase: float) -> None:
    at = next_moment(now, seconds, phase)
    assert now < at <= now + 1.002 * seconds
    drift = (at / seconds - phase) % 1
    assert min(drift, 1 - drift) < 1e-4, "also after a stall of any length"


def test_a_month_of_probing_is_counted_in_whole_bytes_both_ways() -> None:
    assert month_bytes([("icmp", 10.0)], resolvers=0, page=False) == 30 * 8640 * 120
    assert month_bytes([], resolvers=1, page=False) == 30 * 2880 * 195
    assert month_bytes([], resolvers=0, page=True) == pytest.approx(30 * 1728 * 880)
    assert COSTS["icmp"].up == 60, "16 bytes of payload, 14 + 20 + 8 of headers, rounded to Ethernet's least"
