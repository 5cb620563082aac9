"""What devices and the line answer: UPS cards, upsd, apcupsd, traps, plugs, seat sensors; real sockets on loopback."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from msgspec import structs

from agent.demo import ber, ups
from bench.fuzz.target import Target
from collectors.mains.plug import Plug, lives, says
from collectors.probes import generate_204, resolve
from collectors.seats.map import Sensor
from collectors.seats.payloads import parse, topics
from collectors.seats.sources.sensors import apply, signal_of
from collectors.snmp import Access, Session, Value
from collectors.ups.apcupsd import ApcupsdUps
from collectors.ups.decode import decode
from collectors.ups.mib import brands, fallback
from collectors.ups.nut import NutUps
from collectors.ups.traps import looks_like_a_trap
from telemetry.errors import CollectError

_CARD_SECONDS, _NAME_SECONDS = 0.02, 0.025
"""Who does not understand an answer waits for another: so long here."""
_ON_MAINS = b"""BEGIN LIST VAR rack
VAR rack battery.charge "98"
VAR rack battery.runtime "1800"
VAR rack input.voltage "231.4"
VAR rack ups.load "22"
VAR rack ups.mfr "APC"
VAR rack ups.status "OL CHRG"
END LIST VAR rack
"""
_ON_BATTERY = b"""BEGIN LIST VAR rack
VAR rack battery.charge "55.5"
VAR rack driver.name "nutdrv_qx"
VAR rack ups.alarm "Replace battery! No fan"
VAR rack ups.status "OB DISCHRG LB"
END LIST VAR rack
"""
_NUT = [_ON_MAINS, _ON_BATTERY, b"ERR UNKNOWN-UPS\n", b"ERR DATA-STALE\n", b"ERR ACCESS-DENIED\n"]
_APC_LINES = (
    "APC      : 001,036,0862\n", "STATUS   : ONLINE \n", "LINEV    : 230.0 Volts\n", "LOADPCT  : 12.0 Percent\n",
    "BCHARGE  : 100.0 Percent\n", "TIMELEFT : 37.5 Minutes\n", "BATTV    : 27.3 Volts\n", "STATFLAG : 0x05000008\n",
    "SELFTEST : NO\n", "LASTXFER : Automatic or explicit self test\n", "MODEL    : Smart-UPS 1500\n",
)  # fmt: skip
_APC = b"".join(len(line).to_bytes(2, "big") + line.encode() for line in _APC_LINES) + b"\0\0"
_SENSORS = (
    Sensor(format="zigbee2mqtt", topic="zigbee2mqtt/pir", sense="motion", battery=True),
    Sensor(format="tasmota", topic="desk"),
    Sensor(format="esphome", topic="desk/binary_sensor/presence"),
)
_SAID = [
    b'{"battery":100,"occupancy":true,"last_seen":"2026-01-01T00:00:00+05:00"}',
    b'{"presence":false,"last_seen":1767225600000}',
    b'{"state":"online"}', b"online", b"offline", b"ON", b"OFF", b'{"Switch1":{"Action":"ON"}}', b'{"Switch1":"OFF"}',
    b'{"Time":"2026-01-01T00:00:00","LD2410S":{"Distance":117,"People":2}}', b'{"POWER":"ON","ENERGY":{"Voltage":231}}',
]  # fmt: skip
_IDENTITY = b"\xa5\x5a\xa5\x5a"
"""Stands for the number of the request in a recorded answer."""


def targets(_: Path, cleanup: ExitStack) -> list[Target]:
    """All of them."""
    runner = cleanup.enter_context(asyncio.Runner())
    plugs = [Plug(topic="plug", on="ON"), Plug(topic="plug", key="ENERGY.Voltage", on="231"), Plug(topic="plug")]
    return [
        Target("ups: upsd", _NUT, _stream(runner, cleanup, lambda port: NutUps("127.0.0.1", port, "rack", 5.0).read),
               (CollectError,)),
        Target("ups: apcupsd", [_APC], _stream(runner, cleanup, lambda port: ApcupsdUps("127.0.0.1", port, 5.0).read),
               (CollectError,)),
        Target("ups: datagram of a card", _datagrams(), _card(runner, cleanup), (CollectError,)),
        Target("ups: values of a card", _values(), _take_values),
        Target("ups: trap", _traps(), looks_like_a_trap),
        Target("mains: plug", _SAID, lambda body: [(says(plug, body), lives(body)) for plug in plugs]),
        Target("seats: sensor", _SAID, _take_sensor),
        Target("internet: page", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n"],
               _stream(runner, cleanup, lambda port: lambda: generate_204("127.0.0.1", port, "/"))),
        Target("internet: name", _names(), _resolver(runner, cleanup)),
    ]  # fmt: skip


# ── streams ────────────────────────────────────────────────────────────────────────────────────
def _stream(
    runner: asyncio.Runner, cleanup: ExitStack, reader: Callable[[int], Callable[[], Awaitable[object]]]
) -> Callable[[bytes], object]:
    """A server that answers the first words of whoever comes with the input, and hangs up."""
    said = bytearray()

    async def serve(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await incoming.read(1024)
            outgoing.write(bytes(said))
            await outgoing.drain()
            outgoing.close()

    server = runner.run(asyncio.start_server(serve, "127.0.0.1", 0))
    cleanup.callback(server.close)
    read = reader(server.sockets[0].getsockname()[1])

    def take(body: bytes) -> object:
        said[:] = body

        async def once() -> object:
            return await read()

        return runner.run(once())

    return take


# ── datagrams ──────────────────────────────────────────────────────────────────────────────────
class _Answers(asyncio.DatagramProtocol):
    """Answers each question with `said`, under the question's own number."""

    def __init__(self, identity_of: Callable[[bytes], bytes]) -> None:
        self.said = b""
        self._identity_of = identity_of
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self.said.replace(_IDENTITY, self._identity_of(data))
        self._transport.sendto(answer[:60_000], addr)


