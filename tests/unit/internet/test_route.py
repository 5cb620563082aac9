"""The default route and its counters, from a tree like /proc and /sys."""

from pathlib import Path

import pytest

from collectors.internet.route import Route, default_route, interface_bytes, system_resolvers

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def line(interface: str, destination: str, gateway: str, flags: str = "0003", metric: int = 100) -> str:
    """As fib_route_seq_show of the kernel prints it, padding included."""
    return f"{interface}\t{destination}\t{gateway}\t{flags}\t0\t0\t{metric}\t00000000\t0\t0\t0" + " " * 20 + "\n"


def proc(directory: Path, *lines: str) -> Path:
    (directory / "net").mkdir()
    (directory / "net/route").write_text(HEAD + "".join(lines))
    return directory


def test_the_gateway_is_read_in_the_machines_byte_order(tmp_path: Path) -> None:
    tree = proc(tmp_path, line("eth0", "0000A8C0", "00000000", "0001"), line("eth0", "00000000", "0101A8C0"))
    assert default_route(tree) == Route("eth0", "192.168.1.1")


def test_of_two_uplinks_the_lowest_metric_wins(tmp_path: Path) -> None:
    tree = proc(
        tmp_path, line("wwan0", "00000000", "0100000A", metric=700), line("eth1", "00000000", "FE01A8C0", metric=20)
    )
    assert default_route(tree) == Route("eth1", "192.168.1.254")
    assert default_route(tree, interface="wwan0") == Route("wwan0", "10.0.0.1")
    assert default_route(tree, interface="eth0") is None


@pytest.mark.parametrize(
    "row",
    [
        line("eth0", "00000000", "0101A8C0", "0002"),  # not up
        line("ppp0", "00000000", "00000000", "0001"),  # no gateway
        line("eth0", "0000A8C0", "0101A8C0"),
        "eth0\t00000000\n",
        "\n",
    ],
)
def test_a_row_that_is_no_default_route_by_a_gateway_is_passed_over(tmp_path: Path, row: str) -> None:
    assert default_route(proc(tmp_path, row)) is None


def test_no_route_and_no_file_are_no_route(tmp_path: Path) -> None:
    assert default_route(tmp_path) is None
    assert default_route(proc(tmp_path)) is None


def test_the_real_tables_can_be_read() -> None:
    route = default_route()
    assert route is None or interface_bytes(route.interface) is not None
    assert interface_bytes("lo") is not None


def counters(directory: Path, received: str, sent: str) -> Path:
    folder = directory / "class/net/eth0/statistics"
    folder.mkdir(parents=True)
    (folder / "rx_bytes").write_text(received)
    (folder / "tx_bytes").write_text(sent)
    return directory


def test_received_comes_before_sent_and_counts_beyond_32_bits(tmp_path: Path) -> None:
    assert interface_bytes("eth0", counters(tmp_path, "98765432109876\n", "12\n")) == (98765432109876, 12)


def test_an_interface_that_is_not_there_has_no_count(tmp_path: Path) -> None:
    assert interface_bytes("eth0", tmp_path) is None
    assert interface_bytes("eth1", counters(tmp_path, "1\n", "2\n")) is None


def test_a_counter_that_is_no_number_is_no_count(tmp_path: Path) -> None:
    assert interface_bytes("eth0", counters(tmp_path, "\n", "2\n")) is None


def test_resolvers_are_the_first_three_name_servers(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# nameserver 9.9.9.9\nsearch lan\nnameserver 192.0.2.1\nnameserver\nnameserver fe80::1%eth0\n"
        "nameserver 192.0.2.2 # second\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
    )
    assert system_resolvers(file) == ("192.0.2.1", "fe80::1%eth0", "192.0.2.2")
    assert system_resolvers(tmp_path / "none") == ()
