"""The parts of a centre of the country, each ready to start on loopback."""

import os
import pwd
import sys
from pathlib import Path

from stage.process import Part, answers, free_port, listens, program

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "deploy/central/prometheus/rules"
OUT_OF_ORDER = "744h"


def broker(directory: Path, port: int | None = None, extra: str = "") -> tuple[Part, int]:
    """Mosquitto without TLS and accounts, for loopback only."""
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "mosquitto.conf"
    # As root, mosquitto would give up its rights and lose its directory.
    user = f"user {pwd.getpwuid(os.getuid()).pw_name}\n"
    config.write_text(
        f"{user}listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_packet_size 16384\n"
        f"max_queued_messages 20000\nmax_inflight_messages 200\nset_tcp_nodelay true\n{extra}"
    )
    return Part("mosquitto", [program("mosquitto", "mosquitto"), "-c", config], directory, listens(port)), port


def shipped_broker(directory: Path, certificates: Path, acl: str = "") -> tuple[Part, int]:
    """Mosquitto as deploy/central has it: mutual TLS, its limits, its ACL with the lines `acl` added.

    Without the second listener, by which the enrol server cuts the revoked: nobody is revoked here.
    """
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "acl").write_text((ROOT / "deploy/central/acl").read_text(encoding="utf-8") + acl, encoding="utf-8")
    shipped = (ROOT / "deploy/central/mosquitto.conf").read_text(encoding="utf-8").split("listener 8884")[0]
    for old, new in (
        ("listener 8883", f"listener {port} 127.0.0.1"),
        ("/etc/centre-monitor/tls", str(certificates)),
        ("/var/lib/centre-monitor/crl", str(certificates)),
        ("/etc/centre-monitor/acl", str(directory / "acl")),
    ):
        shipped = shipped.replace(old, new)
    config = directory / "mosquitto.conf"
    config.write_text(f"user {pwd.getpwuid(os.getuid()).pw_name}\n{shipped}", encoding="utf-8")
    return Part("mosquitto", [program("mosquitto", "mosquitto"), "-c", config], directory, listens(port)), port


def prometheus(
    directory: Path, *, port: int | None = None, rules: list[Path] | None = None, alertmanager_port: int | None = None,
    evaluation: str = "15s",
) -> tuple[Part, str]:  # fmt: skip
    """Prometheus as a remote-write receiver with an out-of-order window; its URL."""
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "prometheus.yml"
    alerting = ""
    if alertmanager_port:
        alerting = (
            f"alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['127.0.0.1:{alertmanager_port}']\n"
        )
    files = "rule_files:\n" + "".join(f"- {file}\n" for file in rules) if rules else ""
    config.write_text(
        f"global:\n  scrape_interval: 15s\n  evaluation_interval: {evaluation}\n{files}{alerting}"
        f"storage:\n  tsdb:\n    out_of_order_time_window: {OUT_OF_ORDER}\n"
    )
    command = [
        program("prometheus", "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=warn",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    return Part("prometheus", command, directory, answers(f"{url}/-/ready")), url


def victoria_metrics(directory: Path, port: int | None = None) -> tuple[Part, str]:
    """VictoriaMetrics, deduplicating replays; its URL."""
    port = port or free_port()
    command = [
        program("victoria-metrics", "victoria-metrics"),
        f"-storageDataPath={directory}/data", f"-httpListenAddr=127.0.0.1:{port}",
        "-dedup.minScrapeInterval=1ms", "-retentionPeriod=12", "-search.latencyOffset=0s", "-loggerLevel=WARN",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    return Part("victoria-metrics", command, directory, answers(f"{url}/health")), url


def alertmanager(directory: Path, webhook: str, token_file: Path, port: int | None = None) -> tuple[Part, int]:
    """Alertmanager with one receiver: our notifier."""
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "alertmanager.yml"
    template = (ROOT / "deploy/central/alertmanager.yml").read_text(encoding="utf-8")
    config.write_text(
        template.replace("http://127.0.0.1:9812/alerts", webhook).replace(
            "/etc/centre-monitor/notify.token", str(token_file)
        )
    )
    command = [
        program("prometheus-alertmanager", "prometheus-alertmanager"),
        f"--config.file={config}", f"--storage.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    ]  # fmt: skip
    return Part("alertmanager", command, directory, answers(f"http://127.0.0.1:{port}/-/ready")), port


def python(
    name: str, directory: Path, words: list[str], ready: object = None, *, environment: dict[str, str] | None = None
) -> Part:
    """One of our own programs."""
    check = ready if callable(ready) else lambda: True
    own = {"PYTHONPATH": str(ROOT), **(environment or {})}
    return Part(name, [sys.executable, "-m", *words], directory, check, environment=own)
