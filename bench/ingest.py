"""Samples a second that ingest's hot path takes on one core, validation on, beside Google's protobuf; then a siege.

The path is the service's: topic, parse, admit under a cached template, one snappy body for 100 messages.
Broker, store and database are not in it. Both ways give the same content, which is asserted first.
The siege is of the real process, with broker and store: hundreds of kinds of hostile messages (bench/hostile)
from centres with certificates, honest centres beside them; its memory, and whether it or they suffer.
Exit code 0 if every bar is met (the speed: 4 ticks a message), 1 if not.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cramjam
import msgspec
from msgspec import Struct

from bench.hostile.siege import Outcome, Plan, bars, besiege
from bench.measure.messages import Message, days, messages, schemas, times
from bench.measure.packages import need, version
from bench.peers import google_protobuf
from central.ingest import protobuf
from central.ingest.admit import Template, admit, parse_topic, template
from telemetry.letter import opened
from telemetry.wire import Schema, decode_schema, encode_schema, parse_line

BAR = 300_000
_GROUP = 100
_MAIN_TICKS = 4
_SIZES = ((1, False), (_MAIN_TICKS, False), (10, False), (_MAIN_TICKS, True))
"""Ticks a message; true: every value changes at every tick, which no centre does."""
_PACKAGES = ("mosquitto", "victoria-metrics")
_START = 1_760_000_000.0
_NOT_ALIKE = """\
A new schema costs {cold:.2f} ms once a centre (decoding, checking, label bytes); it is not in the rates.
Processor time of one core, both ways in one process, the same messages, the same content (compared first).
Not like for like: Google's way ({implementation}) uses our decoder and its checks, builds its labels each time, and
lacks admit's check of times. Broker, store, events and acknowledgements are in neither."""
Templates = Mapping[tuple[str, str], Template]


class Row(Struct, frozen=True):
    """One size of message: rates in samples a second, and how big things are."""

    ticks: int
    restless: bool
    series: float
    wire_bytes: float
    ours: float
    naive: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.ours / self.naive


class Country(Struct, frozen=True):
    """What ingest knows before the messages come, and the seconds that one schema took it."""

    schemas: dict[str, Schema]
    templates: dict[tuple[str, str], Template]
    cold_seconds: float


def main() -> int:
    options = _options()
    need(_PACKAGES)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    rows, country = _speeds(options)
    os.sched_setaffinity(0, cores)
    return _report(rows, country, _siege(options), options)


def _siege(options: argparse.Namespace) -> Outcome:
    directory = Path(options.keep or tempfile.mkdtemp(prefix="bench-ingest-"))
    try:
        return besiege(directory, Plan(options.seconds, options.rate, options.seed))
    finally:
        if not options.keep:
            shutil.rmtree(directory)


def _speeds(options: argparse.Namespace) -> tuple[list[Row], Country]:
    request_class = google_protobuf.write_request_class()
    print(f"making the messages of {options.centres} centres ...", file=sys.stderr, flush=True)
    readings = days(options.centres, max(ticks for ticks, _ in _SIZES), _START)
    country = _learn(schemas(readings))
    rows = []
    for ticks, restless in _SIZES:
        sent = messages(readings, country.schemas, ticks, _START, restless=restless)
        ours, naive = _compare(sent, country, times(ticks, _START)[-1], request_class, options.passes)
        samples = sum(one.samples for one in sent)
        rows.append(Row(
            ticks=ticks, restless=restless, series=samples / ticks / len(sent),
            wire_bytes=sum(len(one.body) for one in sent) / len(sent), ours=samples / ours, naive=samples / naive,
        ))  # fmt: skip
    return rows, country


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/bench ingest", description="Ingest: samples a second on one core; hostile messages."
    )
    parser.add_argument("--centres", type=int, default=200)
    parser.add_argument("--passes", type=int, default=3, help="the median counts")
    parser.add_argument("--seconds", type=float, default=90.0, help="of the siege")
    parser.add_argument("--rate", type=float, default=400.0, help="hostile messages a second")
    parser.add_argument("--seed", type=int, default=1, help="of the hostile dice")
    parser.add_argument(
        "--keep", default="", metavar="DIR", help="leave files and logs of the siege here; must not exist"
    )
    return parser.parse_args()


def _learn(announced: dict[str, Schema]) -> Country:
    """The templates that ingest makes of the schema messages."""
    bodies = {centre: encode_schema(schema) for centre, schema in announced.items()}
    made = {}
    begun = time.process_time()
    for centre, body in bodies.items():
        schema = decode_schema(body)
        made[centre, schema.sid] = template(centre, schema)
    return Country(announced, made, (time.process_time() - begun) / len(made))


