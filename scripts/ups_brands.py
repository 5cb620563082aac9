"""docs/ups-brands.md from the brand files.

python -m scripts.ups_brands            writes it
python -m scripts.ups_brands --check    exits 1 if the committed one differs
"""

import sys

from collectors.ups.mib import FALLBACK, FOLDER, Mib, parse_mib
from scripts.generated import write_or_check
from stage.parts import ROOT

FILE = ROOT / "docs/ups-brands.md"
HEAD = """# UPS brands

From the files in `collectors/ups/mibs/`. A card is asked for each brand's probe object; sysObjectID only
sorts who is asked first. What a brand leaves open is filled in from RFC 1628, field by field. A card of RFC 1628
alone must tell of a battery too, or it is a PDU; vendor, model, serial and firmware are first asked of the brand of
its sysObjectID. A card that tells of a battery, but never where its output comes from (a UPS at a MikroTik router's
USB port), is read as well: on battery or on mains where its alarms or both voltages show it, else `other`.
Units behind NUT or apcupsd need no brand: `protocol = "nut"` or `"apcupsd"`.

| file | brand | sysObjectID begins with | probe | fields |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole file."""
    mibs = sorted(
        (parse_mib(file) for file in FOLDER.glob("*.toml")), key=lambda mib: (mib.name == FALLBACK, mib.priority)
    )
    return HEAD + "".join(_row(mib) for mib in mibs)


def _row(mib: Mib) -> str:
    fields = ", ".join(dict.fromkeys(row.field for row in mib.row))
    roots = ", ".join(mib.object_ids)
    return f"| {mib.name}.toml | {mib.title} | {roots} | {mib.probe} | {fields} |\n"


def main() -> int:
    """Write, or check."""
    return write_or_check(FILE, page(), "scripts.ups_brands")


if __name__ == "__main__":
    sys.exit(main())
