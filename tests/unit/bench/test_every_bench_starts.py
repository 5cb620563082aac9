"""Each benchmark can be started: nothing that it needs was renamed behind its back."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(file.relative_to(ROOT) for file in (ROOT / "bench").rglob("*.py"))
BENCHES = [file.stem for file in FILES if file.parent.name == "bench" and file.stem != "__init__"]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_file_of_the_benches_can_be_loaded(file: Path) -> None:
    importlib.import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_says_what_it_can_be_told(name: str) -> None:
    done = subprocess.run([sys.executable, "-m", f"bench.{name}", "--help"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"usage" in done.stdout
