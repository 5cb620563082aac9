"""The command line: `centre-agent`, or `python -m agent`."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from agent import VERSION
from agent.commands.speedtest import contract
from telemetry.errors import EX_CONFIG, ConfigError


def main(words: Sequence[str] | None = None) -> int:
    """Parse and act; exit 78 with file, path and what is allowed for a wrong configuration."""
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
    parser = argparse.ArgumentParser("centre-agent", description="Measures one e-Rozgar centre and loses no reading.")
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _service(commands)
    _devices(commands)
    return parser


def _service(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser("run", help="the daemon")
    run.add_argument("--config", required=True, metavar="FILE")
    run.set_defaults(act=("agent.commands.service", "run"))

    demo = commands.add_parser("demo", help="a whole centre, simulated: no hardware, no root, no network")
    demo.add_argument("--port", type=int, default=9810)
    demo.add_argument(
        "--state", metavar="DIR", default="", help="keep the outbox here instead of a temporary directory"
    )
    demo.add_argument("--for", dest="seconds", type=float, default=0.0, metavar="SECONDS", help="end by itself")
    demo.add_argument("--broker", metavar="HOST:PORT", default="", help="report to this MQTT 5 broker as well")
    demo.add_argument(
        "--cut-every", type=float, default=180.0, metavar="SECONDS", help="from one mains cut to the next"
    )
    demo.set_defaults(act=("agent.demo.run", "demo"))

    check = commands.add_parser("check-config", help="is this file right?")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(act=("agent.commands.service", "check_config"))

    status = commands.add_parser("status", help="the present, from the running daemon")
    status.add_argument("--url", default="http://127.0.0.1:9810")
    status.add_argument("--json", action="store_true")
    status.set_defaults(act=("agent.commands.service", "status"))

    enrol = commands.add_parser("enrol", help="key and certificate for this gateway, from the centre of the country")
    enrol.add_argument("--url", default="", help="of the enrol server; for --renew it is known")
    enrol.add_argument("--token", default="-", help="from `centre-monitor tokens new`; - asks for it")
    enrol.add_argument("--ca", default="", metavar="FILE", help="the authority to trust at first contact")
    enrol.add_argument("--ca-sha256", default="", metavar="FINGERPRINT", help="or its fingerprint")
    enrol.add_argument("--config", default="/etc/centre-agent/agent.toml", metavar="FILE")
    enrol.add_argument("--renew", action="store_true", help="by the certificate that is still good; the daemon does it")
    enrol.add_argument("--state", default="", metavar="DIR", help="for --renew, instead of --config")
    enrol.set_defaults(act=("agent.commands.enrol", "command"))


def _devices(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    once = commands.add_parser("once", help="one collection, printed")
    once.add_argument("subject", choices=["host", "internet", "mains", "ups", "seats"])
    once.add_argument("--config", required=True, metavar="FILE")
    once.add_argument("--json", action="store_true")
    once.set_defaults(act=("agent.commands.devices", "once"))

    probe = commands.add_parser("probe-ups", help="what one UPS card says, and what of it can be true")
    probe.add_argument("host")
    probe.add_argument("--port", type=int, default=161)
    probe.add_argument("--community", default="public")
    probe.add_argument("--snmp", choices=["1", "2c", "3"], default="2c")
    probe.add_argument("--user", default="")
    probe.add_argument("--auth", default="", metavar="SHA256:PASS")
    probe.add_argument("--priv", default="", metavar="AES128:PASS")
    probe.add_argument("--timeout", type=float, default=2.0, metavar="S")
    probe.add_argument("--json", action="store_true", help="on one line")
    probe.set_defaults(act=("agent.commands.devices", "probe_ups"))

    look = commands.add_parser(
        "discover", help="what answers in the centre's network, and a configuration to begin with"
    )
    look.add_argument("--network", default="", metavar="CIDR", help="default: the /24 of the gateway")
    look.add_argument("--community", default="public")
    look.add_argument("--snmp-port", type=int, default=161)
    look.add_argument("--write", default="", metavar="FILE")
    look.set_defaults(act=("agent.commands.discover", "discover"))

    speed = commands.add_parser("speedtest", help="one throughput test")
    speed.add_argument("--server", required=True, metavar="URL")
    speed.add_argument("--engine", default="http", choices=["http", "speedtest_cli", "iperf3"])
    speed.add_argument("--interface", default="", metavar="IF")
    speed.add_argument("--direction", choices=["down", "up", "both"], default="both")
    speed.add_argument("--class", choices=["quick", "sustained"], default="quick")
    speed.add_argument("--max-bytes", type=int, metavar="N", help="a direction; 60000000, with --full 2000000000")
    speed.add_argument("--full", action="store_true", help="as at installation: sustained, 8 s or longer")
    speed.add_argument(
        "--contract", type=contract, default=(0.0, 0.0), metavar="DOWN/UP", help="Mbit/s promised, such as 20/5"
    )
    speed.add_argument("--json", action="store_true", help="one object on one line")
    speed.set_defaults(act=("agent.commands.speedtest", "speedtest"))


if __name__ == "__main__":
    sys.exit(main())
