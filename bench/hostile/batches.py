"""Batches that are JSON and no batch: each field of a wrong type, out of its bounds, or at odds with the others."""

from collections.abc import Callable
from typing import Any

from bench.hostile.kinds import ANY, EVENT, SCHEMA, WRONG_TYPES, Kind, Shot, bent, spliced
from telemetry.wire import MAX_EVENTS, MAX_INTEGER, MAX_TICKS, encode_schema

_DAY_MS = 86_400_000
_KEYS = ("v", "sid", "e", "q", "t", "d", "n", "c", "ev")
_OTHERWISE = {
    ("sid", "text"): "schema", ("d", "list"): "malformed", ("c", "list"): "malformed", ("ev", "nothing"): ANY,
    ("v", "huge"): "version|malformed", ("v", "hugely negative"): "version|malformed",
}  # fmt: skip


def _wrong_types() -> list[Kind]:
    return [
        Kind(f"batch: {key} is {name}", _changed(key, make), _OTHERWISE.get((key, name), "malformed"))
        for key in _KEYS
        for name, make in WRONG_TYPES.items()
    ]


def _changed(key: str, make: Callable[[Shot], Any]) -> Callable[[Shot], bytes]:
    return lambda shot: bent(shot, **{key: make(shot)})


def _field(name: str, key: str, make: Callable[[Shot], Any], reason: str) -> Kind:
    return Kind(f"batch: {name}", _changed(key, make), reason)


def _word(word: str, reason: str = "malformed") -> Kind:
    return Kind(f"number: {word}", lambda shot: spliced(shot, b"[900, -10]", word.encode()), reason)


def _digits(least: int, most: int) -> Kind:
    """Refused as a value or as malformed: where the decoder's integers end is its own matter."""

    def body(shot: Shot) -> bytes:
        return spliced(shot, b"[900, -10]", shot.digits(least, most).encode())

    return Kind(f"number: {least} digits and more", body, "value|malformed")


