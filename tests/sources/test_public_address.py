"""The rule about numeric addresses."""

from __future__ import annotations

import pytest

from backend.requests.sources.public_address import is_public

SPECIAL = {
    "this network": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%lo", "febf::1", "fec0::1"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"],
    "metadata of Azure": ["168.63.129.16"],
    "carrier-grade NAT": ["100.64.0.0", "100.127.255.255"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:93.184.216.34", "::ffff:0:127.0.0.1"],
    "IPv4-compatible": ["::127.0.0.1", "::93.184.216.34"],
    "6to4": ["2002:7f00:1::", "2002:5db8:d822::1", "192.88.99.1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::5db8:d822", "64:ff9b:1::1"],
    "Teredo": ["2001:0:7f00:1::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.1", "5f00::1", "4000::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "with a scope": ["2606:4700::1111%eth0"],
    "no address": ["", "example.com", "0x7f.1", "1.2.3", "[::1]"],
}


@pytest.mark.parametrize(
    "address", [each for group in SPECIAL.values() for each in group], ids=lambda each: each or "-"
)
def test_a_special_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "168.63.129.17",
        "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001:82a::200e",
        "2001:4860:4860::8888",
    ],
)
def test_an_address_of_the_web_is_public(address: str) -> None:
    assert is_public(address)
