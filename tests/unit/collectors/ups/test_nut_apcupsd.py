"""UPSes behind NUT and apcupsd: words of their status, dead drivers, stale data, hostile servers."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.ups import Config, _reader, apcupsd, nut
from collectors.ups.apcupsd import ApcupsdUps
from collectors.ups.nut import NutUps
from collectors.ups.state import UpsState
from telemetry.errors import AccessDenied, BadData, CollectError, NotRecognised, TimedOut, Unreachable

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ONLINE = {
    "battery.charge": "93.00", "battery.runtime": "1740", "battery.voltage": "26.4", "input.voltage": "229.0",
    "input.frequency": "50.1", "output.voltage": "230", "ups.load": "23", "ups.mfr": "APC ",
    "ups.model": "Back-UPS 1400",
    "ups.serial": "4B1234", "ups.status": "OL CHRG", "ups.temperature": "31.2",
}  # fmt: skip


def upsd(variables: dict[str, str], error: str = "") -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            if line == "LIST UPS":
                writer.write(b'BEGIN LIST UPS\nUPS rack "a \\"quoted\\" name"\nEND LIST UPS\n')
            elif error:
                writer.write(f"ERR {error}\n".encode())
            else:
                rows = "".join(f'VAR rack {key} "{value}"\n' for key, value in variables.items())
                writer.write(f"BEGIN LIST VAR rack\n{rows}END LIST VAR rack\n".encode())
            await writer.drain()
        writer.close()

    return talk


def read(talk: Talk, make: Callable[[int], NutUps | ApcupsdUps]) -> UpsState:
    async def act() -> UpsState:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            try:
                return await make(server.sockets[0].getsockname()[1]).read()
            finally:
                await asyncio.sleep(0.01)  # the server's side sees the end and closes

    return asyncio.run(act())


def from_nut(talk: Talk, name: str = "") -> UpsState:
    return read(talk, lambda port: NutUps("127.0.0.1", port, name, 1.0))


def test_a_ups_of_nut_is_read_in_base_units() -> None:
    state = from_nut(upsd(ONLINE))
    assert (state.status, state.battery_low, state.replace_battery, state.overload) == ("online", False, False, False)
    assert (state.charge_ratio, state.runtime_seconds, state.battery_volts) == (0.93, 1740, 26.4)
    assert (state.input_volts, state.input_hertz, state.load_ratio) == ([229.0], 50.1, [0.23])
    assert (state.vendor, state.model, state.serial) == ("APC", "Back-UPS 1400", "4B1234")
    assert state.rejected == []


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("OL", "online"), ("OB DISCHRG LB", "on_battery"), ("OL BOOST", "boost"), ("OL TRIM", "trim"),
        ("BYPASS", "bypass"),
        ("OFF OB", "off"), ("OL OFF", "off"), ("OFF", "off"), ("OB CAL", "test"), ("OL TEST", "test"),
        ("FSD", "other"), ("ECO OL", "eco"), ("OL DISCHRG", "other"), ("OB DISCHRG", "on_battery"),
    ],
)  # fmt: skip
def test_the_words_of_a_status_say_where_the_output_comes_from(words: str, status: str) -> None:
    assert nut.state_of({"ups.status": words}).status == status


def test_a_driver_that_waits_for_its_first_word_is_communication_lost() -> None:
    state = nut.state_of({"ups.status": "WAIT"})
    assert (state.communicating, state.status, state.battery_low) == (False, None, None)


def test_no_status_is_no_status() -> None:
    state = nut.state_of({"battery.charge": "50"})
    assert (state.status, state.battery_low, state.overload) == (None, None, None)


def test_a_runtime_of_nothing_on_mains_is_absent_as_with_a_card() -> None:
    state = nut.state_of(ONLINE | {"battery.runtime": "0"})
    assert state.runtime_seconds is None
    assert [one.rule for one in state.rejected] == ["zero_runtime_on_mains"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("DRIVER-NOT-CONNECTED", Unreachable), ("DATA-STALE", Unreachable), ("UNKNOWN-UPS", NotRecognised),
        ("ACCESS-DENIED", AccessDenied), ("USERNAME-REQUIRED", AccessDenied),
    ],
)  # fmt: skip
def test_what_upsd_refuses_is_communication_lost_or_named(error: str, kind: type[CollectError]) -> None:
    with pytest.raises(kind):
        from_nut(upsd(ONLINE, error))


def test_a_silent_upsd_is_timed_out_and_none_is_unreachable() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    with pytest.raises(TimedOut):
        read(silent, lambda port: NutUps("127.0.0.1", port, "rack", 0.2))
    with pytest.raises(Unreachable):
        asyncio.run(NutUps("127.0.0.1", 9, "rack", 1.0).read())


@given(st.dictionaries(st.sampled_from([*ONLINE, "ups.power.nominal"]), st.text(max_size=40), max_size=8))
def test_whatever_nut_says_the_state_can_be_true(values: dict[str, str]) -> None:
    state = nut.state_of(values)
    assert state.charge_ratio is None or 0 <= state.charge_ratio <= 1
    assert all(one is None or 0 <= one <= 600 for one in state.input_volts)


def nis(records: list[str], *, cut: bool = False) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == b"\x00\x06status"
        for record in records:
            writer.write(len(record).to_bytes(2, "big") + record.encode())
        if not cut:
            writer.write(b"\x00\x00")
        await writer.drain()
        writer.close()

    return talk


REPORT = [
    "APC      : 001,036,0879\n", "STATUS   : ONLINE REPLACEBATT\n", "BCHARGE  : 100.0 Percent\n",
    "TIMELEFT : 38.0 Minutes\n",
    "LINEV    : 231.0 Volts\n", "LOADPCT  : 17.0 Percent\n", "BATTV    : 27.3 Volts\n", "MODEL    : Smart-UPS 1500\n",
    "SERIALNO : AS1234\n",
]  # fmt: skip


def from_apcupsd(talk: Talk) -> UpsState:
    return read(talk, lambda port: ApcupsdUps("127.0.0.1", port, 1.0))


def test_a_ups_of_apcupsd_is_read_in_base_units() -> None:
    state = from_apcupsd(nis(REPORT))
    assert (state.status, state.replace_battery, state.battery_low) == ("online", True, False)
    assert (state.charge_ratio, state.runtime_seconds, state.input_volts) == (1.0, 2280, [231.0])
    assert (state.model, state.serial, state.load_ratio) == ("Smart-UPS 1500", "AS1234", [0.17])


def test_communication_lost_is_never_the_last_values() -> None:
    with pytest.raises(Unreachable):
        from_apcupsd(nis([*REPORT[:1], "STATUS   : COMMLOST\n", *REPORT[2:]]))


def test_a_report_that_breaks_off_is_bad_data() -> None:
    with pytest.raises(BadData):
        from_apcupsd(nis(REPORT, cut=True))


def test_a_self_test_is_no_outage() -> None:
    assert apcupsd.state_of({"STATUS": "CAL ONBATT"}).status == "test"
    assert apcupsd.state_of({"STATUS": "ONBATT LOWBATT"}).battery_low is True


@pytest.mark.parametrize(
    ("report", "status"),
    [
        ({"STATUS": "SHUTTING DOWN", "STATFLAG": "0x05060250"}, "on_battery"),
        ({"STATUS": "SHUTTING DOWN", "STATFLAG": "0x05000208"}, "online"),
        ({"STATUS": "SHUTTING DOWN"}, "other"), ({"STATUS": ""}, "other"), ({}, None),
        ({"STATUS": "ONLINE", "STATFLAG": "what"}, "online"), ({"STATUS": "TRIM ONLINE SLAVE"}, "trim"),
        ({"STATUS": "ONBATT", "SELFTEST": "IP"}, "test"), ({"STATUS": "ONLINE", "SELFTEST": "IP"}, "online"),
        ({"STATUS": "ONBATT", "LASTXFER": "Automatic or explicit self test"}, "test"),
        ({"STATUS": "ONBATT", "LASTXFER": "Low line voltage", "SELFTEST": "NO"}, "on_battery"),
    ],
)  # fmt: skip
def test_the_flags_of_apcupsd_say_what_its_words_hide(report: dict[str, str], status: str | None) -> None:
    assert apcupsd.state_of(report).status == status


def test_a_lost_ups_is_lost_also_while_apcupsd_shuts_down() -> None:
    state = apcupsd.state_of({"STATUS": "SHUTTING DOWN", "STATFLAG": "0x05000311", "BCHARGE": "009.0 Percent"})
    assert (state.communicating, state.status, state.charge_ratio) == (False, None, None)


def test_what_apcupsd_does_not_know_is_absent_and_no_lie() -> None:
    state = apcupsd.state_of({"STATUS": "ONLINE NOBATT", "LINEV": "N/A", "BCHARGE": "N/A"})
    assert (state.input_volts, state.charge_ratio, state.rejected) == ([], None, [])
    assert state.alarms == ["no_batteries"]


def test_a_report_without_a_status_is_no_ups() -> None:
    with pytest.raises(NotRecognised):
        from_apcupsd(nis(["APC      : 001,001,0001\n"]))
    with pytest.raises(NotRecognised):
        from_nut(upsd({"battery.charge": "50"}))


def test_a_line_without_end_is_bad_data() -> None:
    with pytest.raises(BadData):
        from_nut(upsd({"ups.status": "O" * 9000}))


@pytest.mark.parametrize("name", ["a b", 'a"', "a\nLOGOUT", "a" * 65])
def test_a_name_that_nut_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "a", "host": "h", "nut_name": name}, Config)


def test_the_config_chooses_who_speaks(tmp_path: Path) -> None:
    made = [_reader(Config(name="a", host="h", protocol=one), tmp_path) for one in ("snmp", "nut", "apcupsd")]
    assert [type(one).__name__ for one in made] == ["Card", "NutUps", "ApcupsdUps"]
