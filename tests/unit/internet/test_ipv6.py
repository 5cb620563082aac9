"""The questions of the probes over IPv6, against real servers on loopback, and what may stand for an address."""

import asyncio
import errno
import socket
from pathlib import Path

import pytest

from collectors.internet import Config, Target, ThroughputConfig
from collectors.internet.asker import Asker
from collectors.internet.engines.connect import connect as open_flows
from collectors.internet.engines.counter import Counter
from collectors.internet.route import Route, default_route, system_resolvers
from collectors.internet.targets import automatic, of_provider
from collectors.probes import connect, generate_204, resolve
from collectors.via import address_of, in_figures, leave_by, with_a_way
from stage.process import free_port
from tests.unit.internet import servers

ANYWHERE = "0" * 32
LINK_LOCAL, GLOBAL = "fe800000000000000000000000000001", "20010db8000000000000000000000001"


@pytest.mark.parametrize("interface", ["", "lo"])
def test_each_question_is_asked_over_ipv6_as_over_ipv4(interface: str) -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).strip():
            heads.append(line)
        writer.write(servers.NO_CONTENT)
        writer.close()

    async def story() -> tuple[object, ...]:
        async with servers.listening(talk, host="::1") as port, servers.names(host="::1") as dns:
            return (
                await connect("::1", port, interface),
                await resolve(f"::1#{dns}", "example.com", interface),
                await generate_204("::1", port, "/generate_204", interface),
            )

    tcp, dns, (page, took) = asyncio.run(story())
    assert tcp is not None
    assert dns is not None
    assert (page, took is not None) == ("ok", True)
    assert b"Host: [::1]" in heads


def test_a_refusal_over_ipv6_is_an_answer_of_the_machine() -> None:
    assert asyncio.run(connect("::1", free_port())) is not None


