"""A first brand file from a walk: which objects answered, to be named and scaled by a person.

    snmpwalk -v2c -c public -On ADDRESS .1 > walk.txt
    python -m scripts.ups_stub walk.txt 1.3.6.1.4.1.99999 > collectors/ups/mibs/brand.toml

Reads snmpwalk -On output and .snmprec. Every row is a comment: delete what is not needed, fill in the rest.
"""

import re
import sys
from pathlib import Path

_WALK = re.compile(r"^\.?([0-9.]+) = (\w[\w-]*): (.*)$")
_RECORD = re.compile(r"^([0-9.]+)\|(\w+)\|(.*)$")


def rows(text: str, root: str) -> list[tuple[str, str, str]]:
    """(OID, type, value) of the objects below `root`."""
    found = []
    for line in text.splitlines():
        match = _WALK.match(line) or _RECORD.match(line)
        if match and match.group(1).startswith(root + "."):
            found.append((match.group(1), match.group(2), match.group(3)[:60]))
    return found


def stub(name: str, root: str, found: list[tuple[str, str, str]]) -> str:
    """The TOML to begin with."""
    head = (
        f'# Begun from a walk; docs/adding-a-ups.md says how to go on.\nname = "{name}"\ntitle = "..."\n'
        f'object_ids = ["{root}"]\nprobe = "{found[0][0] if found else root}"   # the object that only a UPS answers\n'
    )
    body = "".join(
        f'\n# {kind} {value}\n# [[row]]\n# object = "..."\n# oid = "{oid}"\n# field = "..."\n# scale = 1\n'
        for oid, kind, value in found
    )
    return head + body


def main() -> int:
    """Walk file and root from the command line, TOML to stdout."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    file, root = Path(sys.argv[1]), sys.argv[2].strip(".")
    found = rows(file.read_text(encoding="utf-8", errors="replace"), root)
    if not found:
        print(f"{file} holds nothing below {root}", file=sys.stderr)
        return 1
    sys.stdout.write(stub(file.stem, root, found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
