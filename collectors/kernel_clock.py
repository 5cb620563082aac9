"""The kernel's view of its clock: adjtimex(2) in read-only mode, no privilege needed.

Source: linux/timex.h. Only the leading fields are read; the struct is padded to its full size.
"""

import ctypes
import os

from msgspec import Struct

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_TIME_ERROR = 5
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("padding", ctypes.c_char * 256),
    )


class Clock(Struct, frozen=True):
    """synchronised: the kernel says a time service disciplines it. offset_seconds: what is left to correct."""

    synchronised: bool
    offset_seconds: float


def kernel_clock() -> Clock:
    """Ask the kernel; raises OSError where the call is forbidden."""
    timex = _Timex(modes=0)
    state = _LIBC.adjtimex(ctypes.byref(timex))
    if state < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    unit = 1e-9 if timex.status & _STA_NANO else 1e-6
    return Clock(state != _TIME_ERROR and not timex.status & _STA_UNSYNC, timex.offset * unit)
