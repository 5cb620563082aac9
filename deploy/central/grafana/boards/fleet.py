"""All centres on one page: what is wrong now, where, and whether we would know.

Recorded series only, except ingest's own few: no panel sums what 10,000 centres send.
"""

from collections.abc import Iterator
from typing import Any

from deploy.central.grafana.boards.common import (
    BLUE,
    CENTRE_UID,
    FLEET_UID,
    GREEN,
    GREY,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Line,
    Panel,
    Step,
    Word,
    bars,
    board,
    centre_table,
    graph,
    heading,
    tile,
)

STATES = (
    Word(0, "well", GREEN),
    Word(1, "unknown", GREY),
    Word(2, "internet down", ORANGE),
    Word(3, "on battery", YELLOW),
    Word(4, "offline", RED),
)
"""The values of centre:state (prometheus/rules/recording.yml)."""
_FEW_OFFLINE = [Step(None, GREEN, "usual"), Step(0.05, YELLOW, "many"), Step(0.3, RED, "an outage of the area")]
_CONTRACT = [
    Step(None, RED, "far below the contract"),
    Step(0.6, YELLOW, "below"),
    Step(0.8, GREEN, "as the regulator asks"),
]
_URGENT = "centre:state > 1"
_IF_URGENT = f"and on (centre) {_URGENT}"


def fleet() -> dict[str, Any]:
    """The JSON of erz-fleet."""
    return board(
        FLEET_UID,
        "e-Rozgar: all centres",
        "What is wrong now, in which district and with which provider, and whether the monitoring itself works.",
        [*_now_panels(), *_where_panels(), *_seat_and_speed_panels(), *_table_panels(), *_ingest_panels()],
        links={"One centre": f"/d/{CENTRE_UID}"},
    )


def _now_panels() -> Iterator[Panel]:
    yield heading("Now")
    yield tile(
        "Centres offline",
        "Centres that nothing is heard of, whatever the cause, planned stops included.",
        "sum(fleet:offline:count)",
        "short",
        [
            Step(None, GREEN, "none"),
            Step(1, YELLOW, "some"),
            Step(500, RED, "a mass outage: check our own broker first"),
        ],
    )
    yield tile(
        "Centres online",
        "Share of the centres whose state is known that are connected now.",
        "fleet:online:ratio",
        "percentunit",
        [Step(None, RED, "act now"), Step(0.7, YELLOW, "watch"), Step(0.95, GREEN, "good")],
        decimals=1,
    )
    yield tile(
        "Centres on battery",
        "Centres without mains that still run.",
        "fleet:on_battery:count",
        "short",
        [Step(None, GREEN, "none"), Step(1, YELLOW, "load-shedding or faults"), Step(1000, ORANGE, "a blackout")],
    )
    yield tile(
        "Internet works",
        "Share of the connected centres where at least one line reaches the world.",
        "fleet:internet_up:ratio",
        "percentunit",
        [Step(None, RED, "act now"), Step(0.9, YELLOW, "watch"), Step(0.98, GREEN, "good")],
        decimals=1,
    )
    yield tile(
        "Free seats",
        "Seats known to be free in all connected centres.",
        'fleet:seats:sum{state="free"}',
        "short",
        [Step(None, BLUE, "for information")],
    )
    yield tile(
        "Centres of unknown state",
        "Registered but never heard of, or not heard of since our broker came back.",
        "fleet:unknown:count",
        "short",
        [Step(None, GREEN, "none"), Step(1, GREY, "install or wait 3 minutes")],
    )


def _where_panels() -> Iterator[Panel]:
    yield graph(
        "Offline centres by cause",
        "Power: it was on battery before it fell silent. Internet: its line was in trouble. "
        "Clean: stopped on purpose. Unknown: no evidence, so no guess.",
        [Line("fleet:offline:count", "{{cause}}")],
        "short",
        stacked=True,
    )
    yield graph(
        "Centres on battery, by province",
        "The shape of load-shedding over the day.",
        [Line("province:on_battery:count", "{{province}}")],
        "short",
        stacked=True,
    )
    yield bars(
        "Districts with most centres offline",
        "Share of the district's centres that are offline now, the worst 15.",
        Line("topk(15, district:offline:ratio)", "{{district}}, {{province}}"),
        "percentunit",
        _FEW_OFFLINE,
        top=1,
    )
    yield bars(
        "Providers with most centres offline",
        "Share of the provider's centres that are offline now: is it one provider?",
        Line("topk(15, isp:offline:ratio)", "{{isp}}"),
        "percentunit",
        _FEW_OFFLINE,
        top=1,
    )


