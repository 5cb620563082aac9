"""Every metric, spelt once: /metrics, MQTT, ingest, boards, rules and docs all come from here.

Names: prefix `centre_`, base units, ratio 0-1, `_total` on counters, a state is one series per
state valued 0 or 1. The label `centre` is added by ingest or by the scrape, never by the agent.
No label ever holds a person, a MAC, an address or a free text.
"""

from collections.abc import Mapping

from telemetry.metric import DAY, HOUR, MINUTE, Metric, Owner

CATALOGUE: dict[str, Metric] = {}
_MAX_AGE: dict[Owner, float] = {
    "host": MINUTE, "internet": 3 * MINUTE, "ups": MINUTE, "mains": MINUTE, "seats": 2 * MINUTE, "agent": MINUTE,
    "ingest": 5 * MINUTE, "enrol": 5 * MINUTE,
}  # fmt: skip


def _metric(
    name: str,
    owner: Owner,
    text: str,
    labels: str = "",
    scale: int = 0,
    *,
    states: Mapping[str, tuple[str, ...]] | None = None,
    max_age: float | None = None,
    urgent: bool = False,
) -> Metric:
    metric = Metric(
        name=name,
        owner=owner,
        help=text,
        labels=tuple(labels.split()),
        scale=scale,
        kind="counter" if name.endswith("_total") else "gauge",
        states=dict(states or {}),
        max_age_seconds=_MAX_AGE[owner] if max_age is None else max_age,
        urgent=urgent,
    )
    if name in CATALOGUE:
        raise ValueError(f"{name} is spelt twice")
    CATALOGUE[name] = metric
    return metric


DIRECTIONS = ("down", "up")
FAULT_DOMAINS = ("none", "lan", "access", "isp", "dns", "target", "captive")
UPS_STATUSES = (
    "online", "on_battery", "bypass", "boost", "trim", "eco", "standby", "off", "test", "other",
)  # fmt: skip
PHASES = ("1", "2", "3")
SEAT_KINDS = ("cabin", "meeting_room", "training_room", "startup_office")
SEAT_STATES = ("occupied", "free", "unknown")
SENSOR_STATUSES = ("ok", "stale", "offline", "low_battery", "stuck", "never_seen")
SEAT_SOURCES = ("mqtt", "checkins")
TEST_RESULTS = (
    "converged", "sufficient", "cap", "time", "failed", "discarded", "postponed_budget", "postponed_busy",
    "skipped_passive_ok",
)  # fmt: skip
LOSS_REASONS = ("age", "thinned", "full", "disk", "damaged", "undatable")
OFFLINE_CAUSES = ("power", "internet", "clean", "unknown")

# A table: one metric, one line or two.
# fmt: off
# ── host ───────────────────────────────────────────────────────────────────────────────────────
HOST_CPU = _metric("centre_host_cpu_usage_ratio", "host", "Share of processor time not idle since the last reading",
    scale=3)
HOST_MEMORY_AVAILABLE = _metric("centre_host_memory_available_bytes", "host", "Memory that programs can still get",
    scale=-6)
HOST_MEMORY_TOTAL = _metric("centre_host_memory_total_bytes", "host", "Memory of the gateway")
HOST_FILESYSTEM_FREE = _metric("centre_host_filesystem_free_ratio", "host",
    "Free share of a file system, as an unprivileged program sees it", "mount", 3)
HOST_TEMPERATURE = _metric("centre_host_temperature_celsius", "host", "Temperature of the gateway", "sensor", 1)
HOST_BOOT = _metric("centre_host_boot_timestamp_seconds", "host", "When the gateway was started, Unix time")
HOST_CLOCK_SYNCHRONISED = _metric("centre_host_clock_synchronised", "host",
    "1 while the kernel's clock is disciplined by time synchronisation")
HOST_CLOCK_OFFSET = _metric("centre_host_clock_offset_seconds", "host",
    "Remaining offset of the kernel's clock discipline", scale=4)

# ── internet ───────────────────────────────────────────────────────────────────────────────────
_UP_DOWN = {"direction": DIRECTIONS}
NET_THROUGHPUT = _metric("centre_internet_throughput_bytes_per_second", "internet",
    "Last measured throughput: of the line, and of our own share of it", "uplink direction kind", -2,
    states={**_UP_DOWN, "kind": ("line", "own")}, max_age=26 * HOUR)
NET_CAPPED = _metric("centre_internet_throughput_capped", "internet",
    "1 when the last throughput test ended at its byte limit: the line does at least what it says; one sample a test",
    "uplink direction", states=_UP_DOWN, max_age=26 * HOUR)
NET_CONTRACT = _metric("centre_internet_contract_bytes_per_second", "internet", "Throughput that the contract promises",
    "uplink direction", states=_UP_DOWN, max_age=26 * HOUR)