def _compare(
    sent: Sequence[Message], country: Country, now_ms: int, request_class: Any, passes: int
) -> tuple[float, float]:
    """Seconds of a pass our way and Google's; ends the program if they do not say the same."""

    def ours() -> list[bytes]:
        return [_ours(group, country.templates, now_ms) for group in _groups(sent)]

    def naive() -> list[bytes]:
        return [google_protobuf.compressed(request_class, group, country.schemas) for group in _groups(sent)]

    _assert_same(ours(), naive(), request_class)
    return _seconds(ours, passes), _seconds(naive, max(1, passes // 3))


def _ours(group: Sequence[Message], templates: Templates, now_ms: int) -> bytes:
    parts = []
    for message in group:
        centre = parse_topic(message.topic).centre
        for line in opened(message.body):
            parsed = parse_line(line)
            parts.append(admit(parsed, templates[centre, parsed.sid], now_ms).body)
    return protobuf.compressed(parts)


def _groups(messages: Sequence[Message]) -> list[Sequence[Message]]:
    return [messages[at : at + _GROUP] for at in range(0, len(messages), _GROUP)]


def _assert_same(ours: Sequence[bytes], naive: Sequence[bytes], request_class: Any) -> None:
    """Both bodies, read back by Google's parser and written again, are the same bytes: staleness marks included."""
    for pair in zip(ours, naive, strict=True):
        first, second = (request_class.FromString(bytes(cramjam.snappy.decompress_raw(body))) for body in pair)
        written = first.SerializeToString(deterministic=True)
        if not written or written != second.SerializeToString(deterministic=True):
            raise SystemExit("the two ways do not give the same write request: nothing is timed")


def _seconds(act: Callable[[], object], passes: int) -> float:
    """Processor seconds of one pass, the median: what else runs on the core does not count."""
    found = []
    for _ in range(passes):
        begun = time.process_time()
        act()
        found.append(time.process_time() - begun)
    return median(found)


def _report(rows: Sequence[Row], country: Country, siege: Outcome, options: argparse.Namespace) -> int:
    print("ticks  series  bytes on the wire  ours, samples/s  Google protobuf  ratio")
    for row in rows:
        print(
            f"{row.ticks:>5}{row.series:>8.0f}{row.wire_bytes:>19.0f}{row.ours:>17,.0f}{row.naive:>17,.0f}"
            f"{row.ratio:>7.1f}{'  every value changes at every tick' if row.restless else ''}"
        )
    main_row = next(row for row in rows if row.ticks == _MAIN_TICKS and not row.restless)
    print(_NOT_ALIKE.format(cold=1000 * country.cold_seconds, implementation=google_protobuf.implementation))
    _print_siege(siege, options)
    speed = (
        f"at least {BAR:,} samples/s",
        main_row.ours >= BAR,
        f"{main_row.ours:,.0f}, {main_row.ours / BAR:.2f} times",
    )
    for name, met, seen in (speed, *bars(siege)):
        print(f"bar {'met' if met else 'NOT met'}: {name}: {seen}.")
    met = speed[1] and siege.met
    figures = _figures(rows, main_row, country, options)
    print(json.dumps({"bench": "ingest", "met": met, **figures, "siege": msgspec.to_builtins(siege)}))
    return 0 if met else 1


def _print_siege(siege: Outcome, options: argparse.Namespace) -> None:
    print(
        f"siege: {siege.messages:,} messages of {siege.kinds} kinds in {options.seconds:.0f} s, "
        f"each kind {siege.fewest} times or more; "
        f"ingest's peak {siege.quiet_mb:.1f} MB before, {siege.peak_mb:.1f} MB after"
    )
    for title, found in (("rejected by ingest", siege.rejected), ("refused by the broker", siege.refused_by_broker)):
        print(f"{title:>24}  count")
        for reason, count in sorted(found.items(), key=lambda one: -one[1]):
            print(f"{reason:>24}{count:>7,}")


def _figures(rows: Sequence[Row], main_row: Row, country: Country, options: argparse.Namespace) -> dict[str, object]:
    return {
        "samples_per_second": round(main_row.ours),
        "bar": BAR,
        "ratio": round(main_row.ratio, 2),
        "cold_schema_ms": round(1000 * country.cold_seconds, 3),
        "centres": options.centres,
        "passes": options.passes,
        "seed": options.seed,
        "versions": {name: version(name) for name in _PACKAGES},
        "group": _GROUP,
        "python": platform.python_version(),
        "protobuf": google_protobuf.implementation,
        "rows": [{**msgspec.to_builtins(row), "ratio": round(row.ratio, 2)} for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())