def _seat_and_speed_panels() -> Iterator[Panel]:
    yield heading("What members get")
    yield graph(
        "Seats",
        "All seats of the connected centres. Unknown seats are those whose sensors give nothing to rely on.",
        [Line("fleet:seats:sum", "{{state}}")],
        "short",
        stacked=True,
    )
    yield graph(
        "Speed against the contract",
        "The middle centre: what its line gave over the last day as a share of what was bought.",
        [Line("fleet:internet_speed_ratio:median", "{{direction}}")],
        "percentunit",
        steps=_CONTRACT,
    )
    yield bars(
        "Providers by speed against the contract",
        "The middle centre of each provider, download; the 15 slowest.",
        Line('bottomk(15, isp:internet_speed_ratio:median{direction="down"})', "{{isp}}"),
        "percentunit",
        _CONTRACT,
    )
    yield tile(
        "UPS cards that do not answer",
        "Centres whose power supply is there but says nothing: a mains loss would go unseen.",
        "fleet:ups_silent:count",
        "short",
        [Step(None, GREEN, "none"), Step(1, YELLOW, "visit them")],
    )
    yield tile(
        "Batteries to replace",
        "Centres whose UPS asks for a new battery.",
        "fleet:ups_replace:count",
        "short",
        [Step(None, GREEN, "none"), Step(1, YELLOW, "order them")],
    )
    yield tile(
        "Centres with blind seat sensors",
        "More than 30 % of the seats are unknown.",
        "fleet:seats_stale:count",
        "short",
        [Step(None, GREEN, "none"), Step(1, YELLOW, "visit them")],
    )


def _table_panels() -> Iterator[Panel]:
    yield heading("Who needs somebody")
    yield centre_table(
        "Centres that need somebody",
        "Offline, on battery or without internet now, the most urgent first. Click a centre for its page.",
        {"name": "name", "district": "district", "province": "province", "isp": "provider"},
        [
            Column(
                "state",
                f"({_URGENT}) * on (centre) group_left (name, district, province, isp) centre:place",
                "none",
                STATES,
            ),
            Column(
                "last heard of",
                f"(time() - max by (centre) (centre_last_seen_timestamp_seconds)) {_IF_URGENT}",
                "s",
            ),
            Column(
                "battery lasts",
                f"min by (centre) (centre_ups_battery_runtime_seconds) {_IF_URGENT}",
                "s",
            ),
            Column(
                "speed of contract",
                f'min by (centre) (centre:internet_speed_ratio:median1d{{direction="down"}}) {_IF_URGENT}',
                "percentunit",
            ),
        ],
        none="none known",
    )


def _ingest_panels() -> Iterator[Panel]:
    yield heading("Is the monitoring itself well?")
    yield graph(
        "Readings stored per second",
        "What ingest has written to the store. Zero or unknown: alerts are blind, look at ingest first.",
        [Line("sum(rate(centre_ingest_samples_total[$__rate_interval]))", "readings")],
        "cps",
        width=8,
    )
    yield graph(
        "Messages refused",
        "Messages in an hour that can never be accepted, by reason; they are kept in the quarantine folder.",
        [
            Line(
                "sum by (reason) (increase(centre_ingest_rejected_total[1h]))"
                " or on () 0 * sum(centre_ingest_samples_total)",
                "refused {{reason}}",
            )
        ],
        "short",
        width=8,
    )
    yield graph(
        "From arrival to acknowledgement",
        "Ingest waits until the store is safe (45 s as shipped) before it lets a centre delete its copy.",
        [Line("max(centre_ingest_ack_lag_seconds)", "last batch")],
        "s",
        width=8,
        steps=[Step(None, GREEN, "usual"), Step(120, YELLOW, "slow"), Step(300, RED, "the store is too slow or away")],
    )
