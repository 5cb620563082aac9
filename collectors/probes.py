"""One question, one answer: TCP connect, DNS, and an HTTP 204.

Each returns a round trip in seconds, or None when nothing came within 2 s; none raises for a line
that is down. TCP connect stands in where the kernel forbids ICMP (echo.py); a refusal is an answer.
"""

import asyncio
import contextlib
import errno
import secrets
import socket
import time
from typing import Literal

from collectors.echo import TIMEOUT_SECONDS
from collectors.via import family_of, in_figures, leave_by, with_a_way

_MAX_REPLY = 2048
_HAPPY_SECONDS = 0.25
"""After this long the next of several addresses is tried besides (RFC 8305)."""
Web = Literal["ok", "captive", "failed"]


async def connect(host: str, port: int, interface: str = "") -> float | None:
    """TCP connect to an address; a refusal is an answer of the machine."""
    loop = asyncio.get_running_loop()
    begun = time.monotonic()
    try:
        with socket.socket(family_of(host), socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            leave_by(sock, interface)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await loop.sock_connect(sock, in_figures(host, port))
    except TimeoutError:
        return None
    except OSError as problem:
        return time.monotonic() - begun if problem.errno == errno.ECONNREFUSED else None
    return time.monotonic() - begun


async def resolve(resolver: str, name: str, interface: str = "") -> float | None:
    """One A query over UDP (RFC 1035); any well-formed answer counts, also NXDOMAIN."""
    loop = asyncio.get_running_loop()
    identity = secrets.token_bytes(2)
    question = b"".join(bytes((len(part),)) + part.encode() for part in name.strip(".").split(".")) + b"\0"
    query = identity + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question + b"\x00\x01\x00\x01"
    host, _, port = resolver.partition("#")
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            leave_by(sock, interface)
            sock.connect(in_figures(host, int(port or 53)))
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


async def generate_204(host: str, port: int, path: str, interface: str = "") -> tuple[Web, float | None]:
    """GET a page that must answer 204: ok, captive (anything else answered), or failed; time to first byte."""
    writer = None
    begun = time.monotonic()
    try:
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            reader, writer = await _connected(host, port, interface)
            named = f"[{host}]" if ":" in host else host
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n".encode())
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


async def _connected(host: str, port: int, interface: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TCP stream that leaves by the interface to an address or a name; of several addresses to one that answers."""
    if not interface:
        return await asyncio.open_connection(host, port, limit=4096, happy_eyeballs_delay=_HAPPY_SECONDS)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    *others, last = with_a_way((str(one[4][0]) for one in found), interface)
    for address in others:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_SECONDS / 2):
                return await _stream(address, port, interface)
    return await _stream(last, port, interface)


async def _stream(address: str, port: int, interface: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        leave_by(sock, interface)
        await asyncio.get_running_loop().sock_connect(sock, in_figures(address, port))
    except BaseException:
        sock.close()
        raise
    return await asyncio.open_connection(sock=sock, limit=4096)
