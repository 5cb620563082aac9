"""`centre-agent demo`: start the simulated devices, run the real agent on them, cut the mains now and then."""

import asyncio
import contextlib
import logging
import socket
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from agent.config import Config, parse_config
from agent.daemon import Daemon
from agent.demo import far_end, ups
from agent.demo.card import Card
from agent.demo.sensors import Sensors, write_map
from telemetry.errors import ConfigError

CENTRE = "SIM-DEMO-1"
FIRST_CUT_SECONDS = 45.0
CUT_SECONDS = 60.0
_RUNTIME_MINUTES = 38


def demo(arguments: Namespace) -> int:
    """Until Ctrl-C, or `--for` seconds."""
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="centre-demo-") as scratch:
        state = Path(arguments.state) if arguments.state else Path(scratch)
        asyncio.run(_run(arguments, state, Path(scratch)))
    return 0


async def _run(arguments: Namespace, state: Path, scratch: Path) -> None:
    card = Card(ups.identity() | ups.on_mains())
    ports = {"card": await card.serve(), "broker": _free_port(), "names": await far_end.serve_names()}
    web = far_end.WebServer()
    ports["web"] = await web.serve()
    sensors = asyncio.create_task(Sensors(ports["broker"]).run())
    daemon = Daemon(_config(arguments, state, scratch, ports))
    agent = asyncio.create_task(daemon.run())
    script = asyncio.create_task(_cut_mains(card, arguments.cut_every))
    announce = asyncio.create_task(_announce(daemon, ports["card"]))
    timer = asyncio.create_task(asyncio.sleep(arguments.seconds or 10**9))
    done, _ = await asyncio.wait([agent, timer, script, sensors], return_when=asyncio.FIRST_COMPLETED)
    daemon.stop()
    await asyncio.wait([agent])  # first: it would miss its devices
    for task in (script, sensors, announce, timer):
        task.cancel()
    await asyncio.gather(agent, script, sensors, announce, timer, return_exceptions=True)
    card.close()
    for task in done - {timer}:
        task.result()


async def _announce(daemon: Daemon, card_port: int) -> None:
    await daemon.listening.wait()
    assert daemon.server is not None
    host, port = daemon.config.listen.host, daemon.server.server_port
    print("A simulated centre is running: real agent, simulated devices.")
    print(f"  first mains cut in {FIRST_CUT_SECONDS:.0f} s; it lasts {CUT_SECONDS:.0f} s. Ctrl-C ends the demo.")
    print(f"  card:    centre-agent probe-ups 127.0.0.1 --port {card_port}")
    print(f"  metrics: http://{host}:{port}/metrics")
    print(f"  page:    http://{host}:{port}/", flush=True)


async def _cut_mains(card: Card, every: float) -> None:
    """Mains on, mains off, again and again; the battery sinks and is charged as a battery would."""
    await asyncio.sleep(FIRST_CUT_SECONDS)
    while True:
        _say("mains cut")
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < CUT_SECONDS:
            card.update(ups.on_battery(int(passed), _RUNTIME_MINUTES - int(passed / 5), 100 - int(passed / 4)))
            await asyncio.sleep(0.5)
        card.remove(ups.ON_BATTERY_ALARM)
        card.update(ups.on_mains(charge=85))
        _say("mains back")
        await asyncio.sleep(max(5.0, every - CUT_SECONDS) / 2)
        card.update(ups.on_mains())
        await asyncio.sleep(max(5.0, every - CUT_SECONDS) / 2)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  simulated {what}", flush=True)


def _config(arguments: Namespace, state: Path, scratch: Path, ports: dict[str, int]) -> Config:
    table: dict[str, Any] = {
        "centre": CENTRE,
        "state_directory": str(state),
        "simulated": True,
        "listen": {"port": arguments.port},
        "collect": {
            "host": {"interval_seconds": 5.0},
            "ups": [{"name": "simulated", "host": "127.0.0.1", "port": ports["card"], "interval_seconds": 2.0}],
            "internet": _internet(ports),
            "seats": {
                "map": str(write_map(scratch)),
                "broker": {"port": ports["broker"]},
                "interval_seconds": 10.0,
            },
        },
    }
    if arguments.broker:
        table["uplink"] = _uplink(arguments.broker)
    return parse_config(Path("demo"), table)


def _internet(ports: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"name": name, "role": role, "host": host, "port": ports["web"]}
        for name, role, host in (
            ("simulated-gateway", "lan", "127.0.0.1"),
            ("simulated-provider", "isp", "127.0.0.1"),
            ("simulated-far", "target", "127.0.0.1"),
        )
    ]
    return {
        "interface": "lo",
        "targets": targets,
        "resolvers": [f"127.0.0.1#{ports['names']}"],
        "check_url": f"http://127.0.0.1:{ports['web']}/generate_204",
        "probe_seconds": 2.0,
        "interval_seconds": 10.0,
        "throughput": {
            "server": f"http://127.0.0.1:{ports['web']}",
            "contract_down_bits_per_second": 20_000_000,
            "contract_up_bits_per_second": 20_000_000,
            "tests_per_day": 48,
            "opens_hour": 0,
            "closes_hour": 24,
            "hold_after_start_seconds": 0.0,
        },
    }


def _uplink(broker: str) -> dict[str, Any]:
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError("--broker", "$", repr(broker), "HOST:PORT of an MQTT 5 broker without TLS")
    return {
        "host": host, "port": int(port), "tls": False,
        "batch_seconds": 10.0, "resend_seconds": 60.0, "connect_spread_seconds": 1.0,
    }  # fmt: skip


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
