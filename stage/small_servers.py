"""Servers of a few lines for the namespaces of a bed: names, a page, late echoes.

python -m stage.small_servers names ADDRESS          every name is 192.0.2.1
python -m stage.small_servers page ADDRESS [STATUS]  204, or another status for a sign-in page
python -m stage.small_servers echo SECONDS           answers ICMP echo so much later; the kernel must not
"""

import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from collectors.via import family_of

_ANSWER = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"


def names(address: str) -> None:
    """DNS over UDP on port 53, until killed (RFC 1035 section 4)."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        while True:
            query, sender = sock.recvfrom(512)
            if len(query) > 12:
                sock.sendto(query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + query[12:] + _ANSWER, sender)


def page(address: str, status: int) -> None:
    """HTTP on port 80, until killed; every path has this status."""

    class Handler(BaseHTTPRequestHandler):
        """One answer to everything."""

        def do_GET(self) -> None:
            """An empty answer, or a redirect to where one pays."""
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", "http://pay.invalid/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Silence."""

    HTTPServer.address_family = family_of(address)
    HTTPServer((address, 80), Handler).serve_forever()


def echo(seconds: float) -> None:
    """ICMP echo replies that come late, until killed; one after the other. Needs root."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        while True:
            packet, (sender, _) = sock.recvfrom(2048)
            header = 4 * (packet[0] & 15)
            request = packet[header:]
            if request[0] == 8:
                time.sleep(seconds)
                reply = bytearray(request)
                reply[0:4] = bytes(4)
                reply[2:4] = _checksum(bytes(reply)).to_bytes(2, "big")
                sock.sendto(bytes(reply), (sender, 0))


def _checksum(data: bytes) -> int:
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    if sys.argv[1] == "names":
        names(sys.argv[2])
    elif sys.argv[1] == "echo":
        echo(float(sys.argv[2]))
    else:
        page(sys.argv[2], int((*sys.argv[3:], "204")[0]))
