"""The identity of a client: the address under which its share of the server is counted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from backend.settings import Network

IPV6_PREFIX = 64
"""The bits of an IPv6 address that identify a client, who may choose the other 64."""


def client_from(address: str) -> str:
    """Return the client that has this address; IPv6 clients are known by their network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))


def is_within(address: str, networks: Iterable[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in each for each in networks)
