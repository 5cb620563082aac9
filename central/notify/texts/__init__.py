"""What a technician reads: centre, fact, first action, in his language and in as few SMS as it takes.

The centre is always named: by name and id where that fits, by id alone where it does not.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_MAX_SEGMENTS = {"critical": 1}
_DEFAULT_SEGMENTS = 2


@cache
def texts(language: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Alert -> variant -> {what, do}; English for a language that there is no file for."""
    file = _FOLDER / f"{language}.toml"
    return tomllib.loads((file if file.is_file() else _FOLDER / "en.toml").read_text(encoding="utf-8"))


def sentence(alert: str, variant: str, language: str, *, centre: str, name: str, severity: str) -> str:
    """The text; `variant` is a cause or empty."""
    book = texts(language)
    variants = book.get(alert, book["default"])
    found = variants.get(variant) or variants.get("default") or variants.get("unknown") or book["default"]["default"]
    fact = f"{found['what']} {found['do']}".replace("{alert}", alert[:60])
    limit = _MAX_SEGMENTS.get(severity, _DEFAULT_SEGMENTS) if language != "ur" else _DEFAULT_SEGMENTS
    long = f"{name} ({centre}): {fact}" if name != centre else f"{centre}: {fact}"
    return long if segments(long) <= limit else f"{centre}: {fact}"


def segments(text: str) -> int:
    """How many SMS a text takes (3GPP TS 23.038: 160/153 in GSM-7, 70/67 in UCS-2)."""
    single, joined = (160, 153) if set(text) <= _GSM7 else (70, 67)
    return 1 if len(text) <= single else -(-len(text) // joined)
