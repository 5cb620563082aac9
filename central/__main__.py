"""The command line: `centre-monitor`, or `python -m central`."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from telemetry.errors import EX_CONFIG, ConfigError


def main(words: Sequence[str] | None = None) -> int:
    """Parse and act; exit 78 for a wrong configuration."""
    arguments = _parser().parse_args(words)
    logging.basicConfig(level=arguments.log_level, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        code: int = getattr(importlib.import_module("central.commands"), arguments.act)(arguments)
    except ConfigError as problem:
        print(f"configuration: {problem}", file=sys.stderr)
        return EX_CONFIG
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("centre-monitor", description="The central side: ingest, registry, notification.")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in (("ingest", "MQTT to the store and the database"), ("notify", "alerts to technicians")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--config", required=True, metavar="FILE")
        command.set_defaults(act=name)
    registry = commands.add_parser("centres", help="the registry of centres")
    actions = registry.add_subparsers(required=True, metavar="ACTION")
    imports = actions.add_parser("import", help="read a CSV; all of it or, on any error, none of it")
    imports.add_argument("file", metavar="FILE.csv")
    imports.add_argument("--config", metavar="FILE", default="")
    imports.add_argument("--database", metavar="URL", default="")
    imports.set_defaults(act="import_centres")
    simulate = commands.add_parser("simulate", help="N centres through the real wire format")
    simulate.add_argument("--centres", type=int, required=True, metavar="N")
    simulate.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    simulate.add_argument("--faults", default="", metavar="FILE", help="TOML: which centres fail, and how")
    simulate.add_argument("--seed", type=int, default=1, metavar="S")
    simulate.add_argument("--interval", type=float, default=30.0, metavar="SECONDS")
    simulate.add_argument("--history", type=float, default=0.0, metavar="SECONDS", help="send this much past first")
    simulate.add_argument("--for", dest="seconds", type=float, default=0.0, metavar="SECONDS", help="end by itself")
    simulate.set_defaults(act="simulate")
    return parser


if __name__ == "__main__":
    sys.exit(main())