NET_THROUGHPUT_LAST = _metric("centre_internet_throughput_last_success_timestamp_seconds", "internet",
    "When throughput was last measured, Unix time", "uplink", max_age=7 * DAY)
NET_THROUGHPUT_CLASS = _metric("centre_internet_throughput_class", "internet",
    "1 for the kind of test that the last throughput comes from: sustained lasts 3 s or longer", "uplink class",
    states={"class": ("quick", "sustained")}, max_age=26 * HOUR)
NET_BURSTY = _metric("centre_internet_bursty", "internet",
    "1 while the line is faster at first than for long: only sustained tests are published", "uplink",
    max_age=26 * HOUR)
NET_TESTS = _metric("centre_internet_tests_total", "internet", "Throughput tests by how they ended", "uplink result",
    states={"result": TEST_RESULTS}, max_age=26 * HOUR)
NET_TEST_MET = _metric("centre_internet_test_met", "internet",
    "1 when a throughput test kept the limit: 80 % of the contract, or 4 Mbit/s down and 2 up; one sample a test",
    "uplink direction limit", states={**_UP_DOWN, "limit": ("contract", "minimum")}, max_age=26 * HOUR)
NET_TEST_BYTES = _metric("centre_internet_test_bytes_total", "internet", "Bytes on the line that measuring has cost",
    "uplink direction purpose", -3, states={**_UP_DOWN, "purpose": ("throughput", "probe")}, max_age=26 * HOUR)
NET_BUDGET = _metric("centre_internet_budget_remaining_bytes", "internet", "What this month's measuring may still cost",
    "uplink", -3, max_age=26 * HOUR)
NET_PROBE_RTT = _metric("centre_internet_probe_rtt_seconds", "internet",
    "Round trip to a probe target over the last window", "uplink target stat", 4,
    states={"stat": ("p50", "p95", "max")})
NET_PROBE_SENT = _metric("centre_internet_probe_sent_total", "internet", "Probes sent outside our own throughput tests",
    "uplink target")
NET_PROBE_LOST = _metric("centre_internet_probe_lost_total", "internet", "Probes without an answer within 2 s",
    "uplink target")
NET_PROBE_JITTER = _metric("centre_internet_probe_jitter_seconds", "internet",
    "Mean difference of successive round trips over the last window", "uplink target", 4)
NET_DNS = _metric("centre_internet_dns_seconds", "internet", "Time a resolver took to answer", "uplink resolver", 4)
NET_LATENCY_IDLE = _metric("centre_internet_latency_idle_seconds", "internet",
    "Round trip just before the last throughput test", "uplink", 4, max_age=26 * HOUR)
NET_LATENCY_LOADED = _metric("centre_internet_latency_loaded_seconds", "internet",
    "Round trip while the last throughput test filled the line", "uplink direction", 4, states=_UP_DOWN,
    max_age=26 * HOUR)
NET_FAULT = _metric("centre_internet_fault", "internet",
    "1 for the part of the path that the probes blame, none while all is well", "uplink domain",
    states={"domain": FAULT_DOMAINS}, urgent=True)
NET_WAN_BYTES = _metric("centre_internet_wan_bytes_total", "internet",
    "Bytes that crossed the uplink's interface since boot, everybody's", "uplink direction", -3, states=_UP_DOWN)
NET_WAN_PEAK = _metric("centre_internet_wan_peak_bytes_per_second", "internet",
    "Best 5 s of everybody's traffic since the last reading, our own tests left out; the line can do at least this",
    "uplink direction", -3, states=_UP_DOWN)
NET_UP = _metric("centre_internet_up", "internet", "1 while something beyond the provider answers", "uplink",
    urgent=True)

# ── ups ────────────────────────────────────────────────────────────────────────────────────────
UPS_UP = _metric("centre_ups_up", "ups", "1 while the card answers as a UPS", "ups", urgent=True)
UPS_INFO = _metric("centre_ups_info", "ups", "What the card says it is", "ups vendor model serial firmware mib",
    max_age=2 * HOUR)
UPS_STATUS = _metric("centre_ups_status", "ups", "1 for the present source of the output", "ups status",
    states={"status": UPS_STATUSES}, urgent=True)
UPS_CHARGE = _metric("centre_ups_battery_charge_ratio", "ups", "Charge of the battery", "ups", 3, urgent=True)
UPS_RUNTIME = _metric("centre_ups_battery_runtime_seconds", "ups",
    "How long the card expects the battery to carry the present load", "ups", urgent=True)
UPS_BATTERY_VOLTAGE = _metric("centre_ups_battery_voltage_volts", "ups", "Battery voltage", "ups", 1)
UPS_BATTERY_CURRENT = _metric("centre_ups_battery_current_amperes", "ups", "Battery current as the card signs it",
    "ups", 1)
