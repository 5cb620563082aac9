"""Samples a second that ingest's hot path takes on one core, validation on, beside Google's protobuf.

The path is the service's: topic, parse, admit under a cached template, one snappy body for 100 messages.
Broker, store and database are not in it. Both ways give the same content, which is asserted first.
Exit code 0 if the bar is met (4 ticks a message), 1 if not.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import cramjam
from msgspec import Struct

from bench.measure.messages import Fleet, Message, days, fleet
from bench.peers import google_protobuf
from central.ingest import protobuf
from central.ingest.admit import Template, admit, parse_topic, template
from telemetry.wire import Schema, decode_schema, parse_batch

BAR = 300_000
_GROUP = 100
_MAIN_TICKS = 4
_SIZES = ((1, False), (_MAIN_TICKS, False), (10, False), (_MAIN_TICKS, True))
"""Ticks a message; true: every value changes at every tick, which no centre does."""
_START = 1_760_000_000.0
Templates = Mapping[tuple[str, str], Template]


class Row(Struct, frozen=True):
    """One size of message: rates in samples a second, and how big things are."""

    ticks: int
    restless: bool
    series: float
    wire_bytes: float
    ours: float
    naive: float
    cold_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.ours / self.naive


def main() -> int:
    options = _options()
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    request_class = google_protobuf.write_request_class()
    print(f"making the messages of {options.centres} centres ...", file=sys.stderr, flush=True)
    readings = days(options.centres, max(ticks for ticks, _ in _SIZES), _START)
    rows = []
    for ticks, restless in _SIZES:
        sent = fleet(readings, ticks, _START, restless=restless)
        rows.append(_measure(sent, ticks, request_class, options.passes, restless=restless))
    return _report(rows, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench ingest", description="Samples a second of ingest on one core.")
    parser.add_argument("--centres", type=int, default=300)
    parser.add_argument("--passes", type=int, default=5, help="the median counts")
    return parser.parse_args()


def _measure(sent: Fleet, ticks: int, request_class: Any, passes: int, *, restless: bool) -> Row:
    templates, cold = _templates(sent)
    schemas = {centre: schema for centre, (schema, _) in sent.schemas.items()}
    _assert_same(sent, templates, schemas, request_class)
    samples = sum(one.samples for one in sent.messages)
    return Row(
        ticks=ticks,
        restless=restless,
        series=samples / ticks / len(sent.messages),
        wire_bytes=sum(len(one.body) for one in sent.messages) / len(sent.messages),
        ours=samples / _seconds(lambda: _ours(sent, templates), passes),
        naive=samples / _seconds(lambda: _naive(sent, schemas, request_class), max(1, passes // 3)),
        cold_ms=1000 * cold,
    )


def _templates(sent: Fleet) -> tuple[dict[tuple[str, str], Template], float]:
    """What ingest learns from the schema messages, and the seconds that one takes."""
    made = {}
    begun = time.process_time()
    for centre, (_, body) in sent.schemas.items():
        schema = decode_schema(body)
        made[centre, schema.sid] = template(centre, schema)
    return made, (time.process_time() - begun) / len(made)


def _ours(sent: Fleet, templates: Templates) -> list[bytes]:
    return [_ours_group(group, templates, sent.newest_ms) for group in _groups(sent.messages)]


def _ours_group(group: Sequence[Message], templates: Templates, now_ms: int) -> bytes:
    parts = []
    for message in group:
        centre = parse_topic(message.topic).centre
        parsed = parse_batch(message.body)
        parts.append(admit(parsed, templates[centre, parsed.sid], now_ms).body)
    return protobuf.compressed(parts)


def _naive(sent: Fleet, schemas: Mapping[str, Schema], request_class: Any) -> list[bytes]:
    return [google_protobuf.compressed(request_class, group, schemas) for group in _groups(sent.messages)]


def _groups(messages: Sequence[Message]) -> list[Sequence[Message]]:
    return [messages[at : at + _GROUP] for at in range(0, len(messages), _GROUP)]


def _assert_same(sent: Fleet, templates: Templates, schemas: Mapping[str, Schema], request_class: Any) -> None:
    """Both bodies, read back by Google's parser and written again, are the same bytes: staleness marks included."""
    for ours, naive in zip(_ours(sent, templates), _naive(sent, schemas, request_class), strict=True):
        first, second = (request_class.FromString(bytes(cramjam.snappy.decompress_raw(body))) for body in (ours, naive))
        if not len(first.timeseries) or first.SerializeToString(deterministic=True) != second.SerializeToString(deterministic=True):
            raise SystemExit("the two ways do not give the same write request: nothing is timed")


def _seconds(act: Callable[[], object], passes: int) -> float:
    """Processor seconds of one pass, the median: what else runs on the core does not count."""
    act()
    found = []
    for _ in range(passes):
        begun = time.process_time()
        act()
        found.append(time.process_time() - begun)
    return median(found)


def _report(rows: Sequence[Row], options: argparse.Namespace) -> int:
    print("ticks  series  bytes on the wire  ours, samples/s  Google protobuf  ratio  cold schema, ms")
    for row in rows:
        print(
            f"{row.ticks:>5}{row.series:>8.0f}{row.wire_bytes:>19.0f}{row.ours:>17,.0f}{row.naive:>17,.0f}"
            f"{row.ratio:>7.1f}{row.cold_ms:>17.2f}{'  every value changes at every tick' if row.restless else ''}"
        )
    main_row = next(row for row in rows if row.ticks == _MAIN_TICKS and not row.restless)
    met = main_row.ours >= BAR
    print(f"bar {'met' if met else 'NOT met'}: {main_row.ours:,.0f} of {BAR:,} samples/s, {main_row.ours / BAR:.2f} times.")
    print(
        f"Processor time of one core, both ways in one process. Google's ({google_protobuf.implementation}) uses our decoder and checks, "
        "builds its labels each time,\nand lacks admit's check of times; a cold schema is paid once a centre and start. "
        "Broker, store, events and acknowledgements are in neither."
    )
    print(json.dumps({
        "bench": "ingest", "met": met, "samples_per_second": round(main_row.ours), "bar": BAR, "ratio": round(main_row.ratio, 2),
        "centres": options.centres, "passes": options.passes, "group": _GROUP, "python": platform.python_version(),
        "protobuf": google_protobuf.implementation,
        "rows": [
            {
                "ticks": row.ticks, "restless": row.restless, "series": round(row.series, 1), "wire_bytes": round(row.wire_bytes),
                "ours": round(row.ours), "naive": round(row.naive), "ratio": round(row.ratio, 2),
                "cold_schema_ms": round(row.cold_ms, 3),
            }
            for row in rows
        ],
    }))  # fmt: skip
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
