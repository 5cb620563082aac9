"""Schemas that break a limit, and schemas that do not but would fill the memory."""

from collections.abc import Callable
from typing import Any

from bench.hostile.kinds import ANY, SCHEMA, WRONG_TYPES, Kind, Shot, plain
from telemetry.wire import MAX_SERIES, MAX_WIRE_BYTES, decode_schema, encode_schema

_ROOM = MAX_WIRE_BYTES - 400


def _any_id(shot: Shot, _: bytes) -> str:
    return f"state/schema/{shot.word(8, 8, '0123456789abcdef')}"


def _rows(name: str, make: Callable[[Shot], list[Any]], reason: str) -> Kind:
    return Kind(f"schema: {name}", lambda shot: plain({"v": 1, "s": make(shot)}), reason, _any_id)


def _one(name: str, reason: str, metric: str, labels: Any, scale: Any = 0) -> Kind:
    return _rows(name, lambda _: [[metric, labels, scale]], reason)


def _sensors(count: int, first: int = 0) -> list[list[Any]]:
    return [["centre_host_temperature_celsius", {"sensor": f"s{number}"}, 1] for number in range(first, first + count)]


def many(shot: Shot) -> bytes:
    """A good schema of as many random series as go into a message."""
    rows: list[Any] = []
    room = shot.dice.randint(_ROOM // 2, _ROOM)
    while (room := room - 70) > 0 and len(rows) < MAX_SERIES:
        rows.append(["centre_host_temperature_celsius", {"sensor": shot.word(12, 12)}, 1])
    body = plain({"v": 1, "s": [list(row) for row in {tuple(row[1].values()): row for row in rows}.values()]})
    return encode_schema(decode_schema(body))


def _true_id(_: Shot, body: bytes) -> str:
    return f"state/schema/{decode_schema(body).sid}"


def _short(count: int) -> list[list[Any]]:
    """So many series in less than a message."""
    return [["centre_ups_up", {"ups": f"{number:x}"}, 0] for number in range(count)]


def _with(key: str, make: Callable[[Shot], Any]) -> Callable[[Shot], bytes]:
    """A good schema but for one field."""

    def body(shot: Shot) -> bytes:
        fields = {"v": 1, "s": _sensors(1), key: make(shot)}
        return plain({name: value for name, value in fields.items() if value is not ...})

    return body


_UPS = "centre_ups_up"
KINDS = [
    *(
        Kind(
            f"schema: {key} is {name}",
            _with(key, make),
            "version|malformed" if "huge" in name and key == "v" else "malformed",
            _any_id,
        )
        for key in ("v", "s")
        for name, make in WRONG_TYPES.items()
    ),
    Kind("schema: no JSON", lambda shot: shot.octets(1, 900), "malformed", _any_id),
    Kind("schema: under zlib", lambda shot: b"\x78" + shot.octets(1, 900), "malformed", _any_id),
    Kind(
        "schema: nested", lambda shot: b'{"v":1,"s":' + b"[" * shot.dice.randint(600, _ROOM - 99), "malformed", _any_id
    ),
    Kind("schema: nested in an unknown key", lambda _: b'{"v":1,"x":' + b'[{"a":' * 2000, "malformed", _any_id),
    Kind("schema: megabytes", lambda shot: b"{" + b" " * shot.dice.randint(2**17, 2**20), "oversized", _any_id),
    Kind("schema: broken UTF-8", lambda _: b'{"v":1,"s":[["\xff",{},0]]}', "malformed", _any_id),
    Kind("schema: another version", lambda shot: plain({"v": shot.dice.randint(2, 99), "s": []}), "version", _any_id),
    Kind("schema: under another's id", lambda _: encode_schema(SCHEMA), "schema", _any_id),
    Kind(
        "schema: under no id",
        lambda _: encode_schema(SCHEMA),
        "schema|topic",
        lambda shot, _: f"state/schema/{shot.word()}",
    ),
    Kind("schema: nothing at all", lambda _: b"", ANY, _any_id, retained=True),
    _rows("no series", lambda _: [], "schema"),
    _rows("500 series under a wrong id", lambda _: _short(MAX_SERIES), "schema"),
    _rows("501 series", lambda _: _short(MAX_SERIES + 1), "schema"),
    _rows("one series twice", lambda shot: _sensors(1, shot.dice.randint(0, 99)) * 2, "schema"),
    _rows("four fields", lambda _: [[*_sensors(1)[0], 1]], "malformed"),
    _rows("two fields", lambda _: [_sensors(1)[0][:2]], "malformed"),
    _rows("an unknown metric", lambda shot: [[f"centre_{shot.word()}x", {}, 0]], "metric"),
    _rows("a metric of any letters", lambda shot: [[shot.word(1, 99, "'\"{}\n\u202e"), {}, 0]], "metric"),
    _rows("a metric of kilobytes", lambda shot: [["a" * shot.dice.randint(999, _ROOM - 99), {}, 0]], "metric"),
    _rows(
        "a scale beyond 9", lambda shot: [["centre_host_cpu_usage_ratio", {}, shot.dice.randint(10, 2**62)]], "schema"
    ),
    _rows(
        "a scale below -9", lambda shot: [["centre_host_cpu_usage_ratio", {}, -shot.dice.randint(10, 2**62)]], "schema"
    ),
    _rows("a wrong scale", lambda shot: [["centre_host_cpu_usage_ratio", {}, shot.dice.randint(4, 9)]], "schema"),
    _rows("a label of 65", lambda shot: [[_UPS, {"ups": "r" * shot.dice.randint(65, 9000)}, 0]], "labels"),
    _rows(
        "a label of any letters",
        lambda shot: [[_UPS, {"ups": '"' + shot.word(1, 50, "\n\"\\{}'\u0000é")}, 0]],
        "labels",
    ),
    _rows(
        "labels by the hundred",
        lambda shot: [[_UPS, {f"a{n}": "" for n in range(shot.dice.randint(9, 900))}, 0]],
        "labels",
    ),
    _one("up", "metric", "up", {}),
    _one("a metric of ingest", "metric", "centre_online", {}),
    _one("another metric of ingest", "metric", "centre_ingest_samples_total", {}),
    _one("a metric of ingest with its label", "metric", "centre_offline", {"cause": "power"}),
    _one("another's centre", "labels", _UPS, {"ups": "rack", "centre": "PK-PB-00001"}),
    _one("another's centre alone", "labels", _UPS, {"centre": "PK-PB-00001"}),
    _one("another's job", "labels", _UPS, {"ups": "rack", "job": "centre"}),
    _one("another name", "labels", _UPS, {"ups": "rack", "__name__": "up"}),
    _one("no labels", "labels", _UPS, {}),
    _one("labels in a list", "malformed", _UPS, ["ups", "rack"]),
    _one("a label that is a number", "malformed", _UPS, {"ups": 1}),
    _one("a status that does not exist", "labels", "centre_ups_status", {"ups": "rack", "status": "party"}),
    _one("a scale that is text", "malformed", _UPS, {"ups": "rack"}, "0"),
    Kind("schema: hundreds of series, again and again", many, ANY, _true_id, times=70),
]
