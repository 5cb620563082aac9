"""The http engine as on Linux before 5.7, where SO_BINDTODEVICE needs privilege: `command` in place of the parent's.

A seccomp filter (seccomp(2)) lets the kernel itself refuse that one socket option.
"""

import ctypes
import errno
import platform
import socket
import struct
import sys

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER_MODE = 38, 22, 2
_SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _LEVEL, _OPTION = 0, 24, 32
"""Offsets in struct seccomp_data: the call's number, its second and third argument."""
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def command(engine: str) -> list[str]:
    """The words that start it."""
    assert engine == "http"
    return [sys.executable, "-m", "tests.devices.old_kernel"]


def grow_old() -> None:
    """From now on this process may not bind a socket to a device; raises OSError where there is no seccomp."""
    wanted = (
        (_NUMBER, _SETSOCKOPT[platform.machine()]),
        (_LEVEL, socket.SOL_SOCKET),
        (_OPTION, socket.SO_BINDTODEVICE),
    )
    steps = []
    for number, (offset, value) in enumerate(wanted):
        to_allow = 2 * (len(wanted) - 1 - number)
        steps += [(_LOAD, 0, 0, offset), (_EQUAL, 0, to_allow + 1, value)]
    steps += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    program = _Program(len(steps), b"".join(struct.pack("=HBBI", *step) for step in steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "no seccomp")


if __name__ == "__main__":
    from collectors.internet.engines import http

    grow_old()
    sys.exit(http.main())
