"""What the central command line does."""

import sys
from argparse import Namespace
from pathlib import Path

from central.config import read_config
from telemetry.errors import ConfigError


def ingest(arguments: Namespace) -> int:
    """The ingest process, until SIGTERM."""
    from central.ingest.service import Ingest

    Ingest(read_config(Path(arguments.config))).run()
    return 0


def notify(arguments: Namespace) -> int:
    """The notifier, until SIGTERM."""
    from central.notify.service import run

    config = read_config(Path(arguments.config))
    if config.notify is None:
        raise ConfigError(arguments.config, "$.notify", "not configured", "a [notify] section")
    run(config, config.notify)
    return 0


def import_centres(arguments: Namespace) -> int:
    """The registry from a CSV."""
    from sqlalchemy.exc import SQLAlchemyError

    from central.database import open_database
    from central.registry import import_csv

    if not arguments.database and not arguments.config:
        print("Which database? --config FILE or --database URL", file=sys.stderr)
        return 2
    url = arguments.database or read_config(Path(arguments.config)).database.url
    try:
        engine = open_database(url)
    except SQLAlchemyError as problem:
        allowed = "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        raise ConfigError("[database]", "$.url", f"cannot be opened ({type(problem).__name__})", allowed) from problem
    try:
        centres, technicians = import_csv(Path(arguments.file), engine)
    finally:
        engine.dispose()
    print(f"{centres} centres and {technicians} technicians are registered.")
    return 0


def simulate(arguments: Namespace) -> int:
    """Simulated centres, with progress on a terminal."""
    from central.simulate.service import Simulation

    host, _, port = arguments.broker.rpartition(":")
    if not host or not port.isdigit():
        print(f"--broker {arguments.broker!r}: HOST:PORT, for example 127.0.0.1:1883", file=sys.stderr)
        return 2
    Simulation(arguments, host, int(port)).run()
    return 0
