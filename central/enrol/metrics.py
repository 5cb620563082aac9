"""/metrics of the enrol server, for the store on the same machine."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from telemetry import catalogue as names

log = logging.getLogger(__name__)


class EnrolMetrics(Collector):
    """Answers by endpoint, and until when the list of the revoked is good."""

    def __init__(self, answers: dict[tuple[str, str], int], list_end: Callable[[], datetime | None]) -> None:
        self._answers, self._list_end = answers, list_end

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's."""
        entry = names.ENROL_REQUESTS
        requests = CounterMetricFamily(entry.name, entry.help + ".", labels=entry.labels)
        for labels, count in sorted(self._answers.copy().items()):
            requests.add_metric(labels, count)
        yield requests
        end = self._list_end()
        if end is not None:
            entry = names.ENROL_LIST_EXPIRY
            yield GaugeMetricFamily(entry.name, entry.help + ".", value=end.timestamp())


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, *args: Any) -> None:
        log.debug(*args)


def serve(metrics: EnrolMetrics, host: str, port: int) -> WSGIServer:
    """Serve in a daemon thread."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    server = make_server(host, port, make_wsgi_app(registry), handler_class=_Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
