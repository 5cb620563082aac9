"""One centre on one page: contact, power, internet, seats, gateway; then how each went over time."""

from collections.abc import Iterator, Sequence
from typing import Any

from deploy.central.grafana.boards.common import (
    CENTRE_UID,
    FLEET_UID,
    GREEN,
    GREY,
    ORANGE,
    RED,
    YELLOW,
    Line,
    Panel,
    Step,
    Word,
    bars,
    board,
    centre_variable,
    graph,
    heading,
    label_table,
    tile,
    timeline,
    word_tile,
)

_C = 'centre="$centre"'

# A state is one series per state, valued 0 or 1. A timeline wants one series per device, so each state
# gets a code here; the codes of one timeline must differ.
POWER = {
    "online": Word(1, "on mains", GREEN),
    "on_battery": Word(2, "on battery", RED),
    "bypass": Word(3, "bypass: not protected", ORANGE),
    "boost": Word(4, "on mains, voltage low", YELLOW),
    "trim": Word(5, "on mains, voltage high", YELLOW),
    "eco": Word(6, "on mains, eco", GREEN),
    "standby": Word(7, "standby", ORANGE),
    "off": Word(8, "output off", RED),
    "test": Word(9, "testing itself", YELLOW),
    "other": Word(10, "a state we do not know", GREY),
}
INTERNET = {
    "none": Word(21, "works", GREEN),
    "lan": Word(22, "fault inside the centre", RED),
    "access": Word(23, "fault on the line", RED),
    "isp": Word(24, "fault at the provider", RED),
    "dns": Word(25, "names are not found", ORANGE),
    "target": Word(26, "some targets do not answer", YELLOW),
    "captive": Word(27, "login page: unpaid?", ORANGE),
}
OFFLINE = {
    "power": Word(42, "silent: power", RED),
    "internet": Word(43, "silent: internet", RED),
    "clean": Word(44, "stopped on purpose", YELLOW),
    "unknown": Word(45, "silent: cause unknown", RED),
}
_ONLINE = Word(41, "in contact", GREEN)
_CONTACT = [_ONLINE, *OFFLINE.values()]
_WORKS = [Word(1, "works", GREEN), Word(0, "fails", RED)]


def _coded(metric: str, label: str, codes: dict[str, Word], by: str = "") -> str:
    states = " or ".join(f'{metric}{{{_C},{label}="{state}"}} * {word.code}' for state, word in codes.items())
    return f"max {by}({states}) > 0"


_POWER_NOW = Line(_coded("centre_ups_status", "status", POWER, "by (ups) "), "UPS {{ups}}")
_INTERNET_NOW = Line(_coded("centre_internet_fault", "domain", INTERNET, "by (uplink) "), "line {{uplink}}")
_CONTACT_NOW = Line(
    f"(max(centre_online{{{_C}}}) == 1) * {_ONLINE.code} or {_coded('centre_offline', 'cause', OFFLINE)}", "contact"
)


def centre() -> dict[str, Any]:
    """The JSON of erz-centre."""
    return board(
        CENTRE_UID,
        "e-Rozgar: one centre",
        "Contact, power, internet, seats and gateway of one centre, now and over time.",
        [*_now_panels(), *_power_panels(), *_internet_panels(), *_seat_panels(), *_gateway_panels()],
        variables=[centre_variable()],
        links={"All centres": f"/d/{FLEET_UID}"},
        since="now-24h",
    )


