"""States that are none, acks that nobody may write, topics that are nobody's, and too much of what is good."""

from collections.abc import Callable
from typing import Any

from bench.hostile.kinds import ANY, EVENT, SCHEMA, WRONG_TYPES, Kind, Shot, packed, plain
from telemetry.wire import MAX_WIRE_BYTES, encode_schema

_HOUR_MS = 3_600_000
_ROOM = MAX_WIRE_BYTES - 400
_NAMES = ("power", "internet", "seats", "online")
_Topic = Callable[[Shot, bytes], str]


def _at(topic: str) -> _Topic:
    return lambda _shot, _body: topic


def _state(shot: Shot, **fields: Any) -> bytes:
    good = {"v": 1, "ts": shot.now_ms - shot.dice.randint(0, 9000)} | fields
    return plain({key: value for key, value in good.items() if value is not ...})


def _of(name: str, what: str, make: Callable[[Shot], dict[str, Any]], reason: str = "malformed") -> Kind:
    return Kind(f"state/{name}: {what}", lambda shot: _state(shot, **make(shot)), reason, _at(f"state/{name}"))


def _keyed(key: str, make: Callable[[Shot], Any]) -> Callable[[Shot], dict[str, Any]]:
    return lambda shot: {key: make(shot)}


def _card(what: str, key: str, make: Callable[[Shot], Any], reason: str = "malformed") -> Kind:
    return _of("power", what, lambda shot: {"ups": {"rack": {"up": True, key: make(shot)}}}, reason)


