"""The files of deploy/central, and the metric names that a PromQL text uses."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from stage.process import program

ROOT = Path(__file__).resolve().parents[2]
CENTRAL = ROOT / "deploy/central"
RULE_FILES = sorted((CENTRAL / "prometheus/rules").glob("*.yml"))

_NO_NAMES = re.compile(
    r'"[^"]*"'  # texts
    r"|\{[^}]*\}|\[[^\]]*\]"  # matchers, ranges
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"  # label lists
)
_WORD = re.compile(r"(?<![\w:.$])[a-zA-Z_][\w:]*(?!\s*\(|[\w:])")
_OPERATORS = {"and", "or", "unless", "bool", "offset", "by", "on"}


def rules() -> list[dict[str, Any]]:
    """Every rule of both files."""
    groups = [group for file in RULE_FILES for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> set[str]:
    """The names of the recorded series."""
    return {rule["record"] for rule in rules() if "record" in rule}


def names_in(expr: str) -> set[str]:
    """The metric names of a PromQL expression: words that are neither functions, labels nor operators."""
    words = set(_WORD.findall(_NO_NAMES.sub(" ", re.sub(r"#.*", "", expr))))
    return {word for word in words if word not in _OPERATORS and not re.fullmatch(r"\d+[smhd]|[smhd]", word)}


def run(name: str, package: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A Debian program's verdict; a program that is missing fails the test."""
    command = [program(name, package), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
