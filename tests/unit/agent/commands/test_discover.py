"""discover: cards, daemons and brokers of a network, and a configuration that check-config accepts."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.commands.discover import Found, proposed
from agent.demo import ups
from agent.demo.card import Card


@contextmanager
def serving(card: Card) -> Iterator[int]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def close() -> None:
        card.close()
        await asyncio.sleep(0)

    try:
        yield asyncio.run_coroutine_threadsafe(card.serve(), loop).result(5)
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def test_a_card_is_found_named_and_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proposed.toml"
    with serving(Card(ups.identity() | ups.on_mains())) as port:
        words = ["discover", "--network", "127.0.0.1/32", "--snmp-port", str(port), "--write", str(file)]
        assert main(words) == 0
    assert "127.0.0.1       ups      Simulated Simulated 3 kVA (rfc1628) online" in capsys.readouterr().out
    assert 'host = "127.0.0.1"' in file.read_text()
    assert main(["check-config", str(file)]) == 0


def test_what_answers_and_is_no_ups_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Card({"1.3.6.1.2.1.1.2.0": ".1.3.6.1.4.1.9.1.1"})) as port:
        assert main(["discover", "--network", "127.0.0.1/32", "--snmp-port", str(port)]) == 0
    assert "is no UPS that we know" in capsys.readouterr().out


@pytest.mark.parametrize("network", ["10.0.0.0/8", "nonsense"])
def test_a_network_that_is_none_or_too_large_is_refused(network: str) -> None:
    assert main(["discover", "--network", network]) == 2


def test_daemons_are_proposed_with_their_protocol() -> None:
    text = proposed([Found("192.0.2.1", "nut"), Found("192.0.2.2", "apcupsd"), Found("192.0.2.3", "mqtt")])
    assert 'protocol = "nut"' in text
    assert 'protocol = "apcupsd"' in text
    assert '# host = "192.0.2.3"' in text
