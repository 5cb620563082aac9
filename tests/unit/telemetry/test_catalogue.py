"""The vocabulary: complete, spelt alike, and without a place for a person."""

import re

import pytest

from telemetry.catalogue import CATALOGUE, SENSOR_STATUSES, UPS_STATUSES, owned_by
from telemetry.errors import REJECT_REASONS
from telemetry.metric import Metric

# The names that rules, boards and acceptance checks call: the table "Metrics" of the interfaces.
PROMISED = re.split(
    r"\s+",
    """
centre_host_cpu_usage_ratio centre_host_memory_available_bytes centre_host_memory_total_bytes
centre_host_filesystem_free_ratio{mount} centre_host_temperature_celsius{sensor}
centre_host_boot_timestamp_seconds centre_host_clock_synchronised centre_host_clock_offset_seconds

centre_internet_throughput_bytes_per_second{uplink,direction,kind}
centre_internet_contract_bytes_per_second{uplink,direction}
centre_internet_throughput_last_success_timestamp_seconds{uplink} centre_internet_tests_total{uplink,result}
centre_internet_test_bytes_total{uplink,direction,purpose} centre_internet_budget_remaining_bytes{uplink}
centre_internet_probe_rtt_seconds{uplink,target,stat} centre_internet_probe_sent_total{uplink,target}
centre_internet_probe_lost_total{uplink,target} centre_internet_probe_jitter_seconds{uplink,target}
centre_internet_dns_seconds{uplink,resolver} centre_internet_latency_idle_seconds{uplink}
centre_internet_latency_loaded_seconds{uplink,direction} centre_internet_fault{uplink,domain}
centre_internet_wan_bytes_total{uplink,direction} centre_internet_up{uplink}

centre_ups_up{ups} centre_ups_info{ups,vendor,model,serial,firmware,mib} centre_ups_status{ups,status}
centre_ups_battery_charge_ratio{ups} centre_ups_battery_runtime_seconds{ups} centre_ups_battery_voltage_volts{ups}
centre_ups_battery_current_amperes{ups} centre_ups_battery_temperature_celsius{ups} centre_ups_battery_low{ups}
centre_ups_battery_replace{ups} centre_ups_overload{ups} centre_ups_on_battery_seconds{ups}
centre_ups_transfers_total{ups} centre_ups_input_voltage_volts{ups,phase} centre_ups_input_frequency_hertz{ups}
centre_ups_output_voltage_volts{ups,phase} centre_ups_output_load_ratio{ups,phase} centre_ups_output_power_watts{ups}
centre_ups_alarm_active{ups,alarm} centre_ups_values_rejected_total{ups,rule}

centre_seats{space,kind,state} centre_seat_state_seconds_total{space,kind,state} centre_seat_visits_total{space,kind}
centre_space_people{space,kind} centre_space_devices{space,kind,medium} centre_seat_sensors{source,status}
centre_seat_conflicts_total{kind} centre_seat_evidence_age_seconds{space,kind}

centre_agent_build_info{version} centre_agent_collector_up{collector,instance}
centre_agent_collector_last_success_timestamp_seconds{collector,instance}
centre_agent_collector_duration_seconds{collector,instance}
centre_agent_collector_errors_total{collector,instance,reason} centre_agent_outbox_rows centre_agent_outbox_bytes
centre_agent_outbox_oldest_seconds centre_agent_outbox_dropped_batches_total centre_agent_uplink_connected
centre_agent_uplink_refused_total{reason}

centre_online centre_last_seen_timestamp_seconds centre_offline{cause} centre_ingest_samples_total
centre_ingest_rejected_total{reason} centre_ingest_ack_lag_seconds
""".strip(),
)

# Label values that others match on, from the same table.
PROMISED_STATES = [
    ("centre_internet_throughput_bytes_per_second", "kind", {"line", "own"}),
    ("centre_internet_probe_rtt_seconds", "stat", {"p50", "p95", "max"}),
    ("centre_internet_fault", "domain", {"none", "lan", "access", "isp", "dns", "target", "captive"}),
    ("centre_seats", "state", {"occupied", "free", "unknown"}),
    ("centre_seats", "kind", {"cabin", "meeting_room", "training_room", "startup_office"}),
    ("centre_offline", "cause", {"power", "internet", "clean", "unknown"}),
]
FORBIDDEN_LABELS = {"centre", "job", "instance", "person", "member", "user", "mac", "address", "ip", "text"}

