"""The server's end of the line: the shipped nginx configuration, speedtest-cli's private server, iperf3."""

import sys
from pathlib import Path

from bench.bed.line import SERVER, Line
from stage.process import Part, program

ROOT = Path(__file__).resolve().parents[2]
URL = f"http://{SERVER}"
MINI = f"{URL}/mini/"
# What speedtest-cli asks of speedtest.net before all else; the numbers are those that Ookla's page gave.
_CONFIG_XML = (
    '<?xml version="1.0" encoding="UTF-8"?><settings><client ip="192.0.2.1" lat="31.5" lon="74.3" isp="bench" />'
    '<server-config threadcount="4" ignoreids="" /><download testlength="10" threadsperurl="4" />'
    '<upload testlength="10" ratio="5" threads="2" maxchunkcount="50" /></settings>'
)
_PICTURE_BYTES = {
    350: 245388, 500: 505544, 750: 1118012, 1000: 1986284, 1500: 4468241,
    2000: 7907740, 2500: 12407926, 3000: 17816816, 3500: 24262167, 4000: 31625365,
}  # fmt: skip
_MINI_LOCATIONS = """
  location = /speedtest-config.php { default_type text/xml; try_files /config.xml =404; }
  location = /mini/ { default_type text/html; return 200 'uploadExtension: "php"'; }
  location = /mini/speedtest/latency.txt { default_type text/plain; return 200 'test=test'; }
  location = /mini/speedtest/upload.php {
    client_max_body_size 0; lingering_close always; lingering_time 30s; return 200 'size=500';
  }
  location /mini/speedtest/random { root DIRECTORY; }
"""


def sink(directory: Path) -> Part:
    """What systemd's speed-sink.socket is on a real server."""
    place = directory / "sink"
    return Part("sink", [sys.executable, Path(__file__).with_name("sink.py"), place], directory, place.exists)


def nginx(directory: Path, line: Line) -> Part:
    """Serving both engines on port 80; `directory` has a `sink`."""
    pages = directory / "pages"
    pictures = pages / "mini/speedtest"
    pictures.mkdir(parents=True)
    _sparse(pages / "blob", 4 * 2**30)
    (pages / "config.xml").write_text(_CONFIG_XML)
    for size, octets in _PICTURE_BYTES.items():
        _sparse(pictures / f"random{size}x{size}.jpg", octets)
    shipped = (ROOT / "deploy/central/speed/nginx.conf").read_text()
    server = shipped.replace("/srv/speed", str(pages)).replace("/var/log/nginx", str(directory))
    server = server.replace("/run/speed-sink", str(directory / "sink"))
    server = server.replace("limit_conn speed 10;", _MINI_LOCATIONS.replace("DIRECTORY", str(pages)))
    places = "".join(
        f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"user root;\ndaemon off;\npid {directory}/pid;\nerror_log {directory}/error.log;\n"
        f"events {{}}\nhttp {{\n{places}{server}}}\n"
    )
    command: list[str | Path] = [
        *line.at_server(),
        program("nginx", "nginx-light"),
        "-c",
        directory / "nginx.conf",
        "-p",
        directory,
    ]
    return Part("nginx", command, directory, (directory / "pid").exists)


def iperf3(directory: Path, line: Line) -> Part:
    """Its server, one client at a time."""
    command: list[str | Path] = [*line.at_server(), program("iperf3", "iperf3"), "-s"]
    return Part("iperf3", command, directory, lambda: True)


def _sparse(file: Path, octets: int) -> None:
    with file.open("wb") as handle:
        handle.truncate(octets)
