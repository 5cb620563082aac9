"""`deploy/central/run-local`: a whole centre of the country on loopback, from Debian packages, without Docker.

Starts mosquitto, Prometheus with the shipped rules, Alertmanager, ingest and the notifier, imports
a registry, and shows every text that a technician would get. Everything lives in one directory.
"""

import argparse
import contextlib
import secrets
import signal
import sys
import threading
from pathlib import Path

from central.simulate.service import read_faults, write_registry
from stage import parts
from stage.process import Missing, Part, free_port, listens, tail
from stage.sms import PretendGateway
from telemetry.errors import ConfigError


def main() -> int:
    """Until Ctrl-C."""
    arguments = _parser().parse_args()
    directory = Path(arguments.directory).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.ExitStack() as running:
            _wait(_start(directory, arguments, running))
    except (Missing, ConfigError, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("run-local", description="The central side on loopback, without Docker.")
    parser.add_argument("--directory", default=str(parts.ROOT / ".local"), help="configuration, data and logs")
    parser.add_argument("--mqtt-port", type=int, default=1883)
    parser.add_argument("--prometheus-port", type=int, default=9090)
    parser.add_argument("--alertmanager-port", type=int, default=9093)
    parser.add_argument("--centres", metavar="FILE.csv", default="", help="the registry; else that of --simulate")
    parser.add_argument("--simulate", type=int, default=0, metavar="N", help="send N simulated centres as well")
    parser.add_argument("--faults", metavar="FILE", default="", help="what goes wrong in the simulation")
    return parser


def _start(directory: Path, arguments: argparse.Namespace, running: contextlib.ExitStack) -> list[Part]:
    token = directory / "notify.token"
    token.write_text(secrets.token_urlsafe(32) + "\n")
    token.chmod(0o600)
    gateway = PretendGateway(lambda number, text: print(f"SMS to {number}: {text}", flush=True))
    notify_port = free_port()
    webhook = f"http://127.0.0.1:{notify_port}/alerts"
    rules = sorted(parts.RULES.glob("*.yml"))
    broker, _ = parts.broker(directory / "mosquitto", arguments.mqtt_port)
    store, url = parts.prometheus(
        directory / "prometheus",
        port=arguments.prometheus_port,
        rules=rules,
        alertmanager_port=arguments.alertmanager_port,
    )
    alertmanager, _ = parts.alertmanager(directory / "alertmanager", webhook, token, arguments.alertmanager_port)
    config = directory / "central.toml"
    config.write_text(
        f'[broker]\nport = {arguments.mqtt_port}\ntls = false\n\n[store]\nurl = "{url}"\n\n'
        f'[database]\nurl = "sqlite:///{directory}/central.sqlite"\n\n'
        f'[ingest]\nquarantine_directory = "{directory}/quarantine"\n\n'
        f'[notify]\nport = {notify_port}\ntoken_file = "{token}"\n\n[notify.sms]\nurl = "{gateway.template}"\n'
    )
    notifier = parts.python("notify", directory / "notify", _words("notify", config), listens(notify_port))
    ingest = parts.python("ingest", directory / "ingest", _words("ingest", config))
    started = [broker, store, alertmanager, notifier, ingest]
    for part in started:
        print(f"  starting {part.name:<14} log {part.log}", flush=True)
        running.enter_context(part)
    _registry(directory, arguments, config)
    _simulation(directory, arguments, running)
    print(
        f"Broker 127.0.0.1:{arguments.mqtt_port}, Prometheus {url}, Alertmanager http://127.0.0.1:{arguments.alertmanager_port}"
    )
    print(f"Try: scripts/demo --broker 127.0.0.1:{arguments.mqtt_port}   Ctrl-C ends everything.", flush=True)
    return started


def _words(command: str, config: Path) -> list[str]:
    return ["central", "--log-level", "WARNING", command, "--config", str(config)]


def _registry(directory: Path, arguments: argparse.Namespace, config: Path) -> None:
    file = Path(arguments.centres) if arguments.centres else directory / "centres.csv"
    if not arguments.centres:
        write_registry(file, max(1, arguments.simulate), 1)
    importing = parts.python(
        "import", directory / "import", ["central", "centres", "import", str(file), "--config", str(config)]
    )
    importing.start()
    if importing.process is None or importing.process.wait(60) != 0:
        print(importing.log.read_text(), file=sys.stderr)
    else:
        print(f"  {importing.log.read_text().strip().splitlines()[-1]}")


def _simulation(directory: Path, arguments: argparse.Namespace, running: contextlib.ExitStack) -> None:
    if not arguments.simulate:
        return
    if arguments.faults:
        read_faults(Path(arguments.faults))
    words = [
        "central",
        "simulate",
        "--centres",
        str(arguments.simulate),
        "--broker",
        f"127.0.0.1:{arguments.mqtt_port}",
    ]
    words += ["--faults", arguments.faults] if arguments.faults else []
    simulation: Part = parts.python("simulate", directory / "simulate", words)
    running.enter_context(simulation)


def _wait(started: list[Part]) -> None:
    """Until told to stop; raises RuntimeError with the end of its log when a part dies."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0):
        for part in started:
            if part.process is not None and part.process.poll() is not None:
                raise RuntimeError(f"{part.name} has ended:\n{tail(part.log)}")


if __name__ == "__main__":
    sys.exit(main())