every_metric = pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)


@pytest.mark.parametrize("promised", PROMISED)
def test_each_promised_metric_exists_under_its_labels(promised: str) -> None:
    name, _, labels = promised.rstrip("}").partition("{")
    assert sorted(CATALOGUE[name].labels) == sorted(labels.split(",") if labels else [])


@pytest.mark.parametrize(("name", "label", "values"), PROMISED_STATES)
def test_each_promised_label_value_exists(name: str, label: str, values: set[str]) -> None:
    assert set(CATALOGUE[name].states[label]) == values


@every_metric
def test_a_name_begins_with_centre_and_is_lower_case(metric: Metric) -> None:
    assert re.fullmatch(r"centre_[a-z0-9]+(_[a-z0-9]+)*", metric.name)


@every_metric
def test_total_ends_the_name_of_counters_and_of_nothing_else(metric: Metric) -> None:
    assert (metric.kind == "counter") == metric.name.endswith("_total")


@every_metric
def test_no_label_names_a_person_a_machine_or_what_ingest_adds(metric: Metric) -> None:
    allowed_here = {"instance"} if metric.owner == "agent" else set()
    assert not (FORBIDDEN_LABELS - allowed_here) & set(metric.labels)


@every_metric
def test_labels_are_words_that_prometheus_takes_and_does_not_reserve(metric: Metric) -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in metric.labels)
    assert "quantile" not in metric.labels
    assert "le" not in metric.labels
    assert len(set(metric.labels)) == len(metric.labels)


@every_metric
def test_states_belong_to_labels_of_the_metric_and_are_closed_lists_of_words(metric: Metric) -> None:
    assert set(metric.states) <= set(metric.labels)
    for allowed in metric.states.values():
        assert len(set(allowed)) == len(allowed) >= 1
        assert all(re.fullmatch(r"[a-z0-9_]+", one) for one in allowed)


@every_metric
def test_a_unit_in_a_name_is_a_base_unit(metric: Metric) -> None:
    others = r"_(ms|millis\w*|minutes|hours|percent|kb|mb|kilo\w*|bits|mbps|volt|amps?|va|fahrenheit)(_|$)"
    assert re.search(others, metric.name) is None


@every_metric
def test_a_ratio_keeps_at_least_two_decimals_on_the_wire(metric: Metric) -> None:
    assert not metric.name.endswith("_ratio") or metric.scale >= 2


@every_metric
def test_help_is_one_sentence_without_a_full_stop(metric: Metric) -> None:
    assert metric.help
    assert metric.help == metric.help.strip()
    assert not metric.help.endswith(".")
    assert "\n" not in metric.help


@every_metric
def test_every_value_ages(metric: Metric) -> None:
    assert 0 < metric.max_age_seconds <= 7 * 86400


@every_metric
def test_the_subject_is_the_second_word_of_the_name(metric: Metric) -> None:
    heads = {"seats": "centre_(seats?|space)", "ingest": "centre_(ingest|online|offline|last_seen|info)"}
    assert re.match(heads.get(metric.owner, f"centre_{metric.owner}") + "(_|$)", metric.name)


def test_what_rings_a_phone_is_urgent() -> None:
    urgent = {metric.name for metric in CATALOGUE.values() if metric.urgent}
    power = {"centre_ups_up", "centre_ups_status"}
    assert urgent >= {*power, "centre_internet_up", "centre_internet_fault", "centre_seats"}


def test_owners_share_the_whole_catalogue() -> None:
    owned = owned_by("host", "internet", "ups", "mains", "seats", "agent", "ingest", "enrol")
    assert owned == list(CATALOGUE.values())


def test_unknown_is_a_state_where_things_can_be_unknown() -> None:
    assert "other" in UPS_STATUSES
    assert "never_seen" in SENSOR_STATUSES


def test_reasons_of_rejection_are_label_words() -> None:
    assert all(re.fullmatch(r"[a-z]+", reason) for reason in REJECT_REASONS)
    assert len(set(REJECT_REASONS)) == len(REJECT_REASONS)
