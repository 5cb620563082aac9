"""The agent as a gateway has it: its own packages compiled, the libraries of requirements.lock, nothing else.

In a checkout bytecode may be missing (5 MiB more), and a developer's site-packages holds what no gateway
has: pysnmp loads pysmi with jinja2 and requests as soon as they are there (8 MiB more, measured).
"""

import compileall
import re
import shutil
from importlib import metadata
from pathlib import Path

_PACKAGES = ("agent", "collectors", "telemetry")


def install(source: Path, directory: Path) -> Path:
    """Make `directory` hold the packages of the checkout `source` and links to their libraries; returns it."""
    directory.mkdir(parents=True)
    for name in _PACKAGES:
        shutil.copytree(source / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    locked = (source / "requirements.lock").read_text(encoding="utf-8")
    for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", locked, re.MULTILINE):
        _put(metadata.distribution(name), directory)
    compileall.compile_dir(directory, quiet=1)  # not what is linked: pip compiled that
    return directory


def _put(library: metadata.Distribution, directory: Path) -> None:
    for top in {file.parts[0] for file in library.files or ()} - {"..", "__pycache__"}:
        source = Path(str(library.locate_file(top)))
        if source.suffix == ".py":
            shutil.copy(source, directory / top)
        elif not (directory / top).exists():
            (directory / top).symlink_to(source)
