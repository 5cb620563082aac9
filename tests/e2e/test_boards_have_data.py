"""Every query of every board and rule, run against a real Prometheus that the simulator has filled. Empty fails."""

import importlib.util
import json
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from central.simulate.service import write_registry
from stage import parts
from stage.parts import ROOT
from tests.e2e.chain import wait_until

CENTRES = 24
FAULTS = """
[[fault]]
kind = "mains_cut"
share = 0.2
[[fault]]
kind = "offline"
centre = "{offline}"
start_seconds = 20
[[fault]]
kind = "internet_down"
share = 0.15
[[fault]]
kind = "slow_line"
share = 0.2
[[fault]]
kind = "ups_silent"
share = 0.2
[[fault]]
kind = "replace_battery"
share = 0.25
[[fault]]
kind = "battery_worn"
share = 0.25
[[fault]]
kind = "overload"
share = 0.25
[[fault]]
kind = "seats_unknown"
share = 0.2
"""
BOARDS = ROOT / "deploy/central/grafana/dashboards"


def _queries_module() -> Any:
    folder = ROOT / "deploy/central/grafana/boards"
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("board_queries", folder / "queries.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hurried(file: Path, directory: Path) -> Path:
    """The shipped rules, but what is recorded each half hour is recorded each 5 s."""
    copy = directory / file.name
    copy.write_text(file.read_text(encoding="utf-8").replace("interval: 30m", "interval: 5s"), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Past of half an hour, then two minutes of life with a fault of each kind; its URL."""
    directory = tmp_path_factory.mktemp("boards")
    broker, broker_port = parts.broker(directory / "broker")
    rules = [hurried(file, directory) for file in sorted(parts.RULES.glob("*.yml"))]
    store, url = parts.prometheus(directory / "store", rules=rules, evaluation="3s")
    config = directory / "central.toml"
    config.write_text(
        f'[broker]\nport = {broker_port}\ntls = false\n[store]\nurl = "{url}"\nhold_seconds = 3\n'
        f'[database]\nurl = "sqlite:///{directory}/central.sqlite"\n[ingest]\nquarantine_directory = "{directory}/q"\n'
    )
    from central.simulate.centre import make_centre

    (directory / "faults.toml").write_text(FAULTS.replace("{offline}", make_centre(3, 1).id))
    write_registry(directory / "centres.csv", CENTRES, 1)
    words = ["central", "centres", "import", str(directory / "centres.csv"), "--config", str(config)]
    with broker, store:
        importing = parts.python("import", directory / "import", words).start()
        assert importing.process is not None
        assert importing.process.wait(30) == 0
        with parts.python("ingest", directory / "ingest", ["central", "ingest", "--config", str(config)]):
            wait_until(lambda: bool(ask(url, 'centre_info{centre!=""}')), 30, "the registry never came")
            simulation = [
                "central", "simulate", "--centres", str(CENTRES), "--broker", f"127.0.0.1:{broker_port}",
                "--interval", "15", "--history", "1800", "--faults", str(directory / "faults.toml"),
            ]  # fmt: skip
            with parts.python("simulate", directory / "simulate", simulation):
                wait_until(lambda: bool(ask(url, "centre_offline")), 120, "nobody went offline")
                wait_until(lambda: bool(ask(url, "ALERTS")), 60, "no rule fired")
                for slow in ("fleet:internet_speed_ratio:median", "centre:seats_unknown:ratio"):  # once a minute
                    wait_until(lambda name=slow: bool(ask(url, name)), 90, f"{slow} was never recorded")
                yield url


def ask(url: str, expression: str) -> list[Any]:
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=30) as answer:
        body = json.load(answer)
    found = body["data"]["result"]
    return [found] if body["data"]["resultType"] == "scalar" else list(found)


def test_every_query_of_every_board_has_an_answer(prometheus: str) -> None:
    queries = _queries_module().queries
    centre = ask(
        prometheus,
        "centre_online == 1 unless on (centre) (centre_ups_up == 0) unless on (centre) (centre_internet_up == 0)",
    )[0]["metric"]["centre"]
    asked, empty = 0, []
    for file in sorted(BOARDS.glob("*.json")):
        for board, panel, expression in queries(json.loads(file.read_text()), centre=centre):
            asked += 1
            if not ask(prometheus, expression):
                empty.append(f"{board}: {panel}: {expression}")
    assert asked > 20
    assert empty == []
    print(f"{asked} board queries, all with an answer")


def test_every_rule_can_be_evaluated_and_its_series_exist(prometheus: str) -> None:
    """A recording must have a result. An alert's condition may be false, but each of its series must exist."""
    groups = [group for file in parts.RULES.glob("*.yml") for group in yaml.safe_load(file.read_text())["groups"]]
    rules = [rule for group in groups for rule in group["rules"]]
    empty = [rule["record"] for rule in rules if "record" in rule and not ask(prometheus, rule["expr"])]
    assert empty == []
    silent = [rule["alert"] for rule in rules if "alert" in rule and not ask(prometheus, rule["expr"])]
    no_cause = {"IngestDown", "InternetSlow", "CertificateEnds", "RevocationListEnds", "GatewayTwice"}
    assert set(silent) <= no_cause, "a fault of each kind is on, so each other alert has its cause"


def test_a_replaced_rule_fails_here(prometheus: str) -> None:
    assert ask(prometheus, "centre_no_such_metric") == []
