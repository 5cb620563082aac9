"""SNMP session with one device: GET and GETNEXT, v1, v2c and v3. The only importer of pysnmp.

Promises: exact timeouts; a batch size that adapts to the card and stays there; a failing OID
never costs the others; raw values, nothing interpreted. One engine per session: engines that
share a v3 user with different keys fail for ever, and a card with a new engine id times out until
the engine is rebuilt (both measured with pysnmp 7.1).

pysnmp's dispatcher wakes every 0.1 s by itself, 7 CPU seconds an hour; ours ticks each 5 s, and
the timeouts are asyncio's.
"""

import asyncio
import contextlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from msgspec import Struct, structs

from collectors.lean import without
from telemetry.errors import AccessDenied, BadData, CollectError, ConfigError, TimedOut, Unreachable

with without("pysmi", "cryptography"):
    from pyasn1.type import univ
    from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
    from pysnmp.error import PySnmpError
    from pysnmp.hlapi.v3arch.asyncio import (
        USM_AUTH_HMAC96_MD5,
        USM_AUTH_HMAC96_SHA,
        USM_AUTH_HMAC128_SHA224,
        USM_AUTH_HMAC192_SHA256,
        USM_AUTH_HMAC256_SHA384,
        USM_AUTH_HMAC384_SHA512,
        USM_PRIV_CBC56_DES,
        USM_PRIV_CFB128_AES,
        USM_PRIV_CFB192_AES,
        USM_PRIV_CFB256_AES,
        CommunityData,
        ContextData,
        ObjectIdentity,
        ObjectType,
        SnmpEngine,
        UdpTransportTarget,
        UsmUserData,
        get_cmd,
        next_cmd,
    )
    from pysnmp.proto import errind
    from pysnmp.proto.secmod.rfc3414.priv import des
    from pysnmp.proto.secmod.rfc3826.priv import aes

Value = int | bytes | str
"""A number, an octet string, or an OID in dotted text. NULL and missing objects are absent."""

AuthProtocol = Literal["MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"]
PrivProtocol = Literal["DES", "AES128", "AES192", "AES256"]
_AUTH = {
    "MD5": USM_AUTH_HMAC96_MD5,
    "SHA": USM_AUTH_HMAC96_SHA,
    "SHA224": USM_AUTH_HMAC128_SHA224,
    "SHA256": USM_AUTH_HMAC192_SHA256,
    "SHA384": USM_AUTH_HMAC256_SHA384,
    "SHA512": USM_AUTH_HMAC384_SHA512,
}
_PRIV = {
    "DES": USM_PRIV_CBC56_DES,
    "AES128": USM_PRIV_CFB128_AES,
    "AES192": USM_PRIV_CFB192_AES,
    "AES256": USM_PRIV_CFB256_AES,
}
AUTH_PROTOCOLS, PRIV_PROTOCOLS = tuple(_AUTH), tuple(_PRIV)
_NO_SUCH_NAME = 2
_SECURITY_LEVEL = "security level"
_REFUSED = {6: "access", 16: _SECURITY_LEVEL}  # noAccess, authorizationError (RFC 3416)
_UP_TIME = "1.3.6.1.2.1.1.3.0"
_TICK_SECONDS = 5.0
_FULL_BATCH = 24
_TOO_BIG = 1
_TRIES = 2
_TRIES_ALIVE = 4
"""So often a device that has answered lately is asked: a lossy network is not a dead card."""
_REBUILD_AFTER_TIMEOUTS = 3
_MAX_OCTETS = 1024
_SHORTEST_KEY = 8


Answer = tuple[int, int, list[tuple[str, Value | None]]]
"""Error status, its index, the rows."""


class Access(Struct, frozen=True, kw_only=True):
    """How to reach a card: address, version and credentials, already read from their files."""

    host: str
    port: int = 161
    version: Literal["1", "2c", "3"] = "2c"
    community: str = "public"
    user: str = ""
    auth_protocol: AuthProtocol = "SHA256"
    auth_key: str = ""
    priv_protocol: PrivProtocol = "AES128"
    priv_key: str = ""
    context: str = ""
    timeout_seconds: float = 2.0

    def __repr__(self) -> str:
        return f"Access({self.host}:{self.port}, v{self.version}, secrets hidden)"


def read_secret(file: str) -> str:
    """The first line of a secret file; raises ConfigError if it cannot be read or is empty."""
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(
            file, "$", f"secret not readable ({type(problem).__name__})", "a text file the agent's user may read"
        ) from problem
    if not text:
        raise ConfigError(file, "$", "secret is empty", "one line of text")
    return text.splitlines()[0]


