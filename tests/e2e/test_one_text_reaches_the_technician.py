"""All the way: card -> agent -> broker -> ingest -> Prometheus rule -> Alertmanager -> notifier -> SMS gateway."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from agent.demo import ups
from stage import parts
from stage.process import Part, free_port, listens
from tests.e2e.chain import wait_until
from tests.e2e.devices import CardThread, SmsGateway

DARK, SILENT = "PK-PB-00042", "PK-SD-00007"
DARK_NUMBER, SILENT_NUMBER = "+923001234567", "+923007654321"
TEXT_SECONDS = 300
CSV = f"""id,name,province,district,isp,feeder,contract_down_mbps,contract_up_mbps,opening_hours,technicians
{DARK},e-Rozgar Multan,Punjab,Multan,PTCL,MUL-3,20,5,09:00-21:00,"Amna Khan|en|sms:{DARK_NUMBER}"
{SILENT},e-Rozgar Sukkur,Sindh,Sukkur,Nayatel,SUK-1,50,10,09:00-21:00,"Bilal Shah|roman-ur|sms:{SILENT_NUMBER}"
"""


class Stage:
    """Two centres and everything behind them."""

    def __init__(self, directory: Path, card: CardThread, gateway: SmsGateway) -> None:
        token = directory / "token"
        token.write_text("a-secret-of-this-test\n")
        self.broker, broker_port = parts.broker(directory / "broker")
        notify_port = free_port()
        alertmanager, am_port = parts.alertmanager(directory / "am", f"http://127.0.0.1:{notify_port}/alerts", token)
        rules = sorted(parts.RULES.glob("*.yml"))
        store, url = parts.prometheus(directory / "store", rules=rules, alertmanager_port=am_port, evaluation="2s")
        config = directory / "central.toml"
        config.write_text(
            f"[broker]\nport = {broker_port}\ntls = false\n"
            f'[store]\nurl = "{url}"\nhold_seconds = 3\n'
            f'[database]\nurl = "sqlite:///{directory}/central.sqlite"\n'
            f'[ingest]\nquarantine_directory = "{directory}/q"\n'
            f'[notify]\nport = {notify_port}\ntoken_file = "{token}"\nretry_seconds = 1\n'
            f'[notify.sms]\nurl = "http://127.0.0.1:{gateway.port}/send?to={{number}}&text={{text}}"\n'
        )
        (directory / "centres.csv").write_text(CSV)
        words = ["central", "centres", "import", str(directory / "centres.csv"), "--config", str(config)]
        importing = parts.python("import", directory / "import", words)
        self.agents = [self._agent(directory, centre, broker_port, card.port) for centre in (DARK, SILENT)]
        self.directory = directory
        self._importing = importing
        self._parts = [
            self.broker,
            store,
            alertmanager,
            parts.python(
                "notify", directory / "notify", ["central", "notify", "--config", str(config)], listens(notify_port)
            ),
            parts.python("ingest", directory / "ingest", ["central", "ingest", "--config", str(config)]),
            *self.agents,
        ]

    @staticmethod
    def _agent(directory: Path, centre: str, broker_port: int, card_port: int) -> Part:
        file = directory / f"{centre}.toml"
        section = f'[[collect.ups]]\nname = "rack"\nhost = "127.0.0.1"\nport = {card_port}\ninterval_seconds = 2\n'
        file.write_text(
            f'centre = "{centre}"\nstate_directory = "{directory}/{centre}"\n[listen]\nport = {free_port()}\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {broker_port}\ntls = false\nbatch_seconds = 10\n'
            "connect_spread_seconds = 0\nwill_delay_seconds = 2\n[collect.host]\n" + (section if centre == DARK else "")
        )
        return parts.python(f"agent-{centre}", directory / f"agent-{centre}", ["agent", "run", "--config", str(file)])

    def __enter__(self) -> Self:
        self._importing.start()
        assert self._importing.process is not None
        assert self._importing.process.wait(30) == 0, self._importing.log.read_text()
        for part in self._parts:
            part.start()
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self._parts):
            part.stop()


@pytest.fixture
def card() -> Iterator[CardThread]:
    card = CardThread(ups.identity() | ups.on_mains())
    yield card
    card.close()


@pytest.fixture
def gateway() -> Iterator[SmsGateway]:
    gateway = SmsGateway(failures=1)
    yield gateway
    gateway.close()


def test_a_mains_cut_and_a_silent_centre_give_one_text_each(
    tmp_path: Path, card: CardThread, gateway: SmsGateway
) -> None:
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(tmp_path, card, gateway))
        time.sleep(15)  # both centres have been seen well
        assert gateway.texts == [], "a text without a fault"
        cut = time.monotonic()
        card.update(ups.on_battery(1))
        stage.agents[1].kill()
        wait_until(lambda: DARK_NUMBER in dict(gateway.texts), TEXT_SECONDS, "no text about the mains cut")
        print(f"mains cut to text: {time.monotonic() - cut:.1f} s")
        wait_until(lambda: SILENT_NUMBER in dict(gateway.texts), TEXT_SECONDS, "no text about the silent centre")
        print(f"silence to text: {time.monotonic() - cut:.1f} s")
        time.sleep(20)  # nothing more may come
    texts = dict(gateway.texts)
    assert len(gateway.texts) == 2, gateway.texts
    assert gateway.refused == 1, "the gateway's first refusal was not retried"
    assert "e-Rozgar Multan (PK-PB-00042): mains power is off" in texts[DARK_NUMBER]
    assert "Check the breaker" in texts[DARK_NUMBER]
    assert "e-Rozgar Sukkur (PK-SD-00007)" in texts[SILENT_NUMBER]
    assert "Centre ko call karein" in texts[SILENT_NUMBER]
    assert_nothing_personal_in_the_store_or_the_logs(tmp_path)


def assert_nothing_personal_in_the_store_or_the_logs(directory: Path) -> None:
    """Names and numbers live in the database alone."""
    for file in directory.rglob("*.log"):
        text = file.read_text(errors="replace")
        for word in (DARK_NUMBER, SILENT_NUMBER, "Amna", "Bilal"):
            assert word not in text, file
