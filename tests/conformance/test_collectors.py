"""Every collector folder offers the same things; the sample in its README is a right configuration."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from agent.config import parse_config
from collectors import SUBJECTS, load
from stage.parts import ROOT

FOLDERS = sorted(path.name for path in (ROOT / "collectors").iterdir() if (path / "__init__.py").is_file())


def test_the_folders_are_the_subjects() -> None:
    assert tuple(FOLDERS) == SUBJECTS


@pytest.mark.parametrize("name", FOLDERS)
def test_a_subject_offers_a_strict_frozen_config_and_build(name: str) -> None:
    module = load(name)
    config = module.Config.__struct_config__
    assert (config.frozen, config.forbid_unknown_fields) == (True, True)
    assert callable(module.build)
    fields = {field.name for field in msgspec.structs.fields(module.Config)}
    assert {"interval_seconds", "deadline_seconds"} <= fields


@pytest.mark.parametrize("name", FOLDERS)
def test_the_sample_in_the_readme_is_right_and_can_be_built(name: str, tmp_path: Path) -> None:
    readme = (ROOT / "collectors" / name / "README.md").read_text(encoding="utf-8")
    sample = readme.split("```toml\n")[1].split("```")[0].replace("config/seats.toml", str(ROOT / "config/seats.toml"))
    config = parse_config(tmp_path / "agent.toml", {"centre": "PK-PB-00042", **tomllib.loads(sample)})
    assert [one.subject for one in config.sections] == [name]
    assert load(name).build(config.sections[0].config, tmp_path) is not None


@pytest.mark.parametrize(
    "folder", ["collectors/internet/engines", "collectors/seats/sources", "central/notify/channels"]
)
def test_a_plug_in_folder_is_not_empty_and_each_file_says_what_it_is(folder: str) -> None:
    files = [file for file in (ROOT / folder).glob("*.py") if file.name != "__init__.py"]
    assert len(files) >= 2
    assert all(file.read_text(encoding="utf-8").startswith('"""') for file in files)
