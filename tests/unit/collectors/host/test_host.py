"""The gateway reads itself: this machine is the device."""

import asyncio
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from collectors.host import Config, build
from collectors.kernel_clock import kernel_clock
from telemetry import catalogue as names
from telemetry.errors import BadData
from telemetry.metric import Metric
from telemetry.reading import Reading
from telemetry.wire import decode_schema, encode_schema, make_schema


def _collect(config: Config, times: int = 1) -> tuple[list[Reading], BadData | None]:
    found: list[Reading] = []

    async def run() -> BadData | None:
        async with build(config, Path()) as host:
            for _ in range(times):
                found.clear()
                try:
                    found.extend([one async for one in host.collect() if isinstance(one, Reading)])
                except BadData as problem:
                    return problem
        return None

    return found, asyncio.run(run())


def _one(readings: list[Reading], metric: Metric) -> float:
    (value,) = [one.value for one in readings if one.metric is metric]
    return value


def test_processor_memory_and_boot_are_those_of_this_machine() -> None:
    found, problem = _collect(Config())
    assert problem is None
    assert 0 <= _one(found, names.HOST_CPU) <= 1
    assert _one(found, names.HOST_MEMORY_TOTAL) == psutil.virtual_memory().total
    assert 0 < _one(found, names.HOST_MEMORY_AVAILABLE) <= psutil.virtual_memory().total
    assert 0 < _one(found, names.HOST_BOOT) <= time.time()


def test_free_space_is_a_ratio_per_file_system() -> None:
    found, _ = _collect(Config(mounts=("/", "/tmp")))
    free = {one.series.labels[0]: one.value for one in found if one.metric is names.HOST_FILESYSTEM_FREE}
    assert set(free) == {"/", "/tmp"}
    assert all(0 <= ratio <= 1 for ratio in free.values())


def test_a_mount_that_is_not_there_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    readings: list[Reading] = []

    async def run() -> None:
        async with build(Config(mounts=(str(tmp_path / "gone"), "/")), Path()) as host:
            async for one in host.collect():
                assert isinstance(one, Reading)
                readings.append(one)

    with pytest.raises(BadData, match="gone"):
        asyncio.run(run())
    assert [one.series.labels for one in readings if one.metric is names.HOST_FILESYSTEM_FREE] == [("/",)]


def test_every_series_is_one_that_the_country_accepts() -> None:
    found, _ = _collect(Config(mounts=("/", "/tmp")))
    series = [one.series for one in found]
    assert decode_schema(encode_schema(make_schema(series))).series == tuple(series)


@pytest.mark.parametrize("mount", ["a+b", "caf\u00e9", "x" * 80, "a~b"])
def test_a_mount_whose_name_no_label_can_carry_is_refused_or_respelt(
    tmp_path_factory: pytest.TempPathFactory, mount: str
) -> None:
    # One bad label and ingest refuses the schema: every reading of the host would be lost.
    place = tmp_path_factory.mktemp("m") / mount
    place.mkdir()
    try:
        config = msgspec.convert({"mounts": [str(place)]}, Config)
    except msgspec.ValidationError:
        return
    found, _ = _collect(config)
    series = [one.series for one in found]
    assert decode_schema(encode_schema(make_schema(series))).series == tuple(series)


def test_the_clock_of_the_kernel_is_read_without_privilege() -> None:
    clock = kernel_clock()
    assert isinstance(clock.synchronised, bool)
    assert abs(clock.offset_seconds) < 10


def test_two_collections_give_the_same_series() -> None:
    first, _ = _collect(Config())
    second, _ = _collect(Config(), times=2)
    assert [one.series for one in first] == [one.series for one in second]


@pytest.mark.parametrize("wrong", [{"interval_seconds": 0}, {"mount": "/"}, {"mounts": "/"}, {"deadline_seconds": 61}])
def test_a_config_that_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Config)