def _now_panels() -> Iterator[Panel]:
    yield heading("Now: $centre")
    yield word_tile(
        "Contact", "Whether the centre is connected to us, and if not, why as far as is known.", _CONTACT_NOW, _CONTACT
    )
    yield tile(
        "Last heard of",
        "How long ago anything of this centre arrived.",
        f"time() - max(centre_last_seen_timestamp_seconds{{{_C}}})",
        "s",
        [Step(None, GREEN, "usual"), Step(180, YELLOW, "late"), Step(600, RED, "silent")],
    )
    yield word_tile("Power now", "What each UPS says feeds the centre.", _POWER_NOW, list(POWER.values()))
    yield tile(
        "Battery lasts",
        "What the UPS expects at the present load; the least of several.",
        f"min(centre_ups_battery_runtime_seconds{{{_C}}})",
        "s",
        [Step(None, RED, "save work now"), Step(600, YELLOW, "not for long"), Step(1800, GREEN, "good")],
    )
    yield word_tile(
        "Internet now", "Which part of the way to the world the probes blame.", _INTERNET_NOW, list(INTERNET.values())
    )
    yield tile(
        "Free seats",
        "Seats known to be free.",
        f'sum(centre_seats{{{_C},state="free"}})',
        "short",
        [Step(None, YELLOW, "full"), Step(1, GREEN, "come in")],
    )
    yield timeline(
        "What happened",
        "Contact, each UPS and each line. A hole means that nothing is known of that time, or not yet.",
        [_CONTACT_NOW, _POWER_NOW, _INTERNET_NOW],
        [*_CONTACT, *POWER.values(), *INTERNET.values()],
    )


def _power_panels() -> Iterator[Panel]:
    yield heading("Power")
    yield graph(
        "Battery charge and load",
        "Charge of the battery and load of the UPS. A load above 90 % is too much.",
        _lines(
            ("centre_ups_battery_charge_ratio", "charge {{ups}}"),
            ("centre_ups_output_load_ratio", "load {{ups}} phase {{phase}}"),
        ),
        "percentunit",
        top=1,
    )
    yield graph(
        "How long the battery would last",
        "At the load of that moment, as the UPS reckons.",
        _lines(("centre_ups_battery_runtime_seconds", "{{ups}}")),
        "s",
        steps=[Step(None, RED, "save work"), Step(600, YELLOW, "not for long"), Step(1800, GREEN, "good")],
    )
    yield graph(
        "Mains voltage",
        "What arrives at the UPS. 230 V plus or minus a tenth is normal.",
        _lines(("centre_ups_input_voltage_volts", "{{ups}} phase {{phase}}")),
        "volt",
        steps=[
            Step(None, RED, "off or far too low"),
            Step(180, YELLOW, "low"),
            Step(207, GREEN, "normal"),
            Step(253, YELLOW, "high"),
            Step(265, RED, "dangerous"),
        ],
    )
    yield graph(
        "Temperatures",
        "Battery and gateway. Every 10 degrees above 25 halve the life of a battery.",
        _lines(
            ("centre_ups_battery_temperature_celsius", "battery {{ups}}"),
            ("centre_host_temperature_celsius", "gateway {{sensor}}"),
        ),
        "celsius",
    )


def _internet_panels() -> Iterator[Panel]:
    yield heading("Internet")
    yield graph(
        "Speed against the contract",
        "The last test, held until the next, and what was bought; bits per second.",
        [
            # A test leaves one sample: it holds for the catalogue's max age.
            Line(
                _best_bits(f"last_over_time(centre_internet_throughput_bytes_per_second{{{_C}}}[26h])"),
                "{{direction}} {{uplink}}",
            ),
            Line(_best_bits(f"centre_internet_contract_bytes_per_second{{{_C}}}"), "bought: {{direction}} {{uplink}}"),
        ],
        "bps",
    )
    yield graph(
        "Traffic of the whole centre",
        "Everybody's, as the line's interface counts it: is the line slow, or full?",
        [Line(f"8 * rate(centre_internet_wan_bytes_total{{{_C}}}[$__rate_interval])", "{{direction}} {{uplink}}")],
        "bps",
    )
    yield graph(
        "Round trip",
        "From the centre to each target: half of the probes are faster than p50, 95 % faster than p95.",
        _lines(("centre_internet_probe_rtt_seconds", "{{target}} {{stat}}"), more=',stat=~"p50|p95"'),
        "s",
    )
    yield graph(
        "Lost probes",
        "Share of the probes to each target that had no answer within 2 s, over half an hour and from 50 probes on;"
        " what our own throughput tests have lost is left out.",
        [Line(f"centre:internet_loss:ratio30m{{{_C}}}", "{{target}} {{uplink}}")],
        "percentunit",
        steps=[Step(None, GREEN, "good"), Step(0.02, YELLOW, "calls suffer"), Step(0.05, RED, "not usable for calls")],
    )
    yield bars(
        "The regulator's limits, 7 days",
        "Share of the measurements that kept the limit: 80 % of the contract, 4 and 2 Mbit/s, 40 ms within the country,"
        " 110 ms abroad, 15 ms of jitter. What was not measured is not in it.",
        Line(f"centre:internet_kept:ratio7d{{{_C}}}", "{{criterion}} {{direction}} {{uplink}}"),
        "percentunit",
        [Step(None, RED, "mostly broken"), Step(0.8, YELLOW, "sometimes broken"), Step(0.95, GREEN, "kept")],
        top=1,
    )
    yield bars(
        "Measurements behind the limits",
        "How many tests or five-minute points each share rests on; below 20 it says little.",
        Line(f"centre:internet_kept:count7d{{{_C}}}", "{{criterion}} {{direction}} {{uplink}}"),
        "short",
        [Step(None, YELLOW, "few"), Step(20, GREEN, "enough")],
    )


