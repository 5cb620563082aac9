"""Who is asked, how often, and what that costs.

Without a word in the configuration the set is this: gateway (lan, the default route's), access (the
provider's first hop, found on the way), resolver-N (isp, the system's name servers as far as they are not
ours), national (target, the far end of our throughput tests), cloudflare and google (target, anycast),
international (target).
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from collectors.internet.addresses import in_figures
from collectors.internet.fault import Role
from collectors.internet.hops import provider_owns

Name = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]
Method = Literal["icmp", "tcp", "hop"]
GATEWAY = "gateway"
METERED_SECONDS = 30.0
_FAR_FACTOR = 2
_ROUNDING = 1e-3
"""A moment that is this near, in periods, is the present one as a sum of floats."""
_DNS_SECONDS = 30.0
_PAGE_SECONDS = 50.0
_METERED_PAGE_SECONDS = 120.0
_MONTH_SECONDS = 30 * 86400.0
_PUBLIC_RESOLVERS = frozenset((
    "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220",
    "2606:4700:4700::1111", "2606:4700:4700::1001", "2001:4860:4860::8888", "2001:4860:4860::8844",
    "2620:fe::fe", "2620:fe::9", "2620:119:35::35", "2620:119:53::53",
))  # fmt: skip


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """[[collect.internet.targets]]: somebody who should answer."""

    name: Name
    """Label of its series; national and international are held against the regulator's limits."""
    role: Role
    """Where on the path: our network, the provider's first hop, the provider, beyond."""
    host: str
    """Address or name; "gateway" is the default route's."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 443
    """For TCP connect, where ICMP is not allowed."""


class Cost(Struct, frozen=True):
    """Bytes on Ethernet, up and (when it is answered) down."""

    up: int
    down: int


COSTS: dict[Method, Cost] = {"icmp": Cost(60, 60), "tcp": Cost(272, 206), "hop": Cost(60, 90)}
"""tcp: SYN, ACK, FIN, ACK and their answers; hop: an ICMP error quotes what it is about."""
COSTS_OF_IPV6: dict[Method, Cost] = {"icmp": Cost(78, 78), "tcp": Cost(352, 286), "hop": Cost(78, 126)}
DNS_COST, PAGE_COST = Cost(75, 120), Cost(430, 450)
ANYCAST = (
    Target("cloudflare", "target", "1.1.1.1"),
    Target("google", "target", "8.8.8.8"),
    # No site in Pakistan: it is reached abroad. A server of one's own abroad is better.
    Target("international", "target", "208.67.222.222"),
)
ANYCAST_OF_IPV6 = (
    Target("cloudflare", "target", "2606:4700:4700::1111"),
    Target("google", "target", "2001:4860:4860::8888"),
    Target("international", "target", "2620:119:35::35"),
)


def automatic(resolvers: Sequence[str], far_end: str, gateway: str) -> tuple[Target, ...]:
    """The default set, without the access hop. resolvers: address#port; far_end: URL of our own server, or empty.

    gateway: the default route's address as it is now, or empty. One that the provider owns is not our network; one of
    IPv6 is there only where the line has no IPv4.
    """
    nearest: Role = "access" if gateway and provider_owns(gateway) else "lan"
    national = urlsplit(far_end).hostname
    ours = (Target("national", "target", national, urlsplit(far_end).port or 80),) if national else ()
    anycast = ANYCAST_OF_IPV6 if ":" in gateway else ANYCAST
    return (Target(GATEWAY, nearest, GATEWAY, 80), *of_provider(resolvers), *ours, *anycast)


def of_provider(resolvers: Sequence[str]) -> tuple[Target, ...]:
    """The name servers that can be the provider's: neither in a private network nor public ones of others."""
    found = [address for one in resolvers if in_figures(address := one.partition("#")[0])]
    found = [address for address in found if provider_owns(address) and address not in _PUBLIC_RESOLVERS]
    return tuple(Target(f"resolver-{number}", "isp", address, 53) for number, address in enumerate(found, 1))


def period(role: Role, near_seconds: float, *, metered: bool) -> float:
    """Seconds from one probe to the next: gateway and access often, what lies beyond half as often."""
    if metered:
        return METERED_SECONDS
    return near_seconds if role in ("lan", "access") else _FAR_FACTOR * near_seconds


def dns_period(near_seconds: float, *, metered: bool) -> float:
    """Seconds from one round of name server queries to the next while all is well."""
    return max(near_seconds, _DNS_SECONDS * (2 if metered else 1))


def page_period(near_seconds: float, *, metered: bool) -> float:
    """Seconds from one look at the 204 page to the next while all is well: a captive portal shows within a minute."""
    return max(near_seconds, _METERED_PAGE_SECONDS if metered else _PAGE_SECONDS)


def next_moment(now: float, period_seconds: float, phase: float) -> float:
    """The next of a target's own moments; `phase` (0-1) of the period keeps targets apart, after a stall as well."""
    ahead = period_seconds - (now - phase * period_seconds) % period_seconds
    return now + ahead + (period_seconds if ahead < _ROUNDING * period_seconds else 0.0)


def month_bytes(
    probes: Iterable[tuple[Method, float]], *, resolvers: int, near_seconds: float = 5.0, metered: bool = False,
    page: bool = True,
) -> int:  # fmt: skip
    """What probing costs in 30 days, both ways, when all answer. probes: method and period of each target."""
    rate = sum((COSTS[how].up + COSTS[how].down) / seconds for how, seconds in probes)
    rate += resolvers * (DNS_COST.up + DNS_COST.down) / dns_period(near_seconds, metered=metered)
    if page:
        rate += (PAGE_COST.up + PAGE_COST.down) / page_period(near_seconds, metered=metered)
    return round(_MONTH_SECONDS * rate)
