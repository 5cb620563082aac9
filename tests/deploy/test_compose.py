"""compose.yaml hangs together: no Docker engine looks at it here, so what one would refuse is looked for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from central.config import read_config
from tests.deploy.shipped import CENTRAL, ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((CENTRAL / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
each_service = pytest.mark.parametrize("name", sorted(SERVICES))
OURS = {"net", "ingest", "notify", "enrol"}


def mounted(name: str) -> dict[str, str]:
    """Path in the container -> path or volume it comes from; secrets included."""
    found = {
        target: source for source, target, *_ in (volume.split(":") for volume in SERVICES[name].get("volumes", []))
    }
    for secret in SERVICES[name].get("secrets", []):
        source, target = (
            (secret, f"/run/secrets/{secret}") if isinstance(secret, str) else (secret["source"], secret["target"])
        )
        found[target] = COMPOSE["secrets"][source]["file"]
    return found


def test_it_runs_the_programs_of_the_architecture() -> None:
    assert set(SERVICES) == {
        "net",
        "mosquitto",
        "prometheus",
        "alertmanager",
        "grafana",
        "postgres",
        "ingest",
        "notify",
        "enrol",
    }


@each_service
def test_a_service_can_write_only_where_it_must_and_has_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert not service.get("privileged")


@each_service
def test_an_image_is_pinned(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", SERVICES[name]["image"])
    assert ("build" in SERVICES[name]) is (name in OURS)


@each_service
def test_what_a_service_refers_to_exists(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    if name != "net":
        assert service["network_mode"] == "service:net"
        assert service["depends_on"]["net"]["restart"] is True
    secrets = {secret["file"] for secret in COMPOSE["secrets"].values()}
    for source in mounted(name).values():
        if source.startswith("./"):
            assert source in secrets or (CENTRAL / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


def test_nothing_is_declared_that_nobody_uses() -> None:
    used = {source for name in SERVICES for source in mounted(name).values()}
    assert set(COMPOSE["volumes"]) <= used
    assert {secret["file"] for secret in COMPOSE["secrets"].values()} <= used


def test_only_the_broker_and_the_enrol_server_are_open_to_the_world() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["8883:8883", "8443:8443"]


def test_secrets_are_files_that_git_ignores_and_that_say_who_must_own_them() -> None:
    ignored = (CENTRAL / ".gitignore").read_text(encoding="utf-8").split()
    text = (CENTRAL / "compose.yaml").read_text(encoding="utf-8")
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].removeprefix("./").split("/")[0] + "/" in ignored
    owned = re.findall(r"# .*\[(?:any|\d+:\d+), 0\d{3}\]\n((?:  \w+: \{file: .*\}\n)+)", text)
    assert sum(block.count("file:") for block in owned) == len(COMPOSE["secrets"])
    assert not re.search(r"PASSWORD:|TOKEN:", text)


@pytest.mark.parametrize(
    ("service", "file"),
    [
        ("mosquitto", "mosquitto.conf"),
        ("alertmanager", "alertmanager.yml"),
        ("ingest", "central.toml"),
        ("notify", "central.toml"),
        ("enrol", "central.toml"),
    ],
)
def test_every_file_that_a_configuration_names_is_mounted(service: str, file: str) -> None:
    lines = [line for line in (CENTRAL / file).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    named = set(re.findall(r"/etc/centre-monitor/[\w./]+", "\n".join(lines)))
    others = {"notify": {"tls"}, "ingest": {"notify.token"}, "enrol": {"notify.token", "tls/ca.crt", "tls/ingest"}}.get(
        service, set()
    )
    named = {path for path in named if not any(word in path for word in others)}
    assert named
    assert named <= set(mounted(service))


def test_the_central_side_takes_its_configuration() -> None:
    config = read_config(CENTRAL / "central.toml")
    assert config.notify is not None
    assert config.notify.host == "127.0.0.1"
    assert config.broker.tls


def test_the_store_takes_remote_writes() -> None:
    assert "--web.enable-remote-write-receiver" in SERVICES["prometheus"]["command"]


def test_the_image_holds_our_code_for_a_user_without_rights_and_hash_pinned_packages() -> None:
    text = (CENTRAL / "Dockerfile").read_text(encoding="utf-8")
    assert "FROM python:3.11-slim\n" in text
    assert "--require-hashes -r requirements.lock" in text
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    copied = [Path(word) for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    assert all((ROOT / path).exists() for path in copied)
    allowed = (CENTRAL / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert all(f"!{path}\n" in allowed for path in copied)
