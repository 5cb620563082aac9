"""Give back to the system what starting up has used: pysnmp compiles its MIBs into memory that glibc would keep."""

import asyncio
import ctypes
import gc

_FIRST_SECONDS, _EVERY_SECONDS = 15.0, 3600.0


async def keep_small() -> None:
    """Soon after the start, then once an hour; nothing where the C library has no malloc_trim."""
    wait = _FIRST_SECONDS
    while True:
        await asyncio.sleep(wait)
        wait = _EVERY_SECONDS
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
