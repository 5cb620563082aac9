"""The boards are what their modules make, say everything in words, and ask only for what exists."""

import copy
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.central.grafana.boards.centre import INTERNET, OFFLINE, POWER
from deploy.central.grafana.boards.fleet import STATES
from deploy.central.grafana.boards.lint import faults
from deploy.central.grafana.boards.queries import queries, substituted
from stage import parts
from telemetry.catalogue import CATALOGUE, FAULT_DOMAINS, OFFLINE_CAUSES, UPS_STATUSES
from tests.deploy.shipped import CENTRAL, ROOT, names_in, recorded

Json = dict[str, Any]
BOARDS: list[Json] = [
    json.loads(file.read_text(encoding="utf-8")) for file in sorted((CENTRAL / "grafana/dashboards").glob("*.json"))
]
UIDS = {board["uid"] for board in BOARDS}
each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])


def test_the_committed_boards_are_what_the_modules_make(tmp_path: Path) -> None:
    words = [sys.executable, str(CENTRAL / "grafana/boards/generate.py"), "--check"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


def test_there_is_a_board_for_all_centres_and_one_for_each() -> None:
    assert {"erz-fleet", "erz-centre"} == UIDS


@each_board
def test_a_board_has_no_fault(board: Json) -> None:
    assert faults(board, UIDS) == []


def _first(board: Json, kind: str) -> Json:
    found: Json = next(panel for panel in board["panels"] if panel["type"] == kind)
    return found


MISTAKES: dict[str, Callable[[Json], object]] = {
    "panel ids": lambda board: board["panels"][3].update(id=0),
    "overlap": lambda board: board["panels"][3]["gridPos"].update(x=0, y=0),
    "leaves the grid": lambda board: board["panels"][3]["gridPos"].update(x=22),
    "are called": lambda board: board["panels"][3].update(title=board["panels"][4]["title"]),
    "no datasource variable": lambda board: board["templating"]["list"].pop(0),
    "which is no board": lambda board: board["links"][0].update(url="/d/erz-nowhere"),
    "placement": lambda board: board["links"][0].update(placement="inControlsMenu"),
    "unknown variable": lambda board: _first(board, "stat")["targets"][0].update(expr="x{a='$nobody'}"),
    "no description": lambda board: _first(board, "stat").update(description=""),
    "no unit": lambda board: _first(board, "stat")["fieldConfig"]["defaults"].pop("unit"),
    "nothing to say": lambda board: _first(board, "stat")["fieldConfig"]["defaults"].pop("noValue"),
    "colours without words": lambda board: _first(board, "bargauge").update(description="Only the colour says it."),
    "refIds": lambda board: _first(board, "timeseries")["targets"].append(_first(board, "timeseries")["targets"][0]),
    "datasource": lambda board: _first(board, "stat")["targets"][0].update(datasource={"type": "loki", "uid": "x"}),
    "rate()": lambda board: _first(board, "timeseries")["targets"][0].update(expr="sum(rate(x_total{a='b'}[5m]))"),
}


@pytest.mark.parametrize("fault", MISTAKES)
def test_the_lint_finds_a_planted_mistake(fault: str) -> None:
    board = copy.deepcopy(BOARDS[0])
    MISTAKES[fault](board)
    assert any(fault in sentence for sentence in faults(board, UIDS))


@each_board
def test_a_board_comes_through_the_sdks_model_unchanged(board: Json) -> None:
    again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    for link in again["links"]:
        link.pop("placement")
    assert again == board


@each_board
def test_a_board_asks_for_names_of_the_catalogue_and_recorded_series_only(board: Json) -> None:
    used = set().union(*(names_in(one.expr) for one in queries(board, centre="PK-PB-00001")))
    assert used - set(CATALOGUE) - recorded() == set()


def test_the_fleet_board_sums_no_raw_readings_of_all_centres() -> None:
    (board,) = (board for board in BOARDS if board["uid"] == "erz-fleet")
    raw = set().union(*(names_in(one.expr) for one in queries(board))) - recorded()
    per_centre = {"centre_last_seen_timestamp_seconds", "centre_ups_battery_runtime_seconds"}
    assert raw == per_centre | {one for one in CATALOGUE if one.startswith("centre_ingest_")}
    assert all("on (centre) centre:state > 1" in one.expr for one in queries(board) if names_in(one.expr) & per_centre)


def test_every_state_has_a_word() -> None:
    assert set(POWER) == set(UPS_STATUSES)
    assert set(INTERNET) == set(FAULT_DOMAINS)
    assert set(OFFLINE) == set(OFFLINE_CAUSES)
    codes = [word.code for words in (POWER, INTERNET, OFFLINE) for word in words.values()]
    assert len(set(codes)) == len(codes)


def test_the_words_of_the_table_are_those_of_the_rule() -> None:
    text = (CENTRAL / "prometheus/rules/recording.yml").read_text(encoding="utf-8")
    (said,) = re.findall(r"# By urgency: (.*)\.", text)
    assert said == ", ".join(f"{word.code} {word.text}" for word in STATES)


def test_variables_are_substituted_in_every_spelling_and_unknown_ones_are_refused() -> None:
    values = {"centre": "PK-PB-00001", "__rate_interval": "2m"}
    assert substituted('rate(x{c="$centre"}[$__rate_interval])', values) == 'rate(x{c="PK-PB-00001"}[2m])'
    assert substituted("${centre} ${centre:raw}", values) == "PK-PB-00001 PK-PB-00001"
    with pytest.raises(KeyError, match="center"):
        substituted("$center", values)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    part, url = parts.prometheus(tmp_path_factory.mktemp("store"))
    with part:
        yield url


@each_board
def test_prometheus_understands_every_query(board: Json, store: str) -> None:
    found = queries(board, centre="PK-PB-00001")
    assert len(found) > 20
    for one in found:
        with urllib.request.urlopen(f"{store}/api/v1/query?query={urllib.parse.quote(one.expr)}", timeout=10) as answer:
            assert json.load(answer)["status"] == "success", one


def test_grafana_finds_the_store_and_the_boards_where_compose_puts_them() -> None:
    provisioning = CENTRAL / "grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/store.yml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/boards.yml").read_text(encoding="utf-8"))["providers"]
    volumes = yaml.safe_load((CENTRAL / "compose.yaml").read_text(encoding="utf-8"))["services"]["grafana"]["volumes"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in volumes
    assert (ROOT / "deploy/central/grafana/dashboards").is_dir()
