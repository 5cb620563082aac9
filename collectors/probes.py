"""One question, one answer: ICMP echo without privilege, TCP connect, DNS, and an HTTP 204.

Each returns a round trip in seconds, or None when nothing came within 2 s; none raises for a line
that is down. ICMP goes by a datagram socket (net.ipv4.ping_group_range, see deploy/gateway); where
the kernel forbids it, TCP connect stands in, and a refusal counts as an answer.
"""

import asyncio
import contextlib
import errno
import secrets
import socket
import struct
import time
from typing import Literal

TIMEOUT_SECONDS = 2.0
PROBE_FRAME_BYTES = 60
_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_MAX_REPLY = 2048
Web = Literal["ok", "captive", "failed"]


def icmp_allowed() -> bool:
    """Whether this process may open an ICMP datagram socket."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


async def echo(host: str) -> float | None:
    """ICMP echo to an IPv4 address; the kernel owns the id, the payload carries a random mark."""
    loop = asyncio.get_running_loop()
    mark = secrets.token_bytes(16)
    packet = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, 0, 1) + mark  # the kernel sets id and checksum
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as sock:
            sock.setblocking(False)
            sock.connect((host, 0))
            begun = time.monotonic()
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await loop.sock_sendall(sock, packet)
                while True:
                    reply = await loop.sock_recv(sock, _MAX_REPLY)
                    if reply[:1] == bytes((_ECHO_REPLY,)) and reply[8:] == mark:
                        return time.monotonic() - begun
    except (OSError, TimeoutError):
        return None


async def connect(host: str, port: int) -> float | None:
    """TCP connect; a refusal is an answer of the machine."""
    loop = asyncio.get_running_loop()
    begun = time.monotonic()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await loop.sock_connect(sock, (host, port))
    except TimeoutError:
        return None
    except OSError as problem:
        return time.monotonic() - begun if problem.errno == errno.ECONNREFUSED else None
    return time.monotonic() - begun


async def resolve(resolver: str, name: str) -> float | None:
    """One A query over UDP (RFC 1035); any well-formed answer counts, also NXDOMAIN."""
    loop = asyncio.get_running_loop()
    identity = secrets.token_bytes(2)
    question = b"".join(bytes((len(part),)) + part.encode() for part in name.strip(".").split(".")) + b"\0"
    query = identity + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question + b"\x00\x01\x00\x01"
    host, _, port = resolver.partition("#")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((host, int(port or 53)))
            begun = time.monotonic()
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await loop.sock_sendall(sock, query)
                while True:
                    answer = await loop.sock_recv(sock, _MAX_REPLY)
                    if _answers(answer, identity):
                        return time.monotonic() - begun if answer[3] & 0x0F in (0, 3) else None
    except (OSError, TimeoutError):
        return None


def _answers(answer: bytes, identity: bytes) -> bool:
    return len(answer) >= 12 and answer[:2] == identity and bool(answer[2] & 0x80)


async def generate_204(host: str, port: int, path: str) -> tuple[Web, float | None]:
    """GET a page that must answer 204: ok, captive (anything else answered), or failed; time to first byte."""
    writer = None
    begun = time.monotonic()
    try:
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, family=socket.AF_INET, limit=4096)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
            took = time.monotonic() - begun
    except (OSError, TimeoutError, ValueError):
        return "failed", None
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    parts = line.split()
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/"):
        return "failed", None
    return ("ok" if parts[1] == b"204" else "captive"), took
