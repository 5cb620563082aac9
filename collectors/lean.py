"""Import a library without what it pulls in for features that we do not use.

pysnmp imports pysmi when it is installed, and with it requests and jinja2, to compile MIBs, which we
never do; and cryptography, which only the privacy of SNMPv3 needs. A gateway pays for neither.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(*names: str) -> Iterator[None]:
    """While the block imports, these packages are as if not installed; unless they are loaded already."""
    modules: dict[str, Any] = sys.modules  # type checkers do not know None as a value here
    hidden = [name for name in names if name not in modules]
    for name in hidden:
        modules[name] = None  # what makes `import name` raise ImportError
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
