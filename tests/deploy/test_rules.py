"""The rules say what they should, and Prometheus and Alertmanager take them as they are shipped."""

import pytest
import yaml

from telemetry.catalogue import CATALOGUE
from tests.deploy.shipped import CENTRAL, RULE_FILES, alerts, names_in, recorded, rules, run

CENTRE_ALERTS = set(alerts()) - {"IngestDown", "RevocationListEnds"}
REMOVED_WHEN_OFFLINE = CENTRE_ALERTS - {"CentreOffline", "GatewayTwice"}


def test_prometheus_takes_the_configuration() -> None:
    done = run("promtool", "prometheus", "check", "config", CENTRAL / "prometheus/prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


def test_prometheus_takes_the_rules_without_a_remark() -> None:
    done = run("promtool", "prometheus", "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", sorted((CENTRAL / "prometheus/tests").glob("*.yml")), ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_not_in_the_neighbouring_case(file: object) -> None:
    done = run("promtool", "prometheus", "test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in (CENTRAL / "prometheus/tests").glob("*.yml")]
    cases = [case for file in files for test in file["tests"] for case in test.get("alert_rule_test", [])]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == set(alerts())
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == set(alerts())


def test_there_are_few_enough_alerts_to_know_by_heart() -> None:
    assert len(alerts()) <= 16


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_says_how_urgent_it_is_what_about_and_what_to_do(name: str) -> None:
    alert = alerts()[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "ticket"}
    assert alert["labels"]["topic"] in {"power", "internet", "seats", "monitoring", "reach"}
    assert alert["annotations"]["action"]
    if name in CENTRE_ALERTS:
        assert "{{ $labels.centre }}" in alert["annotations"]["summary"]


@pytest.mark.parametrize("name", sorted(REMOVED_WHEN_OFFLINE))
def test_offline_removes_a_centres_other_alerts_and_old_data_count_for_nothing(name: str) -> None:
    expr = alerts()[name]["expr"]
    assert "unless on (centre) centre_offline" in expr
    assert "> time() - 600" in expr or "time() - centre_last_seen_timestamp_seconds < 600" in expr


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_does_not_need_the_registry(name: str) -> None:
    assert not names_in(alerts()[name]["expr"]) & {"centre_info", "centre:place"}


def test_rules_use_names_of_the_catalogue_and_recorded_series_only() -> None:
    used = set().union(*(names_in(rule["expr"]) for rule in rules()))
    assert used - set(CATALOGUE) - recorded() == set()
    assert len(used) > 15


def test_the_reader_of_names_finds_names_and_nothing_else() -> None:
    expr = 'sum by (a) (rate(x_total{c="d"}[5m])) / on (a) group_left (e) (y:z > bool 1) unless absent(w offset 1m) # v'
    assert names_in(expr) == {"x_total", "y:z", "w"}


def test_alertmanager_takes_the_configuration() -> None:
    done = run("amtool", "prometheus-alertmanager", "check-config", CENTRAL / "alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_go_to_the_notifier_by_centre_and_topic_and_ends_are_told() -> None:
    config = yaml.safe_load((CENTRAL / "alertmanager.yml").read_text(encoding="utf-8"))
    (receiver,) = config["receivers"]
    (webhook,) = receiver["webhook_configs"]
    assert config["route"]["receiver"] == receiver["name"]
    assert config["route"]["group_by"] == ["centre", "topic"]
    assert webhook["url"] == "http://127.0.0.1:9812/alerts"
    assert webhook["send_resolved"] is True
    assert webhook["http_config"]["authorization"]["credentials_file"] == "/etc/centre-monitor/notify.token"


def test_ingest_down_silences_offline_centres_and_nothing_else() -> None:
    config = yaml.safe_load((CENTRAL / "alertmanager.yml").read_text(encoding="utf-8"))
    (rule,) = config["inhibit_rules"]
    assert rule == {"source_matchers": ['alertname="IngestDown"'], "target_matchers": ['alertname="CentreOffline"']}
