"""What the kernel knows of a TCP flow (struct tcp_info of linux/tcp.h; Linux 5.4 and newer for its end)."""

import socket
import struct
from typing import NamedTuple

_SIZE = 232
_MSS, _SACKED, _TOTAL_RETRANS, _BYTES_ACKED, _BYTES_SENT, _OUT_OF_ORDER = 16, 28, 100, 120, 200, 224


class TcpInfo(NamedTuple):
    """delivered: payload bytes that have arrived over there, those behind a hole too. sent: with all repeats.

    repeated: segments sent again. out_of_order: segments that came here behind a hole. segment: bytes.
    """

    delivered: int
    sent: int
    repeated: int
    out_of_order: int
    segment: int


def tcp_info(flow: socket.socket) -> TcpInfo:
    """Of one flow; what an old kernel does not tell is 0.

    delivered is made of tcpi_bytes_acked and tcpi_sacked: tcpi_delivered counts short segments as full ones.
    """
    raw = flow.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE).ljust(_SIZE, b"\0")
    segment = _word(raw, _MSS)
    delivered = _long(raw, _BYTES_ACKED) + _word(raw, _SACKED) * segment
    return TcpInfo(delivered, _long(raw, _BYTES_SENT), _word(raw, _TOTAL_RETRANS), _word(raw, _OUT_OF_ORDER), segment)


def _word(raw: bytes, offset: int) -> int:
    return int(struct.unpack_from("<I", raw, offset)[0])


def _long(raw: bytes, offset: int) -> int:
    return int(struct.unpack_from("<Q", raw, offset)[0])
