"""Alertmanager's webhook (version 4) -> Alerts. Foreign input: bounded and checked."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from telemetry.errors import Rejected

MAX_BODY_BYTES = 4 * 2**20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class _Alert(Struct, rename="camel"):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: str = ""
    fingerprint: str = ""


class _Webhook(Struct):
    alerts: list[_Alert]


class Alert(Struct, frozen=True):
    """One firing alert about one centre; `identity` tells this alert from every other, also in time."""

    name: str
    centre: str
    severity: str
    identity: str
    labels: dict[str, str]
    annotations: dict[str, str]


_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Webhook)


def firing(body: bytes) -> list[Alert]:
    """The firing alerts of a webhook; what is resolved needs no text. Raises Rejected."""
    if len(body) > MAX_BODY_BYTES:
        raise Rejected("webhook too large", reason="oversized")
    try:
        webhook = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise Rejected(f"no Alertmanager webhook: {str(problem)[:120]}") from problem
    return [_alert(one) for one in webhook.alerts if one.status == "firing"]


def _plain(text: str) -> str:
    """In one line: PostgreSQL holds no NUL, a mail's subject no line break."""
    return _CONTROL.sub(" ", text)


def _alert(one: _Alert) -> Alert:
    one.labels = {_plain(key): _plain(value) for key, value in one.labels.items()}
    name = one.labels.get("alertname", "")[:80]
    return Alert(
        name=name,
        centre=one.labels.get("centre", "")[:35],
        severity=one.labels.get("severity", "warning")[:16],
        identity=_plain(f"{one.fingerprint[:64]}/{one.starts_at[:40]}/{name}"),
        labels=one.labels,
        annotations=one.annotations,
    )
