"""The whole way over mutual TLS and the shipped ACL: a certificate each, nothing shared."""

from pathlib import Path

from stage import parts
from stage.process import free_port
from tests.deploy.test_broker import ONE, Broker
from tests.e2e.chain import wait_until
from tests.e2e.test_boards_have_data import ask


def test_readings_travel_over_mutual_tls_and_are_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    broker = Broker(tmp_path / "broker")
    store, url = parts.prometheus(tmp_path / "store")
    web, tls = free_port(), tmp_path / "broker"
    common = f'host = "127.0.0.1"\nport = {broker.port}\nca_file = "{tls}/ca.crt"\n'
    central = tmp_path / "central.toml"
    central.write_text(
        f'[broker]\n{common}cert_file = "{tls}/ingest.crt"\nkey_file = "{tls}/ingest.key"\n'
        f'[store]\nurl = "{url}"\nhold_seconds = 2\n[database]\nurl = "sqlite:///{tmp_path}/c.sqlite"\n'
        f'[ingest]\nquarantine_directory = "{tmp_path}/q"\n'
    )
    agent = tmp_path / "agent.toml"
    agent.write_text(
        f'centre = "{ONE}"\nstate_directory = "{tmp_path}/state"\n[listen]\nport = {web}\n'
        f'[uplink]\n{common}cert_file = "{tls}/{ONE}.crt"\nkey_file = "{tls}/{ONE}.key"\n'
        "batch_seconds = 2\nresend_seconds = 10\nconnect_spread_seconds = 0\n[collect.host]\ninterval_seconds = 1\n"
    )
    with (
        broker.part,
        store,
        parts.python("ingest", tmp_path / "ingest", ["central", "ingest", "--config", str(central)]),
        parts.python("agent", tmp_path / "agent", ["agent", "run", "--config", str(agent)]),
    ):
        own = f'{{centre="{ONE}"}}'
        wait_until(lambda: bool(ask(url, f"centre_host_cpu_usage_ratio{own}")), 40, "nothing arrived")
        wait_until(lambda: bool(ask(url, "centre_ingest_ack_lag_seconds")), 40, "nothing was acknowledged")
        wait_until(
            lambda: float(ask(url, f"centre_agent_outbox_rows{own}")[0]["value"][1]) <= 4, 60, "rows were not deleted"
        )
        assert ask(url, f"centre_online{own}")[0]["value"][1] == "1"