_HEADS = [
    *(_of("power", f"{key} is {name}", _keyed(key, make)) for key in ("v", "ts") for name, make in WRONG_TYPES.items()),
    _of("power", "another version", lambda shot: {"v": shot.dice.randint(2, 99)}),
    _of("power", "a time below 0", lambda shot: {"ts": -shot.dice.randint(1, 2**62)}),
    _of("power", "a time beyond 42 bits", lambda shot: {"ts": shot.dice.randint(2**42, 2**63)}),
    _of("power", "1970", lambda shot: {"ts": shot.dice.randint(0, 10**9)}, ANY),
    _of("power", "next week", lambda shot: {"ts": shot.now_ms + 168 * _HOUR_MS, "ups": {"a": {"up": True}}}, "future"),
    _of(
        "power",
        "ten minutes and more ahead",
        lambda shot: {"ts": shot.now_ms + shot.dice.randint(700, 9999) * 1000},
        "future",
    ),
    _of("power", "last year", lambda shot: {"ts": shot.now_ms - 8760 * _HOUR_MS, "ups": {"a": {"up": True}}}, ANY),
]
_BODIES = [
    Kind("state: no JSON", lambda shot: b"\x01" + shot.octets(0, 900), "malformed", _at("state/power")),
    Kind("state: a list", lambda shot: plain([shot.word()]), "malformed", _at("state/seats")),
    Kind("state: under zlib", lambda shot: packed({"v": 1, "ts": shot.now_ms}), "malformed", _at("state/internet")),
    Kind(
        "state: nested",
        lambda shot: b'{"v":1,"ups":' + b"[" * shot.dice.randint(600, _ROOM - 99),
        "malformed",
        _at("state/power"),
    ),
    Kind(
        "state: nested and closed",
        lambda shot: b'{"v":1,"ts":%d,"ups":' % shot.now_ms + b"[" * 900 + b"]" * 900 + b"}",
        "malformed",
        _at("state/power"),
    ),
    Kind(
        "state: NaN",
        lambda shot: b'{"v":1,"ts":%d,"ups":{"a":{"up":NaN}}}' % shot.now_ms,
        "malformed",
        _at("state/power"),
    ),
    Kind(
        "state: 1e999",
        lambda shot: b'{"v":1,"ts":%d,"ups":{"a":{"up":1e999}}}' % shot.now_ms,
        "malformed",
        _at("state/power"),
    ),
    Kind(
        "state: thousands of digits",
        lambda shot: b'{"v":1,"ts":%d,"ups":{"a":{"up":%s}}}' % (shot.now_ms, shot.digits(4301, 9000).encode()),
        "malformed",
        _at("state/power"),
    ),
    Kind(
        "state: broken UTF-8", lambda shot: b'{"v":1,"ts":%d,"\xff":1}' % shot.now_ms, "malformed", _at("state/power")
    ),
    Kind(
        "state: a fraction for the time",
        lambda shot: _state(shot, ts=shot.now_ms + 0.5),
        "malformed",
        _at("state/power"),
    ),
    Kind(
        "state: up to the limit",
        lambda shot: _state(shot, x=shot.word(_ROOM - 99, _ROOM - 60)),
        ANY,
        _at("state/power"),
    ),
    Kind(
        "state: beyond the limit",
        lambda shot: _state(shot, x="x" * (MAX_WIRE_BYTES + 1)),
        "oversized",
        _at("state/power"),
    ),
    Kind(
        "state: megabytes",
        lambda shot: _state(shot, x="x" * shot.dice.randint(2**20, 2**21)),
        "oversized",
        _at("state/power"),
    ),
    Kind("state: a good batch", lambda shot: plain(shot.batch()), "malformed", _at("state/seats")),
    Kind("state: a schema", lambda _: encode_schema(SCHEMA), "malformed", _at("state/internet")),
]
_DEVICES = [
    *(
        _of(name, f"{key} is {kind}", _keyed(key, make))
        for name, key in (("power", "ups"), ("power", "mains"), ("internet", "uplinks"), ("seats", "spaces"))
        for kind, make in WRONG_TYPES.items()
        if kind not in ("object", "nothing")
    ),
    *(
        _of(name, f"{key} of text", _keyed(key, lambda shot: {shot.word(): shot.word()}))
        for name, key in (("power", "ups"), ("power", "mains"), ("internet", "uplinks"), ("seats", "spaces"))
    ),
    _of(
        "power",
        "33 cards and more",
        lambda shot: {"ups": {f"u{n}": {"up": True} for n in range(shot.dice.randint(33, 500))}},
    ),
    _of(
        "power",
        "a card of any letters",
        lambda shot: {"ups": {'"' + shot.word(1, 60, "\n'\"\\{}\u202e\u0000"): {"up": True}}},
        "labels",
    ),
    _of(
        "power",
        "a card with a long name",
        lambda shot: {"ups": {"u" * shot.dice.randint(65, 9000): {"up": True}}},
        "labels",
    ),
    _of("power", "a card without a name", lambda _: {"ups": {"": {"up": True}}}, ANY),
    _card("up is text", "up", lambda _: "yes"),
    _card("up is beyond 53 bits", "up", lambda shot: 2 ** shot.dice.randint(53, 900)),
    _card("charge is text", "charge_ratio", lambda shot: shot.word()),
    _card("charge is a list", "charge_ratio", lambda _: [0.5]),
    _card("charge is beyond all numbers", "charge_ratio", lambda shot: 10.0 ** shot.dice.randint(16, 300)),
    _card("runtime is huge", "runtime_seconds", lambda shot: -(10 ** shot.dice.randint(16, 300))),
    _card("charge is 10000 %", "charge_ratio", lambda _: 100.0, ANY),
    _card("an unknown status", "status", lambda shot: shot.word(13, 90)),
    _card("a status in a list", "status", lambda _: ["online"]),
    _card("a status in an object", "status", lambda _: {"online": 1}),
    _card("a card's time after the state's", "ts", lambda shot: shot.now_ms + _HOUR_MS),
    _card("a card's time below 0", "ts", lambda shot: -shot.dice.randint(1, 2**62)),
    _card("a card's time beyond all numbers", "ts", lambda shot: -(10 ** shot.dice.randint(20, 300))),
    _card("a card's time that is text", "ts", lambda _: "now"),
    _card("a card's time that is true", "ts", lambda _: True),
    _card("a card's time in 1975", "ts", lambda _: 2**37, ANY),
    _of("internet", "an unknown fault", lambda shot: {"uplinks": {"wan": {"up": True, "fault": shot.word(13, 40)}}}),
    _of("internet", "a fault in an object", lambda _: {"uplinks": {"wan": {"up": True, "fault": {}}}}),
    _of("internet", "33 uplinks and more", lambda _: {"uplinks": {f"w{n}": {"up": True} for n in range(400)}}),
    _of("seats", "no kind", lambda _: {"spaces": {"lab": {"free": 3}}}),
    _of(
        "seats",
        "a kind of any letters",
        lambda shot: {"spaces": {"lab": {"free": 3, "kind": shot.word(1, 9, "'\"\n")}}},
    ),
    _of("seats", "a kind that is a number", lambda _: {"spaces": {"lab": {"free": 3, "kind": 7}}}),
    _of(
        "seats",
        "fewer than none",
        lambda shot: {"spaces": {"lab": {"free": -shot.dice.randint(1, 99), "kind": "cabin"}}},
        ANY,
    ),
    _of("seats", "a count that is text", lambda _: {"spaces": {"lab": {"free": "3", "kind": "cabin"}}}),
    _of("online", "a word for true", lambda _: {"online": "yes"}, ANY),
    _of("online", "a list for true", lambda _: {"online": [1]}, ANY),
    _of("online", "a cause of any letters", lambda shot: {"online": False, "cause": shot.word(1, 900, "'\"\n{}")}, ANY),
    _of("online", "a cause in an object", lambda _: {"online": False, "cause": {"a": 1}}, ANY),
    _of("online", "next year", lambda shot: {"ts": shot.now_ms + 8760 * _HOUR_MS, "online": True}, ANY),
    _of("nonsense", "a name nobody knows", lambda shot: {shot.word(): shot.word()}, ANY),
]
_RETAINED = [
    Kind(
        f"retained: junk on state/{name}",
        lambda shot: b"\x01" + shot.octets(0, 3000),
        "malformed",
        _at(f"state/{name}"),
        retained=True,
    )
    for name in _NAMES
] + [
    Kind(
        "retained: a junk schema",
        lambda shot: b"\x01" + shot.octets(0, 3000),
        "malformed",
        lambda shot, _: f"state/schema/{shot.word(8, 8, '0123456789abcdef')}",
        retained=True,
    ),
    Kind("retained: a batch", lambda shot: plain(shot.batch()), ANY, retained=True),
    Kind("retained: junk on samples", lambda shot: b"\x01" + shot.octets(0, 3000), "malformed", retained=True),
    Kind(
        "retained: states of any name",
        _state,
        ANY,
        lambda shot, _: f"state/{shot.word(1, 60)}",
        retained=True,
    ),
    Kind(
        "retained: a state from last year",
        lambda shot: _state(shot, ts=shot.now_ms - 8760 * _HOUR_MS),
        ANY,
        _at("state/power"),
        retained=True,
    ),
    Kind(
        "retained: a state from next year",
        lambda shot: _state(shot, ts=shot.now_ms + 8760 * _HOUR_MS),
        "future",
        _at("state/power"),
        retained=True,
    ),
    Kind("retained: nothing", lambda _: b"", ANY, _at("state/power"), retained=True),
]