UPS_BATTERY_TEMPERATURE = _metric("centre_ups_battery_temperature_celsius", "ups", "Temperature at or near the battery",
    "ups", 1)
UPS_BATTERY_LOW = _metric("centre_ups_battery_low", "ups", "1 while the card calls the battery low", "ups", urgent=True)
UPS_BATTERY_LOW_RULE = _metric("centre_ups_battery_low_rule", "ups",
    "1 while charge or runtime on battery is below the agent's own threshold for two readings", "ups", urgent=True)
UPS_BATTERY_REPLACE = _metric("centre_ups_battery_replace", "ups", "1 while the card asks for a new battery", "ups")
UPS_MEASURED_RUNTIME = _metric("centre_ups_battery_measured_runtime_seconds", "ups",
    "What the battery gives from full at the present load, by the mains cuts it has carried; absent without evidence",
    "ups")
UPS_CAPACITY = _metric("centre_ups_battery_capacity_ratio", "ups",
    "What it gives now, of the best it has shown; absent without evidence", "ups", 3)
UPS_CAPACITY_TREND = _metric("centre_ups_battery_capacity_trend_ratio", "ups",
    "Change of its capacity in 30 days; absent without evidence", "ups", 3)
UPS_REPLACE_SOON = _metric("centre_ups_battery_replace_before_summer", "ups",
    "1 if by May it will give less than 80 % of its best; absent without evidence", "ups")
UPS_OVERLOAD = _metric("centre_ups_overload", "ups", "1 while the card reports an overload", "ups", urgent=True)
UPS_ON_BATTERY_SECONDS = _metric("centre_ups_on_battery_seconds", "ups",
    "How long the load has been on battery; 0 on mains", "ups")
UPS_TRANSFERS = _metric("centre_ups_transfers_total", "ups", "Transfers to battery seen by the agent", "ups")
UPS_INPUT_VOLTAGE = _metric("centre_ups_input_voltage_volts", "ups", "Mains voltage", "ups phase", 1,
    states={"phase": PHASES})
UPS_INPUT_FREQUENCY = _metric("centre_ups_input_frequency_hertz", "ups", "Mains frequency", "ups", 2)
UPS_OUTPUT_VOLTAGE = _metric("centre_ups_output_voltage_volts", "ups", "Output voltage", "ups phase", 1,
    states={"phase": PHASES})
UPS_OUTPUT_LOAD = _metric("centre_ups_output_load_ratio", "ups", "Load as a share of the rating", "ups phase", 3,
    states={"phase": PHASES})
UPS_OUTPUT_POWER = _metric("centre_ups_output_power_watts", "ups", "Real power at the output, all phases", "ups")
UPS_ALARM = _metric("centre_ups_alarm_active", "ups", "1 while the card lists this alarm", "ups alarm")
UPS_REJECTED = _metric("centre_ups_values_rejected_total", "ups",
    "Values of the card that cannot be true, by the rule that says so", "ups rule", max_age=2 * HOUR)

# ── mains ──────────────────────────────────────────────────────────────────────────────────────
MAINS_UP = _metric("centre_mains_up", "mains",
    "1 while mains is there, 0 while it is gone, as inferred from a device that hangs on it; absent while unknown",
    "source", urgent=True)

# ── seats ──────────────────────────────────────────────────────────────────────────────────────
_KIND = {"kind": SEAT_KINDS}
_STATE = {**_KIND, "state": SEAT_STATES}
SEATS = _metric("centre_seats", "seats", "Seats by state; the three states add up to the seats of the space",
    "space kind state", states=_STATE, urgent=True)
SEAT_STATE_SECONDS = _metric("centre_seat_state_seconds_total", "seats", "Seat-seconds spent in each state",
    "space kind state", states=_STATE)
SEAT_VISITS = _metric("centre_seat_visits_total", "seats", "Times a free seat became occupied", "space kind",
    states=_KIND)
SPACE_PEOPLE = _metric("centre_space_people", "seats", "People in the space, where a counter exists", "space kind",
    states=_KIND)
SPACE_DEVICES = _metric("centre_space_devices", "seats", "Network devices in the space; not people",
    "space kind medium", states={**_KIND, "medium": ("wifi", "wired")})
SEAT_SENSORS = _metric("centre_seat_sensors", "seats", "Sensors and feeds by how far they can be trusted",
    "source status", states={"source": SEAT_SOURCES, "status": SENSOR_STATUSES})
SEAT_CONFLICTS = _metric("centre_seat_conflicts_total", "seats",
    "Times that fresh sources of one seat began to disagree", "kind", states=_KIND)
SEAT_EVIDENCE_AGE = _metric("centre_seat_evidence_age_seconds", "seats",
    "Age of the oldest evidence behind the known seats", "space kind", states=_KIND)