def check_credentials(access: Access) -> None:
    """Raises AccessDenied for SNMPv3 credentials that no agent could accept (RFC 3414: keys of 8 and more)."""
    if access.version != "3":
        return
    keys = {"auth": access.auth_key, "priv": access.priv_key}
    if not access.user:
        raise AccessDenied("SNMPv3 needs a user")
    if access.priv_key and not access.auth_key:
        raise AccessDenied("SNMPv3 encrypts only what it signs: a priv key needs an auth key")
    for name, key in keys.items():
        if key and len(key) < _SHORTEST_KEY:
            raise AccessDenied(f"the {name} key is shorter than {_SHORTEST_KEY} characters")


class Session:
    """An open session; use as an async context manager inside the running loop."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.batch = _FULL_BATCH
        self._proved = 1
        self._alive = self._heard = False
        self._timeouts = 0
        self._lock = asyncio.Lock()
        self._engine: SnmpEngine | None = None
        self._target: UdpTransportTarget | None = None
        self._credentials: CommunityData | UsmUserData | None = None
        self._context = ContextData(contextName=access.context.encode())
        self._objects: dict[str, ObjectType] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; the next request opens new ones."""
        if self._engine is not None:
            with contextlib.suppress(PySnmpError):
                self._engine.close_dispatcher()
        self._engine = self._target = None

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """GET; OID -> value, without the objects that are missing or NULL.

        Raises Unreachable (name), TimedOut, AccessDenied (v3), BadData.
        """
        async with self._lock:
            found: dict[str, Value] = {}
            pending = list(oids)
            while pending:
                chunk = pending[: self.batch]
                try:
                    found |= await self._get_or_split(chunk)
                except TimedOut:
                    if not await self._smaller_batch_helps(chunk, found):
                        raise
                    continue
                self._proved = max(self._proved, len(chunk))
                pending = pending[len(chunk) :]
            return found

    async def walk(self, root: str, *, max_rows: int = 64) -> dict[str, Value]:
        """GETNEXT below `root`, at most `max_rows`; never GETBULK, which UPS cards get wrong."""
        async with self._lock:
            found: dict[str, Value] = {}
            here = root
            for _ in range(max_rows):
                status, _, rows = await self._exchange(next_cmd, [here])
                if status or not rows:
                    break
                oid, value = rows[0]
                if not oid.startswith(root + ".") or _arcs(oid) <= _arcs(here):  # a table that runs in a circle
                    break
                here = oid
                if value is not None:
                    found[oid] = value
            return found

    async def _smaller_batch_helps(self, chunk: list[str], found: dict[str, Value]) -> bool:
        # Middle Atlantic / CyberPower cards drop multi-OID GETs in silence (pve-ups issue 40).
        if len(chunk) <= self._proved:
            return False
        found |= await self._get_or_split(chunk[:1])
        self.batch = 1 if self.batch <= _FULL_BATCH // 2 else _FULL_BATCH // 2
        return True

    async def _get_or_split(self, oids: list[str]) -> dict[str, Value]:
        status, index, rows = await self._exchange(get_cmd, oids)
        if not status:
            return {oid: value for oid, value in rows if value is not None}
        if len(oids) == 1:
            return {}
        if status == _TOO_BIG:  # learned for good
            self.batch = min(self.batch, max(1, len(oids) // 2))
        if status == _NO_SUCH_NAME and 1 <= index <= len(oids):
            return await self._get_or_split(oids[: index - 1] + oids[index:])
        half = len(oids) // 2  # tooBig, genErr: the index is not to be trusted
        return await self._get_or_split(oids[:half]) | await self._get_or_split(oids[half:])

    async def _exchange(self, command: Any, oids: list[str]) -> Answer:
        answer = await self._ask(command, oids, _TRIES_ALIVE if self._alive else _TRIES)
        if answer is None and await self._hears_what_is_signed():
            answer = await self._ask(command, oids, _TRIES_ALIVE)  # one lossy moment must not blame a key
            if answer is None:
                raise AccessDenied(f"{self.access.host} refuses the priv key, it seems: no answer to what is encrypted")
        if answer is None:
            self._alive = False
            raise TimedOut(f"no answer from {self.access.host}:{self.access.port}")
        return answer

    async def _ask(self, command: Any, oids: list[str], tries: int) -> Answer | None:
        for _ in range(tries):
            try:
                async with asyncio.timeout(self.access.timeout_seconds):
                    return await self._send(command, oids)
            except TimeoutError:
                self._after_timeout()
        return None

    async def _hears_what_is_signed(self) -> bool:
        """Whether a card that never answered what is encrypted answers without.

        Agents of net-snmp drop in silence what they cannot decrypt (RFC 3414 would have them report it).
        """
        if self._heard or self.access.version != "3" or not self.access.priv_key:
            return False
        async with Session(structs.replace(self.access, priv_key="")) as signed:
            try:
                await signed.get([_UP_TIME])
            except AccessDenied as problem:
                if _SECURITY_LEVEL not in str(problem):
                    raise
            except CollectError:
                return False
        return True

    def _after_timeout(self) -> None:
        self._timeouts += 1
        if self.access.version == "3" and self._timeouts >= _REBUILD_AFTER_TIMEOUTS:
            self._timeouts = 0
            self.close()

    async def _send(self, command: Any, oids: list[str]) -> Answer:
        engine, target = await self._open()
        try:
            problem, status, index, rows = await command(
                engine, self._usable_credentials(), target, self._context, *map(self._object, oids), lookupMib=False
            )
        except PySnmpError as error:
            raise BadData(f"{self.access.host}: {str(error)[:120]}") from error
        if problem is not None:
            self._raise(problem)
        self._timeouts, self._alive, self._heard = 0, True, True
        if int(status) in _REFUSED:
            raise AccessDenied(f"{self.access.host} refuses the {_REFUSED[int(status)]}")
        return int(status), int(index), [(str(name), _plain(value)) for name, value in rows]

    def _usable_credentials(self) -> CommunityData | UsmUserData:
        if self._credentials is None:
            check_credentials(self.access)
            self._credentials = _credentials(self.access)
        return self._credentials

    async def _open(self) -> tuple[SnmpEngine, UdpTransportTarget]:
        if self._engine is None or self._target is None:
            engine = SnmpEngine()
            engine.register_transport_dispatcher(AsyncioDispatcher(timeout=_TICK_SECONDS))
            try:
                self._target = await UdpTransportTarget.create(
                    (self.access.host, self.access.port), timeout=2 * _TICK_SECONDS, retries=0
                )
            except PySnmpError as error:
                engine.close_dispatcher()
                raise Unreachable(f"{self.access.host}: name or address not usable") from error
            self._engine = engine
        return self._engine, self._target

    def _object(self, oid: str) -> ObjectType:
        known = self._objects.get(oid)
        if known is None:
            known = self._objects[oid] = ObjectType(ObjectIdentity(oid))
        return known

    def _raise(self, problem: errind.ErrorIndication) -> None:
        if isinstance(problem, errind.RequestTimedOut):
            raise TimeoutError
        name = type(problem).__name__
        what = {"UnknownUserName": "user", "WrongDigest": "auth key", "DecryptionError": "priv key"}.get(name)
        if what or "Security" in name or "Authentication" in name or "Authorization" in name:
            raise AccessDenied(f"{self.access.host} refuses the {what or _SECURITY_LEVEL} ({name})")
        self.close()  # unknown engine id, not in time window: a new engine starts clean
        raise BadData(f"{self.access.host}: {name}")


def _load_privacy() -> None:
    """Give pysnmp's ciphers the cryptography that its import went without."""
    for module in (aes, des):
        if module.PysnmpCryptoError:
            importlib.reload(module)  # in place: the classes that are in use see the new names


def _credentials(access: Access) -> CommunityData | UsmUserData:
    if access.version != "3":
        return CommunityData(access.community, mpModel=0 if access.version == "1" else 1)
    if access.priv_key:
        _load_privacy()
    return UsmUserData(
        access.user,
        authKey=access.auth_key or None,
        privKey=access.priv_key or None,
        **({"authProtocol": _AUTH[access.auth_protocol]} if access.auth_key else {}),
        **({"privProtocol": _PRIV[access.priv_protocol]} if access.priv_key else {}),
    )


def _arcs(oid: str) -> list[int]:
    return [int(arc) for arc in oid.split(".")]


def _plain(value: Any) -> Value | None:
    if isinstance(value, univ.Null):  # NULL, noSuchObject, noSuchInstance, endOfMibView
        return None
    if isinstance(value, univ.ObjectIdentifier):
        return str(value)
    if isinstance(value, univ.OctetString):
        return bytes(value)[:_MAX_OCTETS]
    if isinstance(value, univ.Integer):
        return int(value)
    return None
