"""The collectd daemon doing the same job: host, UPS over SNMP, MQTT at QoS 1, a Prometheus endpoint, each 10 s.

All UPS numbers come in one GET through a type of our own: the cheapest that its snmp plugin can do.
Texts it cannot read. Sources: collectd.conf(5), types.db(5).
"""

from pathlib import Path

from bench.measure.scraper import Target
from bench.peers.contender import Contender
from bench.peers.devices import polled
from stage.process import Part, answers, free_port, program

PACKAGES = ("collectd-core", "libsnmp40", "libmosquitto1", "libmicrohttpd12", "libprotobuf-c1")
_CONFIG = """
Hostname "bench"
FQDNLookup false
Interval 10
BaseDir "{directory}"
PIDFile "{directory}/collectd.pid"
TypesDB "/usr/share/collectd/types.db" "{directory}/types.db"
LoadPlugin logfile
LoadPlugin cpu
LoadPlugin memory
LoadPlugin df
LoadPlugin interface
LoadPlugin snmp
LoadPlugin mqtt
LoadPlugin write_prometheus
<Plugin logfile>
  LogLevel info
  File STDERR
</Plugin>
<Plugin cpu>
  ReportByCpu false
  ReportByState false
  ValuesPercentage true
</Plugin>
<Plugin df>
  MountPoint "/"
</Plugin>
<Plugin snmp>
  <Data "ups">
    Type "bench_ups"
    Table false
    Values {oids}
  </Data>
  <Host "rack">
    Address "127.0.0.1:{card}"
    Version 2
    Community "public"
    Collect "ups"
    Interval 10
  </Host>
</Plugin>
<Plugin mqtt>
  <Publish "broker">
    Host "127.0.0.1"
    Port {broker}
    ClientId "collectd"
    QoS 1
    Prefix "collectd"
    Retain false
    StoreRates true
  </Publish>
</Plugin>
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "{page}"
</Plugin>
"""


def collectd(directory: Path, ports: dict[str, int]) -> Contender:
    """The daemon on its own configuration."""
    page = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    oids = polled()
    sources = ", ".join(f"v{number:02}:GAUGE:U:U" for number in range(len(oids)))
    (directory / "types.db").write_text(f"bench_ups\t{sources}\n")
    config = directory / "collectd.conf"
    config.write_text(
        _CONFIG.format(directory=directory, page=page, oids=" ".join(f'"{oid}"' for oid in oids), **ports)
    )
    url = f"http://127.0.0.1:{page}/metrics"
    part = Part("collectd", [program("collectd", "collectd-core"), "-f", "-C", config], directory, answers(url))
    return Contender("collectd", part, Target(url, "collectd_snmp_bench_ups_v23"), "collectd/bench")
