"""The trio of Prometheus exporters: node, snmp, blackbox. None of them speaks MQTT.

Debian ships no generated MIB modules for snmp_exporter, so the module is ours: one GET of the
numbers that the others read too.
"""

from collections.abc import Sequence
from pathlib import Path

from bench.measure.scraper import Target
from bench.peers.contender import Contender
from bench.peers.devices import polled
from stage.process import Part, answers, free_port, program

PACKAGES = ("prometheus-node-exporter", "prometheus-snmp-exporter", "prometheus-blackbox-exporter")
_TRIMMED = ("cpu", "meminfo", "filesystem", "netdev", "hwmon", "stat", "timex")
_BLACKBOX = "modules:\n  icmp:\n    prober: icmp\n    timeout: 2s\n    icmp:\n      preferred_ip_protocol: ip4\n"


def node(directory: Path, *, trimmed: bool) -> Contender:
    """node_exporter as installed, or with what our host collector reads."""
    words = [
        "--collector.disable-defaults",
        "--web.disable-exporter-metrics",
        *(f"--collector.{one}" for one in _TRIMMED),
    ]
    name = "node_exporter, trimmed" if trimmed else "node_exporter, default"
    return _exporter(
        name,
        "prometheus-node-exporter",
        directory,
        words if trimmed else [],
        "/metrics",
        "node_memory_MemAvailable_bytes",
    )


def snmp(directory: Path, card: int, oids: Sequence[str] | None = None) -> Contender:
    """snmp_exporter with one module: a GET of these numbers, or of the 24 of bench/peers/devices.py."""
    oids = oids or polled()
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "snmp.yml"
    config.write_text(_module(oids))
    path = f"/snmp?module=ups&target=127.0.0.1:{card}"
    words = [f"--config.file={config}"]
    last = f"ups_{len(oids) - 1:02}"
    return _exporter("snmp_exporter", "prometheus-snmp-exporter", directory, words, path, last)


def blackbox(directory: Path) -> Contender:
    """blackbox_exporter with one ICMP echo."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "blackbox.yml"
    config.write_text(_BLACKBOX)
    path = "/probe?module=icmp&target=127.0.0.1"
    words = [f"--config.file={config}"]
    return _exporter("blackbox_exporter", "prometheus-blackbox-exporter", directory, words, path, "probe_success 1")


def _exporter(name: str, package: str, directory: Path, words: list[str], path: str, proof: str) -> Contender:
    page = free_port()
    listen = f"--web.listen-address=127.0.0.1:{page}"
    url = f"http://127.0.0.1:{page}"
    part = Part(package, [program(package, package), listen, *words], directory, answers(f"{url}/"))
    return Contender(name, part, Target(url + path, proof))


def _module(oids: Sequence[str]) -> str:
    """snmp.yml of snmp_exporter 0.21: `get` names instances, a metric its object and, in a table, the index."""
    lines = ["ups:", "  version: 2", "  timeout: 2s", "  auth:", "    community: public", "  get:"]
    lines += [f"  - {oid}" for oid in oids]
    lines.append("  metrics:")
    for number, oid in enumerate(oids):
        lines += [
            f"  - name: ups_{number:02}",
            f"    oid: {oid.rpartition('.')[0]}",
            "    type: gauge",
            "    help: a number",
        ]
        lines += [] if oid.endswith(".0") else ["    indexes:", "    - labelname: line", "      type: gauge"]
    return "\n".join(lines) + "\n"