def _serve(runner: asyncio.Runner, cleanup: ExitStack, identity_of: Callable[[bytes], bytes]) -> tuple[_Answers, int]:
    protocol = _Answers(identity_of)

    async def open_it() -> int:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: protocol, local_addr=("127.0.0.1", 0))
        cleanup.callback(transport.close)
        port: int = transport.get_extra_info("sockname")[1]
        return port

    return protocol, runner.run(open_it())


def _request_id(question: bytes) -> bytes:
    (message,) = ber.items(question)
    _, _, pdu = ber.items(message.body)
    return next(ber.items(pdu.body)).body.rjust(4, b"\0")


def _datagrams() -> list[bytes]:
    """Answers to a GET of three objects: whole, with an error, with objects that are missing."""
    values = (
        ber.integer(231), ber.element(ber.OCTETS, b"Smart-UPS"), ber.integer(97, ber.GAUGE32),
        ber.element(ber.NULL, b""), ber.oid((1, 3, 6, 1, 4, 1, 318)), ber.element(ber.NO_SUCH_OBJECT, b""),
    )  # fmt: skip
    found = []
    for status, first in ((0, 0), (2, 0), (0, 3)):
        rows = [
            ber.element(ber.SEQUENCE, ber.oid((1, 3, 6, 1, 2, 1, 33, 1, number, 0)) + value)
            for number, value in enumerate(values[first : first + 3], 1)
        ]
        body = ber.element(ber.INTEGER, _IDENTITY) + ber.integer(status) + ber.integer(status and 1)
        pdu = ber.element(ber.RESPONSE, body + ber.element(ber.SEQUENCE, b"".join(rows)))
        found.append(ber.element(ber.SEQUENCE, ber.integer(1) + ber.element(ber.OCTETS, b"public") + pdu))
    return found


def _card(runner: asyncio.Runner, cleanup: ExitStack) -> Callable[[bytes], object]:
    protocol, port = _serve(runner, cleanup, _request_id)
    oids = [f"1.3.6.1.2.1.33.1.{number}.0" for number in (1, 2, 3)]

    session = Session(Access(host="127.0.0.1", port=port))
    cleanup.callback(session.close)
    protocol.said, whole = _datagrams()[0], session.batch
    runner.run(session.get(oids))  # what a session makes once takes longer than an answer
    session.access = structs.replace(session.access, timeout_seconds=_CARD_SECONDS)

    async def ask() -> object:
        session.batch = whole
        return await session.get(oids), await session.walk("1.3.6.1.2.1.33.1", max_rows=4)

    def take(body: bytes) -> object:
        protocol.said = body
        return runner.run(ask())

    return take


def _values() -> list[bytes]:
    """Lines of OID and value: a number, or text behind a quote, of the demo's card and of each brand's objects."""
    card = ups.identity() | ups.on_battery()
    found = [
        "\n".join(f"{oid} {value}" if isinstance(value, int) else f'{oid} "{value!s}' for oid, value in card.items())
    ]
    for mib in brands():
        oids = dict.fromkeys(oid for row in mib.row for oid in row.oids())
        found.append("\n".join(f"{oid} {number % 7 + 1}" for number, oid in enumerate(oids)))
    return [text.encode() for text in found]


def _take_values(body: bytes) -> None:
    raw: dict[str, Value] = {}
    for line in body.split(b"\n"):
        oid, _, value = line.partition(b" ")
        raw[oid.decode("latin-1")] = value[1:] if value[:1] == b'"' else _number(value)
    for mib in brands():
        decode(raw, mib, fallback())


def _number(text: bytes) -> Value:
    try:
        return int(text[:40])
    except ValueError:
        return text


def _traps() -> list[bytes]:
    pdus = [ber.element(tag, ber.integer(7) + ber.element(ber.SEQUENCE, b"")) for tag in (0xA4, 0xA7, 0xA6)]
    return [ber.element(ber.SEQUENCE, ber.integer(1) + ber.element(ber.OCTETS, b"public") + pdu) for pdu in pdus]


def _names() -> list[bytes]:
    return [
        _IDENTITY[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + b"\7example\3org\0\0\1\0\1",
        _IDENTITY[:2] + b"\x81\x83" + bytes(8),
    ]


def _resolver(runner: asyncio.Runner, cleanup: ExitStack) -> Callable[[bytes], object]:
    protocol, port = _serve(runner, cleanup, lambda question: question[:2])

    async def ask() -> object:
        try:
            async with asyncio.timeout(_NAME_SECONDS):
                return await resolve(f"127.0.0.1#{port}", "example.org")
        except TimeoutError:
            return None

    def take(body: bytes) -> object:
        protocol.said = body.replace(_IDENTITY[:2], _IDENTITY)
        return runner.run(ask())

    return take


def _take_sensor(body: bytes) -> None:
    for sensor in _SENSORS:
        signal = signal_of(sensor)
        for topic in topics(sensor):
            for retained in (False, True):
                update = parse(sensor, topic, body)
                if update is not None:
                    apply(signal, update, retained=retained, now=1e6)
        json.dumps([signal.online, signal.low_battery])
