"""Which addresses the service may connect to when the address comes from a stranger."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pillar_service.core.errors import Invalid
from pillar_service.core.names import shown

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 500
EXAMPLE = "write it as 'https://example.org/hook'."

INWARD = tuple(ipaddress.ip_network(one) for one in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"))
"""IPv4 addresses that are not on the Internet, though Python counts some of them as global: Azure's own, at which each
machine there fetches its secrets; those reserved for protocols (RFC 6890); and relays into IPv6 (RFC 7526)."""

GLOBAL = ipaddress.ip_network("2000::/3")
"""The only IPv6 addresses that are assigned to machines on the Internet."""

PASSED_ON = tuple(ipaddress.ip_network(one) for one in ("2001::/32", "2002::/16"))
"""IPv6 addresses within `GLOBAL` that embed an IPv4 address, which could be any (Teredo, 6to4)."""


@dataclass(frozen=True)
class Address:
    """Where to connect, and the path to request there."""

    is_secure: bool
    host: str
    port: int
    path: str


def address(url: object, may_be_plain: bool = False) -> Address:
    """Split a webhook's URL into its parts; ``may_be_plain`` also allows http. Raises Invalid."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or len(url) > LONGEST_URL or " " in url:
        raise Invalid(f"{shown(url)} is not a webhook's address: {EXAMPLE}")
    try:
        read = urlsplit(url)
        port = read.port
    except ValueError as error:
        raise Invalid(f"{shown(url)} is not a webhook's address: {EXAMPLE}") from error
    if read.scheme not in (("https", "http") if may_be_plain else ("https",)):
        raise Invalid("A webhook's address must begin with 'https://'.")
    if not read.hostname or "\\" in url or "%" in read.netloc or port == 0:
        raise Invalid(f"{shown(url)} is not a webhook's address: {EXAMPLE}")
    if read.username is not None or read.password is not None or "#" in url:
        raise Invalid("A webhook's address can't have a user, password or '#': its messages are signed instead.")
    path = f"{read.path or '/'}{'?' + read.query if read.query else ''}"
    return Address(read.scheme == "https", read.hostname, port or (443 if read.scheme == "https" else 80), path)


def is_public(ip: str) -> bool:
    """Whether an address is on the Internet: not this machine, a private or link-local network, or a cloud's metadata."""
    try:
        found = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id or found not in GLOBAL or any(found in one for one in PASSED_ON):
            return False
    elif any(found in one for one in INWARD):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def is_within(ip: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of these networks."""
    try:
        found = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(found in one for one in networks)