def _seat_panels() -> Iterator[Panel]:
    yield heading("Seats")
    yield graph(
        "Seats by state",
        "Unknown: the sensors of those seats give nothing to rely on.",
        [Line(f"sum by (state) (centre_seats{{{_C}}})", "{{state}}")],
        "short",
        stacked=True,
    )
    yield bars(
        "Free seats by space",
        "Seats known to be free now.",
        Line(f'sum by (space, kind) (centre_seats{{{_C},state="free"}})', "{{space}} ({{kind}})"),
        "short",
        [Step(None, YELLOW, "full"), Step(1, GREEN, "free seats")],
    )


def _gateway_panels() -> Iterator[Panel]:
    yield heading("Gateway and agent")
    yield timeline(
        "What the agent can measure",
        "Each collector: works, or fails to get all it should.",
        _lines(("centre_agent_collector_up", "{{collector}} {{instance}}")),
        _WORKS,
    )
    yield graph(
        "Oldest reading that waits at the centre",
        "Readings wait on disk while we cannot be reached, and are sent later.",
        _lines(("centre_agent_outbox_oldest_seconds", "age")),
        "s",
        steps=[Step(None, GREEN, "usual"), Step(900, YELLOW, "late"), Step(86400, RED, "cut off for a day")],
    )
    yield graph(
        "Gateway",
        "Processor in use, memory in use, and free disk.",
        [
            *_lines(("centre_host_cpu_usage_ratio", "processor in use")),
            Line(
                f"1 - centre_host_memory_available_bytes{{{_C}}} / centre_host_memory_total_bytes{{{_C}}}",
                "memory in use",
            ),
            *_lines(("centre_host_filesystem_free_ratio", "free disk {{mount}}")),
        ],
        "percentunit",
        top=1,
    )
    yield word_tile(
        "Clock",
        "Whether the gateway's clock follows a time server; readings are dated by it.",
        Line(f"max(centre_host_clock_synchronised{{{_C}}})", "clock"),
        [Word(1, "right", GREEN), Word(0, "not synchronised", RED)],
    )
    yield tile(
        "Clock is off by",
        "What time synchronisation has still to correct.",
        f"max(abs(centre_host_clock_offset_seconds{{{_C}}}))",
        "s",
        [Step(None, GREEN, "good"), Step(1, YELLOW, "watch"), Step(5, RED, "wrong")],
    )
    yield tile(
        "Readings given up",
        "Batches that the full or damaged disk has cost so far.",
        f"max(centre_agent_outbox_dropped_batches_total{{{_C}}})",
        "short",
        [Step(None, GREEN, "none"), Step(1, RED, "readings are lost")],
    )
    yield label_table(
        "Equipment",
        "What each UPS says it is, and the agent's version.",
        {
            "ups": "UPS",
            "vendor": "vendor",
            "model": "model",
            "serial": "serial",
            "firmware": "firmware",
            "version": "agent",
        },
        [f"centre_ups_info{{{_C}}}", f"centre_agent_build_info{{{_C}}}"],
    )


def _lines(*metrics: tuple[str, str], more: str = "") -> Sequence[Line]:
    return [Line(f"{metric}{{{_C}{more}}}", legend) for metric, legend in metrics]


def _best_bits(rates: str) -> str:
    """Bits per second; the line's figure where there is one, else our own share of it."""
    return f"8 * max by (uplink, direction) ({rates})"
