"""The documents tell the truth: samples are right, links lead somewhere, commands exist, generated pages are fresh."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.config import read_config
from central.config import read_config as read_central
from collectors.seats.map import read_map
from stage.parts import ROOT

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("collectors/*/README.md"), *ROOT.glob("deploy/**/*.md")]
)
SOURCES = [
    *(file for folder in ("agent", "bench", "central", "collectors", "stage", "telemetry", "tests", "scripts", "deploy")
      for file in (ROOT / folder).rglob("*.py")),
]  # fmt: skip


def test_the_sample_configurations_are_right() -> None:
    assert read_config(ROOT / "config/agent.toml").uplink is not None
    assert read_central(ROOT / "config/central.toml").notify is not None
    assert len(read_map(ROOT / "config/seats.toml")) == 2
    assert main(["check-config", str(ROOT / "config/agent.toml")]) == 0


def _samples(document: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("sample", _samples("docs/power-without-a-card.md"))
def test_every_way_to_power_without_a_card_is_a_right_configuration(sample: str, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'centre = "PK-PB-00042"\nstate_directory = "{tmp_path}"\n{sample}', encoding="utf-8")
    assert main(["check-config", str(file)]) == 0


@pytest.mark.parametrize(
    "module", ["scripts.samples", "scripts.metrics", "scripts.ups_brands", "scripts.internet_cost", "scripts.sizing"]
)
def test_generated_files_are_up_to_date(module: str) -> None:
    assert subprocess.run([sys.executable, "-m", module, "--check"], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", text)
    targets = [one or other for one, other in links]
    assert [target for target in targets if "://" not in target and not (document.parent / target).exists()] == []


def test_every_command_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for script in re.findall(r"(?:scripts|deploy/central)/[a-z-]+(?=[ `\n])", text):
        assert (ROOT / script).exists(), script
    for command in re.findall(r"centre-agent ([a-z-]+)", text):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0


def test_no_source_file_is_longer_than_400_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): n
        for file in SOURCES
        if (n := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