_BOUNDS = [
    _field("version 0", "v", lambda _: 0, "version"),
    _field("another version", "v", lambda shot: shot.dice.choice([-1, 2, 3, 255, 2**31]), "version"),
    _field("a schema nobody announced", "sid", lambda shot: shot.word(8, 8, "0123456789abcdef"), "schema"),
    _field("a short schema id", "sid", lambda shot: shot.word(0, 7, "0123456789abcdef"), "schema"),
    _field("a long schema id", "sid", lambda shot: shot.word(9, 5000, "0123456789abcdef"), "schema"),
    _field("a schema id in capitals", "sid", lambda _: "ABCDEF01", "schema"),
    _field("a schema id with a line end", "sid", lambda _: SCHEMA.sid[:7] + "\n", "schema"),
    _field("a schema id that is a path", "sid", lambda _: "../../..", "schema"),
    _field("a schema id of other digits", "sid", lambda _: "\u0661" * 8, "schema"),
    _field("an epoch below 0", "e", lambda shot: -shot.dice.randint(1, 2**62), "malformed"),
    _field("an epoch beyond 32 bits", "e", lambda shot: shot.dice.randint(2**32, 2**63), "malformed"),
    _field("epoch 0", "e", lambda _: 0, ANY),
    _field("sequence 0", "q", lambda _: 0, "malformed"),
    _field("a sequence below 0", "q", lambda shot: -shot.dice.randint(1, 2**62), "malformed"),
    _field("a sequence beyond 53 bits", "q", lambda shot: shot.dice.randint(MAX_INTEGER + 1, 2**63), "malformed"),
    _field("the same sequence again", "q", lambda _: 1, ANY),
    _field("a time below 0", "t", lambda shot: -shot.dice.randint(1, 2**62), "malformed"),
    _field("a time beyond 53 bits", "t", lambda shot: shot.dice.randint(MAX_INTEGER + 1, 2**63), "malformed"),
    _field("the year 1970", "t", lambda shot: shot.dice.randint(0, 10**9), "old"),
    _field("months ago", "t", lambda shot: shot.now_ms - shot.dice.randint(32, 999) * _DAY_MS, "old"),
    _field("in an hour", "t", lambda shot: shot.now_ms + shot.dice.randint(1, 24) * _DAY_MS // 24, "future"),
    _field("next week", "t", lambda shot: shot.now_ms + shot.dice.randint(1, 60) * _DAY_MS, "future"),
    _field("in a century", "t", lambda shot: shot.now_ms + shot.dice.randint(36_500, 99_999) * _DAY_MS, "future"),
    _field("the last moment of 53 bits", "t", lambda _: MAX_INTEGER, "future"),
    _field("seconds instead of milliseconds", "t", lambda shot: shot.now_ms // 1000, "old"),
    _field("no ticks", "n", lambda _: 0, "malformed"),
    _field("less than no ticks", "n", lambda shot: -shot.dice.randint(1, 2**62), "malformed"),
    _field("too many ticks", "n", lambda shot: shot.dice.randint(MAX_TICKS + 1, 10**9), "malformed"),
    _field("more ticks than values", "n", lambda shot: shot.dice.randint(3, MAX_TICKS), "malformed"),
    _field("fewer ticks than values", "n", lambda _: 1, "malformed"),
    _field("no step", "d", lambda _: 0, "malformed"),
    _field("a step back", "d", lambda shot: -shot.dice.randint(1, 2**62), "malformed"),
    _field("a step beyond a day", "d", lambda shot: shot.dice.randint(_DAY_MS + 1, 2**62), "malformed"),
    _field("too few steps", "d", lambda _: [], "malformed"),
    _field("too many steps", "d", lambda shot: [1] * shot.dice.randint(2, 2000), "malformed"),
    _field("a list with a step back", "d", lambda shot: [-shot.dice.randint(0, 9)], "malformed"),
    _field("a list with a null step", "d", lambda _: [None], "malformed"),
    _field("a list with a huge step", "d", lambda shot: [10 ** shot.dice.randint(9, 18)], "malformed"),
    _field("no columns", "c", lambda _: [], "schema"),
    _field("a column too few", "c", lambda _: [1], "schema"),
    _field("columns too many", "c", lambda shot: [1] * shot.dice.randint(3, 500), "schema"),
    _field("501 columns and more", "c", lambda shot: [0] * shot.dice.randint(501, 3000), "malformed"),
    _field("a short column", "c", lambda _: [1, [900]], "malformed"),
    _field("a long column", "c", lambda shot: [1, [1] * shot.dice.randint(3, 2000)], "malformed"),
    _field("an empty column", "c", lambda _: [1, []], "malformed"),
    _field("a column in a column", "c", lambda _: [1, [[900], 1]], "malformed"),
    _field("true in a column", "c", lambda _: [1, [900, True]], "malformed"),
    _field("true for a column", "c", lambda _: [True, 1], "malformed"),
    _field("a fraction in a column", "c", lambda shot: [1, [1, shot.dice.random() / 2 + 0.1]], "malformed"),
    _field("text in a column", "c", lambda shot: [1, [1, shot.word()]], "malformed"),
    _field("text for a column", "c", lambda _: [1, "900"], "malformed"),
    _field("an object for a column", "c", lambda shot: [1, {shot.word(): 1}], "malformed"),
    _field("a value of 53 bits", "c", lambda shot: [shot.dice.choice([-1, 1]) * MAX_INTEGER, 1], "value"),
    _field("a value of 63 bits", "c", lambda shot: [shot.dice.choice([-1, 1]) * (2**63 - 1), 1], "value"),
    _field("deltas that run over", "c", lambda shot: [1, [MAX_INTEGER - 1, shot.dice.randint(1, 9)]], "value"),
    _field("deltas that run under", "c", lambda shot: [1, [1, -MAX_INTEGER - shot.dice.randint(1, 9)]], "value"),
    _field("a huge delta behind a gap", "c", lambda shot: [1, [None, shot.dice.randint(2**54, 2**63)]], "value"),
    _field("nulls alone", "c", lambda _: [None, [None, None]], ANY),
    _field("a null for a column", "c", lambda shot: [None, shot.dice.randint(0, 9)], ANY),
    _field("values that no device has", "c", lambda shot: [shot.dice.randint(-(2**52), 2**52)] * 2, ANY),
    Kind("batch: all ticks are gaps", lambda shot: bent(shot, n=128, d=1, c=[None, [None] * 128])),
    Kind("batch: every second tick a gap", lambda shot: bent(shot, n=128, d=1, c=[1, [None, 1] * 64])),
    Kind("batch: 128 steps of a day", lambda shot: bent(shot, n=128, d=_DAY_MS, c=[1, [1] * 128]), "future"),
    Kind(
        "batch: begins too long ago",
        lambda shot: bent(shot, t=shot.now_ms - 60 * _DAY_MS, n=61, d=_DAY_MS, c=[1, [1] * 61]),
        "old",
    ),
    Kind("batch: from the future into it", lambda shot: bent(shot, t=shot.now_ms, d=_DAY_MS), "future"),
    Kind("batch: a schema in its place", lambda _: encode_schema(SCHEMA), "malformed"),
    Kind("batch: an ack in its place", lambda shot: b'{"t":%d,"e":1,"a":[[1,9]]}' % shot.now_ms, "malformed"),
]

_NUMBERS = [
    *(_word(word) for word in ("NaN", "Infinity", "-Infinity", "nan", "1e999", "-1e999", "1e15", "1.5e-400")),
    *(_word(word) for word in ("0x10", "01", "+1", "1.", ".5", "-", "--1", "1e", "1_000", "\u0661", "undefined")),
    _digits(17, 25),
    _digits(25, 400),
    _digits(4301, 9000),
    _digits(9001, 15_000),
]


def _event(name: str, reason: str, **changes: Any) -> Kind:
    return Kind(f"event: {name}", lambda shot: bent(shot, ev=[EVENT | changes]), reason)


def _random_event(name: str, reason: str, key: str, make: Callable[[Shot], Any]) -> Kind:
    return Kind(f"event: {name}", lambda shot: bent(shot, ev=[EVENT | {key: make(shot)}]), reason)


_EVENTS = [
    Kind("event: too many", lambda shot: bent(shot, ev=[EVENT] * shot.dice.randint(MAX_EVENTS + 1, 150)), "malformed"),
    Kind("event: a number", lambda shot: bent(shot, ev=[shot.dice.random()]), "malformed"),
    Kind("event: an empty object", lambda shot: bent(shot, ev=[{}]), "malformed"),
    _event("unknown keys", ANY, centre="PK-PB-00001", sql="'"),
    _event("no kind", "malformed", kind=None),
    _random_event("an unknown kind", "malformed", "kind", lambda shot: shot.word(13, 40)),
    _random_event("a long id", "labels", "id", lambda shot: "a" * shot.dice.randint(65, 9000)),
    _random_event(
        "an id of any letters", "labels", "id", lambda shot: '"' + shot.word(1, 60, "'\"\\\n;{}<>%$\u202e\u0000")
    ),
    _random_event("an id of another script", "labels", "id", lambda shot: shot.word(1, 60, "\u0627\u0628\u067e\u202e")),
    _event("an id that closes a tag", "labels", id="</script><script>"),
    _event("an id that is a number", "malformed", id=1),
    _event("an id that is empty", ANY, id=""),
    _event("evidence with quotes", "labels", evidence={"who": "O'Neill"}),
    _event("a key of evidence with quotes", "labels", evidence={"no;sql": 1}),
    _random_event(
        "too much evidence", "labels", "evidence", lambda shot: {str(n): n for n in range(shot.dice.randint(17, 300))}
    ),
    _event("evidence in a list", "malformed", evidence=[]),
    _event("evidence within evidence", "malformed", evidence={"a": {"b": 1}}),
    _event("evidence that is null", "malformed", evidence={"a": None}),
    _random_event("evidence that is huge", ANY, "evidence", lambda shot: {"a": 10 ** shot.dice.randint(20, 300)}),
    _event("no time zone", "malformed", start="2026-01-01T00:00:00"),
    _random_event("a start that is no time", "malformed", "start", lambda shot: shot.word()),
    _random_event("a start that is a number", "malformed", "start", lambda shot: shot.now_ms),
    _event("month 13", "malformed", start="2026-13-01T00:00:00Z"),
    _event("30 February", "malformed", start="2026-02-30T00:00:00Z"),
    _event("second 61", "malformed", start="2026-01-01T00:00:61Z"),
    _event("year 1", "malformed", start="0001-01-01T00:00:00+05:00"),
    _event("year 9999", "malformed", end="9999-12-31T23:59:59-05:00"),
    _event("an end without a time zone", "malformed", end="2026-01-02T00:00:00"),
    _event("an end before the start", "malformed", end="2025-12-31T00:00:00Z"),
    _event("a time zone of two days", "malformed", start="2026-01-01T00:00:00+48:00"),
    Kind("event: 64 with the same id", lambda shot: bent(shot, ev=[EVENT] * MAX_EVENTS)),
]

KINDS = [*_wrong_types(), *_BOUNDS, *_NUMBERS, *_EVENTS]
