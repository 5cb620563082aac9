"""run, check-config, status: the daemon and its file."""

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from argparse import Namespace
from pathlib import Path
from typing import Any

from agent.commands.words import coloured
from agent.config import Config, UplinkConfig, read_config
from agent.daemon import Daemon
from agent.identity import Folder
from collectors import load
from telemetry.errors import ConfigError


def run(arguments: Namespace) -> int:
    """The daemon, until SIGTERM."""
    file = Path(arguments.config)
    config = read_config(file)
    asyncio.run(Daemon(config).run(file))
    return 0


def check_config(arguments: Namespace) -> int:
    """Exit 0 and a summary, or the ConfigError."""
    config = read_config(Path(arguments.file))
    elsewhere = unchecked_files(config)
    for file in elsewhere:
        print(f"note: {file} is not on this machine, so it was not looked at.")
    if not elsewhere:
        for one in config.sections:
            load(one.subject).build(one.config, config.state_directory)
    if config.state_directory.parent.is_dir() and not _writable(config.state_directory):
        print(f"note: {config.state_directory} cannot be written by this user; readings would not reach the disk.")
    if config.uplink and config.uplink.in_the_clear:
        print("note: tls is off and the broker is not on this machine: anybody on the way can read and forge.")
    if config.uplink and not _has_identity(config, config.uplink):
        print("note: no certificate yet, so the broker will not take this gateway: centre-agent enrol.")
    if not config.sections:
        print("note: without a [collect] section nothing is measured.")
    subjects = ", ".join(f"{one.subject}/{one.config.instance}" for one in config.sections) or "nothing"
    target = f"{config.uplink.host}:{config.uplink.port}" if config.uplink else "nowhere (no [uplink])"
    print(f"{arguments.file} is right: {config.centre} measures {subjects}, reports to {target}.")
    return 0


def unchecked_files(config: Config) -> list[Path]:
    """Files that the config names and whose folder is not here; raises ConfigError for one that cannot be read."""
    sections: list[Any] = [config.uplink, *(one.config for one in config.sections)]
    sections += [section.broker for section in sections if getattr(section, "broker", None)]
    elsewhere = []
    for section in sections:
        for name in getattr(section, "__struct_fields__", ()):
            value = getattr(section, name)
            if not value or not (name.endswith("_file") or name == "map"):
                continue
            file = Path(value)
            if not file.parent.is_dir():
                elsewhere.append(file)
            elif not os.access(file, os.R_OK):
                raise ConfigError(file, f"$..{name}", "not readable", "a file that the agent's user may read")
    return elsewhere


def _has_identity(config: Config, uplink: UplinkConfig) -> bool:
    named = bool(uplink.cert_file or uplink.username or not uplink.tls)
    return named or Folder(config.state_directory).pair.is_file()


def _writable(directory: Path) -> bool:
    return os.access(directory if directory.is_dir() else directory.parent, os.W_OK)


def status(arguments: Namespace) -> int:
    """The present, from the running daemon."""
    try:
        with urllib.request.urlopen(f"{arguments.url}/status.json", timeout=5) as answer:
            body = answer.read()
    except (urllib.error.URLError, OSError) as problem:
        print(f"No daemon answers at {arguments.url} ({problem}). Is centre-agent running?", file=sys.stderr)
        return 4
    if arguments.json:
        sys.stdout.write(body.decode())
        return 0
    present = json.loads(body)
    verdict = present["verdict"]
    print(coloured(verdict["level"], verdict["sentence"]), verdict["action"])
    for name, tile in present["tiles"].items():
        age = "never read" if tile["age_seconds"] is None else f"{tile['age_seconds']:.0f} s ago"
        print(f"  {name:<11}{coloured(tile['level'], tile['word'])}  ({age})  {'; '.join(tile['details'])}")
    return 0
