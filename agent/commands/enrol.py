"""enrol: key and certificate for this gateway, by a token once, by the old certificate afterwards."""

import getpass
import sys
from argparse import Namespace
from pathlib import Path

from agent.certificate import life_of
from agent.config import Config, UplinkConfig, read_config
from agent.enrolment import EnrolError, Server, enrol, renew
from agent.identity import Folder, Identity


def command(arguments: Namespace) -> int:
    """Exit 0; 4 not reachable, 5 refused, 6 busy, 7 the clock, 8 not the right server, 9 the disk."""
    try:
        return _renew(arguments) if arguments.renew else _enrol(arguments)
    except EnrolError as problem:
        print(problem, file=sys.stderr)
        return problem.code


def _enrol(arguments: Namespace) -> int:
    config = read_config(Path(arguments.config))
    folder = Folder(config.state_directory)
    url = arguments.url or _identity(config).renewal_url()
    server = Server(url, ca_file=_authority(arguments, folder), ca_sha256=arguments.ca_sha256)
    answer = enrol(server, folder, config.centre, _token(arguments.token))
    life = life_of(answer.certificate)
    print(f"This gateway is {answer.centre} until {life.end:%Y-%m-%d}; it renews by itself.")
    print(f"Key and certificate are in {folder.path}. The key never leaves this machine.")
    for line in _next_steps(config, arguments.config):
        print(line)
    return 0


def _renew(arguments: Namespace) -> int:
    if arguments.state:
        folder, url = Folder(Path(arguments.state)), arguments.url
    else:
        identity = _identity(read_config(Path(arguments.config)))
        folder, url = identity.folder, arguments.url or identity.renewal_url()
    answer = renew(Server(url, ca_file=_authority(arguments, folder), ca_sha256=arguments.ca_sha256), folder)
    print(f"A new certificate is in {folder.path}; the daemon tries it within a minute.")
    print(f"It is good until {life_of(answer.certificate).end:%Y-%m-%d}.")
    return 0


def _identity(config: Config) -> Identity:
    return Identity(config.state_directory, config.uplink or UplinkConfig(host=""))


def _authority(arguments: Namespace, folder: Folder) -> Path | None:
    """Whom to trust: as told, else as an earlier enrolment left it, else (None) the system's."""
    if arguments.ca:
        return Path(arguments.ca)
    return folder.authority if folder.authority.is_file() and not arguments.ca_sha256 else None


def _token(given: str) -> str:
    """From the command line, or asked for, so that it stands in no history and no list of processes."""
    if given not in ("", "-"):
        return given
    return getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _next_steps(config: Config, file: str) -> list[str]:
    uplink = config.uplink
    if uplink is None:
        return [f"Next: name the broker in {file}, nothing more is needed:", '  [uplink]\n  host = "mqtt.example.org"']
    named = [key for key in ("cert_file", "key_file", "ca_file") if getattr(uplink, key)]
    if named:
        return [
            f"Next: remove {', '.join(named)} from [uplink] in {file}: they name other files. Then restart the agent."
        ]
    return ["Next: systemctl restart centre-agent (or wait: a running agent looks at its next connection)."]
