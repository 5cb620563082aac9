"""config/agent.toml and config/central.toml, generated from the Structs and their docstrings.

python -m scripts.samples            writes them
python -m scripts.samples --check    exits 1 if the committed ones differ
"""

import ast
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from agent import config as agent_config
from central import config as central_config
from collectors import host, internet, mains, mqtt, seats, ups

ROOT = Path(__file__).resolve().parent.parent


def field_texts(kind: type[Any]) -> dict[str, str]:
    """The string under each field of a Struct."""
    (tree,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found, last = {}, ""
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            last = statement.target.id
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and last:
            found[last], last = str(statement.value.value), ""
    return found


def section(title: str, kind: type[Any], *, given: dict[str, str] | None = None, on: bool = True) -> list[str]:
    """The lines of one section; `given` are the values a site must choose, defaults stand commented."""
    given = given or {}
    texts = field_texts(kind)
    mark = "" if on else "# "
    lines = ["", f"{mark}{title}"] if title else []
    for field in msgspec.structs.fields(kind):
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if isinstance(default, msgspec.Struct) or _nested(default):
            continue
        if field.name in given:
            line = f"{mark}{field.name} = {given[field.name]}"
        elif default is msgspec.NODEFAULT or default is None:
            continue
        else:
            line = f"# {field.name} = {_toml(default)}"
        text = texts.get(field.name, "").split("\n")[0]
        lines.append(f"{line:<45} # {text}" if text else line)
    return lines


def _nested(default: Any) -> bool:
    return isinstance(default, tuple) and any(isinstance(one, msgspec.Struct) for one in default)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{}"
    return json.dumps(value)


def agent_sample() -> str:
    """The gateway's file."""
    lines = [
        "# The centre agent's configuration: every key there is. Lines that begin with # show the default.",
        "# centre-agent check-config FILE tells what is wrong with it.",
        "",
        'centre = "PK-PB-00042"                        # this centre\'s id',
        'state_directory = "/var/lib/centre-agent"     # readings wait here until the national monitor has them',
        *section("[listen]", agent_config.Listen),
        *section("[uplink]", agent_config.UplinkConfig, given={"host": '"mqtt.example.org"'}),
        *section("[outbox]", agent_config.OutboxConfig),
        *section("[collect.host]", host.Config),
        *section("[[collect.ups]]", ups.Config, given={"name": '"rack"', "host": '"192.0.2.10"'}),
        *section("[[collect.mains]]", mains.Config, given={"name": '"printer"'}),
        *section("[collect.mains.ping]", mains.Ping, given={"host": '"192.0.2.20"', "reference": '"192.0.2.1"'}),
        *section("[[collect.mains]]", mains.Config, given={"name": '"corridor-plug"'}),
        *section(
            "[collect.mains.plug]", mains.Plug,
            given={
                "topic": '"zigbee2mqtt/corridor-plug"',
                "availability_topic": '"zigbee2mqtt/corridor-plug/availability"',
            },
        ),
        *section("[collect.mains.plug.broker]", mqtt.BrokerConfig),
        *section("[collect.internet]", internet.Config),
        *section(
            "[[collect.internet.targets]]", internet.Target,
            given={"name": '"gateway"', "role": '"lan"', "host": '"gateway"'},
        ),
        *section(
            "[[collect.internet.targets]]", internet.Target,
            given={"name": '"karachi"', "role": '"target"', "host": '"198.51.100.7"'},
        ),
        *section(
            "[collect.internet.throughput]", internet.ThroughputConfig,
            given={
                "server": '"http://speed.example.org"',
                "contract_down_bits_per_second": "20_000_000",
                "contract_up_bits_per_second": "5_000_000",
            },
        ),
        *section("[collect.seats]", seats.Config, given={"map": '"/etc/centre-agent/seats.toml"'}),
        *section("[collect.seats.broker]", mqtt.BrokerConfig),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def central_sample() -> str:
    """The central side's file."""
    c = central_config
    lines = [
        "# The central side's configuration: every key there is. Lines that begin with # show the default.",
        *section("[broker]", c.Broker),
        *section("[store]", c.Store),
        *section("[database]", c.Database),
        *section("[ingest]", c.Ingest),
        *section("[notify]", c.Notify, given={"token_file": '"/etc/centre-monitor/notify.token"'}),
        *section(
            "[notify.sms]", c.Sms, given={"url": '"https://sms.example.org/send?to={number}&text={text}&key={secret}"'}
        ),
        *section("[notify.smtp]", c.Smtp, given={"host": '"mail.example.org"'}),
        *section("[enrol]", c.Enrol, given={"url": '"https://enrol.example.org:8443"'}),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write, or check."""
    stale = []
    for name, text in (("agent.toml", agent_sample()), ("central.toml", central_sample())):
        file = ROOT / "config" / name
        if "--check" in sys.argv:
            stale += [] if file.is_file() and file.read_text(encoding="utf-8") == text else [name]
        else:
            file.write_text(text, encoding="utf-8")
    if stale:
        print(f"config/{', config/'.join(stale)}: run python -m scripts.samples", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
