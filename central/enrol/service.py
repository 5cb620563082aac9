"""The enrol server: desk, HTTPS, warden and metrics, until SIGTERM."""

import logging
import signal
import threading
from pathlib import Path

from central.config import Config, Enrol
from central.database import open_database
from central.enrol.authority import Authority
from central.enrol.desk import Desk
from central.enrol.metrics import EnrolMetrics, serve
from central.enrol.server import EnrolServer
from central.enrol.warden import Warden
from telemetry.errors import ConfigError

log = logging.getLogger(__name__)


def run(config: Config, settings: Enrol) -> None:
    """Serve until SIGTERM; raises ConfigError."""
    engine = open_database(config.database.url)
    authority = Authority.load(Path(settings.directory))
    desk = Desk(engine, authority, settings)
    try:
        server = EnrolServer(settings, desk)
        warden = Warden(engine, authority, settings, server.shutdown)  # without it no revocation counts: start anew
        if settings.metrics_port:
            metrics = EnrolMetrics(desk.answers, lambda: warden.told_end)
            serve(metrics, settings.metrics_host, settings.metrics_port)
    except OSError as problem:
        raise ConfigError("[enrol]", "$.enrol.port", f"cannot listen ({problem.strerror})", "a free port") from problem
    warden.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    log.info("the enrol server listens port=%d", settings.port)
    server.serve_forever()
    warden.stop()
    warden.join(10)
