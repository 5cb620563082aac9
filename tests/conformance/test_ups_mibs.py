"""Every brand file of the folder keeps the promises of the format: a new brand is tested by being there."""

import re
from collections import Counter
from pathlib import Path

import pytest

from collectors.ups.mib import FALLBACK, FOLDER, PHASED, SUMMED, TEXTS, parse_mib
from telemetry.catalogue import UPS_STATUSES

FILES = sorted(FOLDER.glob("*.toml"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_the_folder_is_not_empty_and_holds_the_fallback() -> None:
    assert FALLBACK in {file.stem for file in FILES}
    assert all(file.suffix == ".toml" for file in FOLDER.iterdir())


@every_file
def test_a_file_is_named_after_itself(file: Path) -> None:
    assert parse_mib(file).name == file.stem
    assert re.fullmatch(r"[a-z0-9_-]{1,32}", file.stem)


@every_file
def test_the_probe_is_a_status_row_with_an_enum(file: Path) -> None:
    mib = parse_mib(file)
    probed = [row for row in mib.row if row.oid == mib.probe and row.field == "status"]
    assert len(probed) == 1
    assert probed[0].states
    assert set(probed[0].states.values()) <= {"", *UPS_STATUSES}


@every_file
def test_a_brand_can_tell_mains_from_battery(file: Path) -> None:
    mib = parse_mib(file)
    told = {state for row in mib.row if row.field == "status" for state in row.states.values()}
    assert {"online", "on_battery"} <= told | {word for row in mib.row for word in row.bits.values()}


@every_file
def test_states_are_keyed_by_numbers(file: Path) -> None:
    keys = [key for row in parse_mib(file).row for key in (*row.states, *row.bits, *row.listed)]
    assert all(re.fullmatch(r"-?\d+", key) for key in keys)


@every_file
def test_bits_stand_where_the_reader_looks(file: Path) -> None:
    places = [int(place) for row in parse_mib(file).row for place in row.bits]
    assert all(1 <= place <= 64 for place in places)  # the longest string there is, upsBasicStateOutputState


@every_file
def test_every_oid_is_dotted_numbers(file: Path) -> None:
    mib = parse_mib(file)
    oids = [mib.probe, *mib.object_ids, *(row.oid for row in mib.row), *(oid for row in mib.row for oid in row.alarms)]
    assert all(re.fullmatch(r"1(\.\d+){3,}", oid) for oid in oids)


@every_file
def test_scalars_end_in_their_instance_and_tables_do_not(file: Path) -> None:
    rows = [row for row in parse_mib(file).row if row.phases or row.alarms]
    assert not any(row.oid.endswith(".0") for row in rows)


@every_file
def test_no_object_is_read_twice_for_one_field(file: Path) -> None:
    counted = Counter((row.field, row.oid) for row in parse_mib(file).row)
    assert [one for one, times in counted.items() if times > 1] == []


@every_file
def test_objects_keep_their_printed_spelling(file: Path) -> None:
    assert all(re.fullmatch(r"[a-zA-Z][a-zA-Z0-9-]+(\.\d+)?", row.object) for row in parse_mib(file).row)


@every_file
def test_scales_are_those_of_real_units(file: Path) -> None:
    # tenths, hundredths, thousandths, minutes, hours, kilowatts and tenths of them
    allowed = {0.001, 0.01, 0.1, 1, 10, 60, 100, 1000, 3600}
    assert {row.scale for row in parse_mib(file).row if row.field not in TEXTS} <= allowed


@every_file
def test_only_fields_of_a_phase_are_read_by_phase(file: Path) -> None:
    assert all(row.field in {*PHASED, SUMMED} for row in parse_mib(file).row if row.phases or row.phase)


@every_file
def test_identity_is_read_once_an_hour_and_values_are_not(file: Path) -> None:
    for row in parse_mib(file).row:
        assert row.static == (row.field in TEXTS or row.field == "nominal_voltamperes")


@every_file
def test_a_file_that_names_the_vendor_does_not_ask_for_it(file: Path) -> None:
    mib = parse_mib(file)
    assert not (mib.vendor and any(row.field == "vendor" for row in mib.row))


@every_file
def test_alarm_names_are_label_words(file: Path) -> None:
    mib = parse_mib(file)
    words = [name for row in mib.row for name in row.alarms.values()]
    words += [name for row in mib.row if row.field == "alarms" for name in map(str, row.states.values()) if name]
    told = [word for row in mib.row for word in (*row.bits.values(), *row.listed.values())]
    words += [word.removeprefix("alarm:") for word in told if word.startswith("alarm:")]
    assert all(re.fullmatch(r"[a-z0-9_]{1,64}", word) for word in words)
