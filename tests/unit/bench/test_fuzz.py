"""The nightly fuzz, for a moment: every target understands its good inputs and stands some bad ones; harm is found."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bench.fuzz.run import all_targets, told
from bench.fuzz.target import Round, Target, check_good, fuzz
from stage.parts import ROOT
from telemetry.errors import Rejected


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Target]]:
    logging.disable(logging.CRITICAL)
    with ExitStack() as cleanup:
        yield all_targets(tmp_path_factory.mktemp("fuzz"), cleanup)
    logging.disable(logging.NOTSET)


def test_every_target_stands_half_a_second_of_fuzz(targets: list[Target]) -> None:
    for target in targets:
        one = Round(finding=check_good(target))
        fuzz(target, int.from_bytes(os.urandom(4), "big"), one, 0.5)
        assert one.finding is None, told(one.finding)
        assert one.executions > 0


def _found(target: Target) -> str:
    one = Round()
    fuzz(target, 1, one, 20.0)
    return one.finding.what if one.finding is not None else ""


def _raises(body: bytes) -> None:
    raise KeyError(len(body))


def _refuses(_: bytes) -> None:
    raise Rejected("no")


def test_an_error_that_nobody_foresaw_is_a_finding() -> None:
    assert "KeyError" in _found(Target("wrong", [b"x"], _raises, (Rejected,)))


def test_an_error_that_was_foreseen_is_none() -> None:
    one = Round()
    fuzz(Target("right", [b"x"], _refuses, (Rejected,)), 1, one, 0.1)
    assert (one.finding, one.refused) == (None, one.executions)


def test_a_reader_that_does_not_end_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.fuzz.target.LIMIT_SECONDS", 0.1)
    assert "more than" in _found(Target("slow", [b"x"], lambda _: time.sleep(60), ()))


def test_a_target_that_understands_nothing_is_a_finding() -> None:
    assert check_good(Target("deaf", [b"x"], _refuses, (Rejected,))) is not None


def test_the_same_seed_gives_the_same_inputs() -> None:
    seen: list[list[bytes]] = [[], []]
    for log in seen:
        fuzz(Target("log", [b'{"a": 1}', b"[2]"], log.append), 7, Round(), 0.05)
    shorter = min(map(len, seen))
    assert shorter > 10
    assert seen[0][:shorter] == seen[1][:shorter]


def test_an_input_can_be_taken_again() -> None:
    words = ["-m", "bench.fuzz.run", "--replay", "wire: topic", b"centres/x/samples".hex()]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "refused: Rejected" in done.stdout
