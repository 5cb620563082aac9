"""The command line: `centre-monitor`, or `python -m central`."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Any

from telemetry.errors import EX_CONFIG, ConfigError


def main(words: Sequence[str] | None = None) -> int:
    """Parse and act; exit 78 for a wrong configuration."""
    arguments = _parser().parse_args(words)
    logging.basicConfig(level=arguments.log_level, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    module, function = arguments.act
    try:
        code: int = getattr(importlib.import_module(module), function)(arguments)
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
        command.set_defaults(act=("central.commands", name))
    registry = commands.add_parser("centres", help="the registry of centres")
    actions = registry.add_subparsers(required=True, metavar="ACTION")
    imports = actions.add_parser("import", help="read a CSV; all of it or, on any error, none of it")
    imports.add_argument("file", metavar="FILE.csv")
    imports.add_argument("--config", metavar="FILE", default="")
    imports.add_argument("--database", metavar="URL", default="")
    imports.set_defaults(act=("central.commands", "import_centres"))
    simulate = commands.add_parser("simulate", help="N centres through the real wire format")
    simulate.add_argument("--centres", type=int, required=True, metavar="N")
    simulate.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    simulate.add_argument("--faults", default="", metavar="FILE", help="TOML: which centres fail, and how")
    simulate.add_argument("--seed", type=int, default=1, metavar="S")
    simulate.add_argument("--interval", type=float, default=30.0, metavar="SECONDS")
    simulate.add_argument("--history", type=float, default=0.0, metavar="SECONDS", help="send this much past first")
    simulate.add_argument("--for", dest="seconds", type=float, default=0.0, metavar="SECONDS", help="end by itself")
    simulate.set_defaults(act=("central.commands", "simulate"))
    _enrolment(commands)
    return parser


def _enrolment(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def command(parent: Any, name: str, function: str, text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = parent.add_parser(name, help=text)
        made.add_argument("--config", default="/etc/centre-monitor/central.toml", metavar="FILE")
        made.set_defaults(act=("central.enrol.commands", function))
        return made

    command(commands, "enrol-server", "enrol_server", "gives gateways their certificates, for a token, by HTTPS")
    authority = commands.add_parser("ca", help="the authority of all certificates")
    actions = authority.add_subparsers(required=True, metavar="ACTION")
    init = command(actions, "init", "ca_init", "make it, once")
    init.add_argument("--name", default="e-Rozgar centre monitor", help="its common name")
    init.add_argument("--days", type=int, default=3650)
    server = command(actions, "server", "ca_server", "a certificate for the broker or the enrol server")
    server.add_argument("name", help="the files are NAME.crt and NAME.key")
    server.add_argument("--host", action="append", required=True, help="name or address; may be given again")
    server.add_argument("--days", type=int, default=730)
    server.add_argument("--output", default=".", metavar="DIRECTORY")
    client = command(actions, "client", "ca_client", "a certificate for a service of ours, such as ingest")
    client.add_argument("name", help="its common name; the files are NAME.crt and NAME.key")
    client.add_argument("--days", type=int, default=730)
    client.add_argument("--output", default=".", metavar="DIRECTORY")
    tokens = commands.add_parser("tokens", help="what a technician needs to enrol a gateway")
    new = command(tokens.add_subparsers(required=True, metavar="ACTION"), "new", "new_token", "print one, once")
    new.add_argument("centre", metavar="CENTRE")
    new.add_argument("--hours", type=float, default=72.0)
    revoke = command(commands, "revoke", "revoke", "a centre's certificates count no more, now")
    revoke.add_argument("centre", nargs="?", default="", metavar="CENTRE")
    revoke.add_argument("--serial", default="", metavar="HEX", help="this certificate alone")
    revoke.add_argument("--reason", default="", metavar="TEXT", help="for the record")
    crl = command(commands, "crl", "write_crl", "write the list of the revoked; the enrol server does it by itself")
    crl.add_argument("--output", required=True, metavar="FILE")


if __name__ == "__main__":
    sys.exit(main())
