"""What the kernel knows of a TCP flow (struct tcp_info of linux/tcp.h; Linux 5.4 and newer for its end)."""

import socket
import struct
from typing import NamedTuple

_SIZE = 232
_MSS, _TOTAL_RETRANS, _DELIVERED, _BYTES_SENT, _OUT_OF_ORDER = 16, 100, 192, 200, 224


class TcpInfo(NamedTuple):
    """delivered: payload bytes that have arrived over there, those behind a hole too. sent: with all repeats.

    repeated: segments sent again. out_of_order: segments that came here behind a hole.
    """

    delivered: int
    sent: int
    repeated: int
    out_of_order: int
    segment: int


def tcp_info(flow: socket.socket) -> TcpInfo:
    """Of one flow; what an old kernel does not tell is 0."""
    raw = flow.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE).ljust(_SIZE, b"\0")

    def word(offset: int) -> int:
        return int(struct.unpack_from("<I", raw, offset)[0])

    sent = int(struct.unpack_from("<Q", raw, _BYTES_SENT)[0])
    segment = word(_MSS)
    return TcpInfo(word(_DELIVERED) * segment, sent, word(_TOTAL_RETRANS), word(_OUT_OF_ORDER), segment)