def _ack(name: str, make: Callable[[Shot], bytes], topic: _Topic) -> Kind:
    return Kind(f"ack: {name}", make, ANY, topic)


def _victims(shot: Shot, _: bytes) -> str:
    return f"/centres/{shot.victim}/ack"


AIMED = [
    _ack(
        "for all rows of another",
        lambda shot: b'{"t":%d,"e":%d,"a":[[0,9007199254740992]]}' % (shot.now_ms, shot.dice.randrange(1, 2**32)),
        _victims,
    ),
    _ack(
        "rejects all rows of another", lambda shot: plain({"t": shot.now_ms, "e": 1, "r": list(range(900))}), _victims
    ),
    _ack("tells another a wrong time", lambda shot: plain({"t": shot.now_ms + 8760 * _HOUR_MS}), _victims),
    _ack("asks another for a schema", lambda shot: plain({"t": shot.now_ms, "need": shot.word(8, 8)}), _victims),
    _ack("junk for another", lambda shot: shot.octets(0, 9000), _victims),
    _ack("for its own rows", lambda shot: plain({"t": shot.now_ms, "e": 1, "a": [[0, 9]]}), _at("ack")),
    Kind("another's samples", lambda shot: plain(shot.batch()), ANY, lambda shot, _: f"/centres/{shot.victim}/samples"),
    Kind(
        "another's state",
        lambda shot: _state(shot, online=False),
        ANY,
        lambda shot, _: f"/centres/{shot.victim}/state/online",
        retained=True,
    ),
]
"""The shipped broker refuses them all, or an honest centre loses readings."""


