"""The Debian packages that a bench compares with: installed as root, else named."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_STARTS = "#!/bin/sh\nexit 101\n"


def need(packages: Sequence[str]) -> None:
    """Have them installed, none of their services started; ends the program naming what is missing otherwise."""
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    words = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0:
        raise SystemExit(f"These packages are missing; as root: {words}")
    print(f"Installing {' '.join(missing)} ...", flush=True)
    ours = not _POLICY.exists()
    if ours:
        _POLICY.write_text(_NO_STARTS)
        _POLICY.chmod(0o755)
    try:
        _apt("update", "-qq")
        _apt("install", "-y", "-qq", "--no-install-recommends", *missing)
    finally:
        if ours:
            _POLICY.unlink()


def _installed(name: str) -> bool:
    asked = subprocess.run(
        ["/usr/bin/dpkg-query", "-W", "-f=${Status}", name], capture_output=True, text=True, check=False
    )
    return asked.stdout == "install ok installed"


def version(name: str) -> str:
    """The version that is installed."""
    asked = subprocess.run(
        ["/usr/bin/dpkg-query", "-W", "-f=${Version}", name], capture_output=True, text=True, check=False
    )
    return asked.stdout


def _apt(*words: str) -> None:
    done = subprocess.run(
        ["/usr/bin/apt-get", *words], capture_output=True, text=True, check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"apt-get {words[0]} failed:\n{done.stderr or done.stdout}")
