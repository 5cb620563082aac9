"""once, probe-ups: one device, now."""

import asyncio
import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from agent.config import Section, read_config
from collectors import load
from telemetry.errors import AccessDenied, CollectError, ConfigError, TimedOut, Unreachable
from telemetry.event import Event
from telemetry.reading import Reading

_SILENCE = " (address, UDP port, community, or SNMP version: a wrong community is silence)"
_SILENCE_V3 = " (address or UDP port; some cards are also silent about a wrong priv key)"
EXIT_NOT_A_UPS, EXIT_NO_ANSWER, EXIT_REFUSED = 3, 4, 5


def once(arguments: Namespace) -> int:
    """One collection of a subject; exit 1 if a collector failed."""
    config = read_config(Path(arguments.config))
    sections = [one for one in config.sections if one.subject == arguments.subject]
    if not sections:
        raise ConfigError(
            arguments.config, f"$.collect.{arguments.subject}", "not configured", "a section of that name"
        )
    failed = False
    for section in sections:
        found, problem = asyncio.run(_collect(section, config.state_directory))
        failed |= bool(problem)
        _print(section, found, problem, as_json=arguments.json)
    return 1 if failed else 0


async def _collect(section: Section, state: Path) -> tuple[list[Reading], str]:
    found: list[Reading] = []
    collector = load(section.subject).build(section.config, state)
    try:
        async with asyncio.timeout(section.config.deadline_seconds), collector:
            settle = getattr(collector, "settle_seconds", 0.0)
            await asyncio.sleep(settle)
            async for one in collector.collect():
                if not isinstance(one, Event):
                    found.append(one)
    except CollectError as problem:
        return found, f"{problem.reason}: {problem}"
    except TimeoutError:
        return found, f"deadline: took longer than {section.config.deadline_seconds:g} s"
    return found, ""


def _print(section: Section, found: list[Reading], problem: str, *, as_json: bool) -> None:
    if as_json:
        values = [{"metric": one.metric.name, "labels": one.series.label_map(), "value": one.value} for one in found]
        print(json.dumps({"instance": section.config.instance, "values": values, "problem": problem or None}))
        return
    for one in found:
        labels = ",".join(f'{key}="{value}"' for key, value in one.series.label_map().items())
        print(f"{one.metric.name}{'{' + labels + '}' if labels else ''} {one.value:g}")
    if problem:
        print(f"{section.subject}/{section.config.instance}: {problem}", file=sys.stderr)


def probe_ups(arguments: Namespace) -> int:
    """One JSON object about one card."""
    snmp: Any = importlib.import_module("collectors.snmp")
    probing: Any = importlib.import_module("collectors.ups.probe")
    auth, auth_key = _pair(arguments.auth, "SHA256")
    priv, priv_key = _pair(arguments.priv, "AES128")
    for word, known in ((auth, snmp.AUTH_PROTOCOLS), (priv, snmp.PRIV_PROTOCOLS)):
        if word not in known:
            return _complain(f"{word!r} is no protocol; one of {', '.join(known)}, before a colon and the key", 2)
    access = snmp.Access(
        host=arguments.host, port=arguments.port, version=arguments.snmp, community=arguments.community,
        user=arguments.user, auth_protocol=auth, auth_key=auth_key, priv_protocol=priv, priv_key=priv_key,
        timeout_seconds=arguments.timeout,
    )  # fmt: skip
    try:
        answer = asyncio.run(probing.probe(access))
    except AccessDenied as problem:
        return _complain(str(problem), EXIT_REFUSED)
    except (TimedOut, Unreachable) as problem:
        hint = _SILENCE_V3 if arguments.snmp == "3" else _SILENCE
        return _complain(f"{problem}{hint}", EXIT_NO_ANSWER)
    print(json.dumps(answer, indent=None if arguments.json else 2))
    return 0 if answer["recognised"] else EXIT_NOT_A_UPS


def _pair(text: str, default: str) -> tuple[str, str]:
    protocol, colon, key = text.partition(":")
    return (protocol, key) if colon else (default, text)


def _complain(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
