"""Public network addresses, and an HTTP adapter that reaches no others.

requests-hardened resolves the name, refuses most special ranges, and connects to exactly the
address that it looked at, so that a second answer of the name server (rebinding) changes nothing;
TLS is still verified against the name. But it looks at the first address of an answer only, and
some ranges are missing from its list. So the whole answer is looked at here first, by the stricter
rule below, and then once more the address that the library chose, since it asks for itself.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

# Of IPv6 only global unicast can be public: this leaves out loopback, link-local, unique and
# site-local, multicast, IPv4-mapped, IPv4-compatible, translated (NAT64) and segment routing.
_IPV6_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_IPV6_SPECIAL = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo (holds an IPv4 address), ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 (holds an IPv4 address)
        "3fff::/20",  # documentation
    )
)
# Ranges that `is_global` accepts, in some Python version or all, though they are not public.
_IPV4_SPECIAL = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT; also one cloud's metadata service
        "168.63.129.16/32",  # Azure's platform service, reachable from its machines only
        "192.0.0.0/24",  # protocol assignments; also one cloud's metadata service
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)


def is_public(address: str) -> bool:
    """Return whether an address is numeric and public."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not any(ip in network for network in _IPV4_SPECIAL)
    return (
        ip in _IPV6_GLOBAL_UNICAST
        and ip.scope_id is None
        and ip.is_global
        and not any(ip in network for network in _IPV6_SPECIAL)
    )


class PublicAddressAdapter(IPFilterAdapter):  # type: ignore[misc]
    """Connects to public addresses only; raises InvalidIPAddress if a name has others."""

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,
        cert: str | tuple[str, str] | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Use the numeric address of the connection as `host`."""
        self._check(*_addresses(request))
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(
            request, verify, cert
        )
        self._check(str(host_params["host"]).strip("[]"))
        return host_params, pool_kwargs

    @staticmethod
    def _check(*addresses: str) -> None:
        if not all(is_public(address) for address in addresses):
            raise InvalidIPAddress()


def _addresses(request: requests.PreparedRequest) -> list[str]:
    """Resolve the name; an IPv6 address is its own answer, since no resolver takes its zone."""
    name = urlsplit(str(request.url)).hostname or ""
    if ":" in name:
        return [name]
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(socket_address[0]) for *_, socket_address in answers]