# ── agent ──────────────────────────────────────────────────────────────────────────────────────
_COLLECTOR = "collector instance"
COLLECT_REASONS = (
    "unreachable", "timed_out", "access_denied", "not_recognised", "bad_data", "postponed", "deadline", "bug",
)  # fmt: skip
AGENT_BUILD = _metric("centre_agent_build_info", "agent", "Version of the agent", "version")
AGENT_COLLECTOR_UP = _metric("centre_agent_collector_up", "agent", "1 when the last collection gave all it should",
    _COLLECTOR)
AGENT_COLLECTOR_LAST = _metric("centre_agent_collector_last_success_timestamp_seconds", "agent",
    "When the collector last succeeded, Unix time", _COLLECTOR, max_age=7 * DAY)
AGENT_COLLECTOR_DURATION = _metric("centre_agent_collector_duration_seconds", "agent",
    "How long the last collection took", _COLLECTOR, 2)
AGENT_COLLECTOR_ERRORS = _metric("centre_agent_collector_errors_total", "agent", "Failed collections by reason",
    _COLLECTOR + " reason", states={"reason": COLLECT_REASONS})
AGENT_OUTBOX_ROWS = _metric("centre_agent_outbox_rows", "agent",
    "Batches on disk that the centre of the country has not acknowledged")
AGENT_OUTBOX_BYTES = _metric("centre_agent_outbox_bytes", "agent", "Bytes of those batches", scale=-2)
AGENT_OUTBOX_OLDEST = _metric("centre_agent_outbox_oldest_seconds", "agent", "Age of the oldest of those batches")
AGENT_OUTBOX_DROPPED = _metric("centre_agent_outbox_dropped_batches_total", "agent",
    "Batches given up because the outbox was full, too old or damaged")
AGENT_OUTBOX_LOST = _metric("centre_agent_outbox_lost_ticks_total", "agent",
    "Moments given up, by reason; what a damaged file held beyond counting is in no reason", "reason")
AGENT_OUTBOX_UNDATED = _metric("centre_agent_outbox_undated_rows", "agent",
    "Batches from before the time was known; they wait for a date")
AGENT_OUTBOX_WRITABLE = _metric("centre_agent_outbox_writable", "agent", "1 while readings reach the disk")
AGENT_UPLINK_CONNECTED = _metric("centre_agent_uplink_connected", "agent", "1 while the broker accepts us")
AGENT_UPLINK_REFUSED = _metric("centre_agent_uplink_refused_total", "agent",
    "Publishes that the broker or ingest refused", "reason", states={"reason": ("broker", "ingest", "too_large")})
AGENT_CERTIFICATE_EXPIRY = _metric("centre_agent_certificate_expiry_timestamp_seconds", "agent",
    "When the certificate that the broker knows the centre by runs out, Unix time", max_age=5 * MINUTE)

# ── ingest ─────────────────────────────────────────────────────────────────────────────────────
INGEST_ONLINE = _metric("centre_online", "ingest", "1 while the centre's agent is connected to the broker", urgent=True)
INGEST_LAST_SEEN = _metric("centre_last_seen_timestamp_seconds", "ingest",
    "When anything of the centre last arrived, Unix time")
INGEST_OFFLINE = _metric("centre_offline", "ingest", "1 while the centre is silent, by the best known cause", "cause",
    states={"cause": OFFLINE_CAUSES}, urgent=True)
INGEST_CONNECTS = _metric("centre_online_connects_total", "ingest",
    "Times that the centre's agent has connected since ingest was started")
INGEST_INFO = _metric("centre_info", "ingest", "Where the centre is and who serves it",
    "name province district isp feeder")
INGEST_SAMPLES = _metric("centre_ingest_samples_total", "ingest", "Samples that the store has accepted")
INGEST_REJECTED = _metric("centre_ingest_rejected_total", "ingest", "Messages that can never be accepted", "reason")
INGEST_ACK_LAG = _metric("centre_ingest_ack_lag_seconds", "ingest", "From arrival to acknowledgement of the last batch",
    scale=1)

# ── enrol ──────────────────────────────────────────────────────────────────────────────────────
ENROL_REQUESTS = _metric("centre_enrol_requests_total", "enrol",
    "Requests to the enrol server, granted or refused for a reason", "endpoint result",
    states={"endpoint": ("enrol", "renew", "other", "connection")})
ENROL_LIST_EXPIRY = _metric("centre_enrol_revocation_list_expiry_timestamp_seconds", "enrol",
    "When the list of revoked certificates is out of date and the broker refuses everybody, Unix time")
# fmt: on


def owned_by(*owners: Owner) -> list[Metric]:
    """The metrics of these owners, in the catalogue's order."""
    return [metric for metric in CATALOGUE.values() if metric.owner in owners]
