"""Every hostile kind, many times over, at what ingest does with a message: refused for its reason, and nothing else."""

import random

import pytest

from bench.hostile.everything import KINDS
from bench.hostile.kinds import SCHEMA, Kind, Message, Shot, message
from central.ingest.admit import admit, check_time, parse_state, parse_topic, template
from central.ingest.states import state_series
from telemetry.errors import REJECT_REASONS, Rejected
from telemetry.letter import opened
from telemetry.wire import decode_schema, parse_line

CENTRE, VICTIM, NOW_MS = "PK-XX-66666", "PK-PB-00001", 1_790_000_000_000
TIMES = 25
TEMPLATE = template(CENTRE, SCHEMA)


def take(sent: Message, retained: bool) -> None:
    """As ingest's service does, without the service."""
    topic = parse_topic(sent.topic)
    if topic.kind == "samples":
        for line in opened(sent.body):
            admit(parse_line(line), TEMPLATE, NOW_MS)
    elif topic.kind == "schema" and sent.body:
        if decode_schema(sent.body).sid != topic.name:
            raise Rejected("not its id", reason="schema")
    elif topic.kind == "state" and sent.body:
        state = parse_state(sent.body)
        if topic.name != "online":
            ts: int = state["ts"]  # type: ignore[assignment]
            check_time(ts, NOW_MS if retained else ts, NOW_MS)
            state_series(topic.centre, topic.name, state)


def verdict(kind: Kind, seed: int) -> str:
    """The reason of the refusal; "" if it was taken."""
    sent = message(kind, Shot(random.Random(f"{kind.name}/{seed}"), NOW_MS, CENTRE, VICTIM))
    try:
        take(sent, kind.retained)
    except Rejected as problem:
        return problem.reason
    return ""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_hostile_kind_is_refused_for_its_reason(kind: Kind) -> None:
    seen = {verdict(kind, seed) for seed in range(TIMES)}
    assert seen <= {"", *REJECT_REASONS}
    if kind.reason and not kind.name.startswith("ack: "):
        assert seen <= set(kind.reason.split("|"))


def test_there_are_more_than_two_hundred_kinds_and_each_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) > 200