@pytest.mark.parametrize("interface", ["", "lo"])
def test_a_name_of_both_families_is_reached_by_the_one_that_answers(interface: str, hosts: None) -> None:
    async def story() -> list[str]:
        found = []
        for host in ("::1", "127.0.0.1"):
            async with servers.listening(servers.saying(servers.NO_CONTENT), host=host) as port:
                found.append((await generate_204("both.invalid", port, "/", interface))[0])
        return found

    assert asyncio.run(story()) == ["ok", "ok"]


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """both.invalid is ::1 and 127.0.0.1, in this order, as a name server would say it."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: int, **named: int) -> list[object]:
        wanted = ("::1", "127.0.0.1") if host == "both.invalid" else (host,)
        return [row for one in wanted for row in real(one, port, *args, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_flows_of_a_test_take_the_next_address_where_the_first_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        flows, _ = open_flows(["::1", "127.0.0.1"], server.getsockname()[1], 2, "down", "lo")
        assert {flow.family for flow in flows} == {socket.AF_INET}
        for flow in flows:
            flow.close()


def test_of_several_addresses_those_without_a_way_are_left_out_unless_none_has_one() -> None:
    assert with_a_way(["127.0.0.1", "::1"], "lo") == ["127.0.0.1", "::1"]
    assert with_a_way(["127.0.0.1", "no figures"], "lo") == ["127.0.0.1"]
    assert with_a_way(["127.0.0.1", "::1"], "none-such") == ["127.0.0.1", "::1"]


def test_a_link_local_address_keeps_its_scope() -> None:
    assert in_figures("fe80::1%lo", 80) == ("fe80::1", 80, 0, socket.if_nametoindex("lo"))
    assert in_figures("127.0.0.1", 80) == ("127.0.0.1", 80)
    with pytest.raises(OSError, match=r"."):
        in_figures("example.com", 80)


def test_an_interface_has_an_address_of_each_family_or_says_that_it_has_none() -> None:
    assert address_of("lo") == "127.0.0.1"
    assert address_of("lo", socket.AF_INET6) == "::1"
    with pytest.raises(OSError, match=r".") as none:
        address_of("none-such", socket.AF_INET6)
    assert none.value.errno == errno.EADDRNOTAVAIL


def test_a_socket_of_ipv6_leaves_by_its_interface() -> None:
    with socket.socket(socket.AF_INET6) as sock:
        leave_by(sock, "lo")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


def row(
    gateway: str, interface: str, *, flags: str = "00000003", metric: str = "00000400", anywhere: str = "00"
) -> str:
    """As the kernel prints one of /proc/net/ipv6_route."""
    return f"{ANYWHERE} {anywhere} {ANYWHERE} 00 {gateway} {metric} 00000001 00000000 {flags} {interface:>8}\n"


def proc(directory: Path, *rows: str) -> Path:
    (directory / "net").mkdir()
    (directory / "net/ipv6_route").write_text("".join(rows))
    return directory


def test_without_ipv4_the_default_route_is_that_of_ipv6(tmp_path: Path) -> None:
    tree = proc(
        tmp_path,
        row(ANYWHERE, "lo", flags="00200200", metric="ffffffff"),  # unreachable default, as every table has it
        row(LINK_LOCAL, "wwan0", metric="00000800"),
        row(GLOBAL, "eth0"),
        row(GLOBAL, "eth1", anywhere="40"),
    )
    assert default_route(tree) == Route("eth0", "2001:db8::1")
    assert default_route(tree, interface="wwan0") == Route("wwan0", "fe80::1%wwan0")
    assert default_route(tree, interface="eth1") is None
    (tree / "net/route").write_text("head\nppp0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0\n")
    assert default_route(tree) == Route("ppp0", "192.168.1.1")


def test_name_servers_of_both_families_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 2001:db8::53\nnameserver 192.0.2.1\nnameserver not.an.address\n")
    assert system_resolvers(file) == ("2001:db8::53", "192.0.2.1")
    asked = ["2401:1d00::53#53", "2001:4860:4860::8888", "fd00::1", "fe80::1%eth0"]
    assert [(one.host, one.role) for one in of_provider(asked)] == [("2401:1d00::53", "isp")]


def test_a_line_without_ipv4_is_asked_over_ipv6(tmp_path: Path) -> None:
    targets = {one.name: one.host for one in automatic([], "http://[2401:1d00::7]:8080", "fe80::1%eth0")}
    assert targets["national"] == "2401:1d00::7"
    assert all(":" in targets[name] for name in ("cloudflare", "google", "international"))
    assert next(one.role for one in automatic([], "", "fe80::1%eth0") if one.name == "gateway") == "lan"


def test_a_probe_of_ipv6_is_paid_with_its_longer_headers() -> None:
    async def story(host: str) -> tuple[int, int]:
        asker = Asker(Target("mine", "target", host, free_port()), "", icmp=False)
        assert await asker.ask() is not None
        return asker.cost.up, asker.cost.down

    assert asyncio.run(story("127.0.0.1")) == (272, 206)
    assert asyncio.run(story("::1")) == (272 + 4 * 20, 206 + 4 * 20)


def test_addresses_of_ipv6_may_stand_in_the_configuration() -> None:
    throughput = ThroughputConfig("http://[2001:db8::7]")
    target = Target("mine", "target", "2001:db8::1")
    config = Config(resolvers=("2001:db8::53#5353",), targets=(target,), throughput=throughput)
    assert config.page() == "http://[2001:db8::7]/generate_204"
    for wrong in ("2001:db8::53#0", "2001:db8::53#x", "2001:db8::53#", "2001:db8", "name.example.org"):
        with pytest.raises(ValueError, match="resolvers"):
            Config(resolvers=(wrong,))


def test_the_counter_of_an_interface_leaves_out_the_longer_headers(tmp_path: Path) -> None:
    folder = tmp_path / "class/net/wan0"
    (folder / "statistics").mkdir(parents=True)
    (folder / "type").write_text("1\n")
    for what in ("bytes", "packets"):
        (folder / f"statistics/rx_{what}").write_text("0\n")
    counter = Counter("wan0", "down", tmp_path, family=socket.AF_INET6)
    (folder / "statistics/rx_bytes").write_text(f"{10 * 1514}\n")
    (folder / "statistics/rx_packets").write_text("10\n")
    assert counter.payload() == 10 * 1428
    counter.close()