def _topic(name: str, make: Callable[[Shot], str], reason: str = "topic") -> Kind:
    return Kind(f"topic: {name}", lambda shot: plain(shot.batch()), reason, lambda shot, _: f"/centres/{make(shot)}")


TOPICS = [
    _topic("a centre in small letters", lambda shot: f"{shot.word()}/samples"),
    _topic("a centre without a name", lambda _: "/samples"),
    _topic("a long centre", lambda shot: f"{shot.word(36, 9000, 'ABC')}/samples"),
    _topic("five parts", lambda _: "PK-PB-0-0-1/samples"),
    _topic("nine letters in a part", lambda _: "PK-PB-000000042/samples"),
    _topic("a dash at the end", lambda _: "PK-/samples"),
    _topic("a path", lambda _: "..%2f..%2fetc/samples"),
    _topic("spaces", lambda shot: f" {shot.word(1, 9, 'AB ')} /samples"),
    _topic("quotes", lambda shot: f"{shot.word(1, 9, chr(34) + chr(39))}/samples"),
    _topic("other digits", lambda _: "PK-\u0661\u0662/samples"),
    _topic("the other direction of writing", lambda _: "PK-\u202eBP/samples"),
    _topic("an emoji", lambda _: "\U0001f4a9/state/power"),
    _topic("markup", lambda _: "<b>PK<b>/samples"),
    _topic("a level too many", lambda shot: f"{shot.centre}/state/a/b/c"),
    _topic("a hundred levels", lambda shot: f"{shot.centre}/state/{'a/' * shot.dice.randint(20, 150)}b"),
    _topic("no level below state", lambda shot: f"{shot.centre}/state"),
    _topic("a schema without an id", lambda shot: f"{shot.centre}/state/schema/a/b"),
    _topic("an empty level", lambda shot: f"{shot.centre}/state//"),
    Kind(
        "topic: centres nobody enrolled",
        lambda shot: plain(shot.batch(ev=[EVENT])),
        ANY,
        lambda shot, _: f"/centres/XX-{shot.word(1, 8, 'ABCDEFGH')}/samples",
    ),
    Kind(
        "topic: states of centres nobody enrolled",
        lambda shot: _state(shot, online=True),
        ANY,
        lambda shot, _: f"/centres/XX-{shot.word(1, 8, 'ABCDEFGH')}/state/online",
        retained=True,
    ),
]
"""No centre may write these; who may stands in for a broker whose word is not worth much."""

_FLOODS = [
    Kind("flood: one batch 200 times", lambda shot: plain(shot.batch(q=7)), times=200),
    Kind("flood: junk", lambda shot: b"\x01" + shot.octets(0, 900), "malformed", times=100),
    Kind(
        "flood: asks for schemas",
        lambda shot: plain(shot.batch(sid=shot.word(8, 8, "0123456789abcdef"))),
        "schema",
        times=100,
    ),
    Kind(
        "flood: it goes, it comes",
        lambda shot: _state(shot, online=shot.dice.random() < 0.5),
        ANY,
        _at("state/online"),
        times=100,
    ),
    Kind(
        "flood: events",
        lambda shot: packed(shot.batch(ev=[EVENT | {"id": shot.word(20, 60)} for _ in range(64)])),
        times=20,
    ),
]

KINDS = [*_HEADS, *_BODIES, *_DEVICES, *_RETAINED, *_FLOODS]
