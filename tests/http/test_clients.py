"""The identity of clients, which nobody can choose."""

from __future__ import annotations

import pytest

from backend.http.client import client_from
from backend.http.connection import Connections
from backend.settings import Settings
from tests.http.conftest import Server, StartServer, small_request


def statuses(server: Server, forwarded: list[str]) -> list[int]:
    return [
        server.post(small_request(), headers={"X-Forwarded-For": each}).status_code
        for each in forwarded
    ]


def test_a_client_cannot_name_itself(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_CLIENT_REQUESTS_PER_MINUTE="3")
    found = statuses(server, [f"203.0.113.{number}" for number in range(6)])
    assert found == [200, 200, 200, 429, 429, 429]
    assert server.stop() == 0


def test_a_proxy_that_the_settings_name_tells_who_the_client_is(start_server: StartServer) -> None:
    server = start_server(
        is_shared=False,
        SR_CLIENT_REQUESTS_PER_MINUTE="2",
        SR_TRUSTED_PROXIES="192.0.2.0/24, 127.0.0.0/8",
    )
    assert statuses(server, ["203.0.113.1"] * 3) == [200, 200, 429]
    assert statuses(server, ["203.0.113.2"]) == [200]
    # Only the last proxy's entry counts: earlier ones come from the client.
    assert statuses(server, ["203.0.113.9, 203.0.113.1", "203.0.113.8,203.0.113.1"]) == [429, 429]
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_client_that_has_many_addresses_is_one(address: str, client: str) -> None:
    assert client_from(address) == client


class Socket:
    """A connection with a request in progress."""

    is_idle = is_closed = False

    def __init__(self, address: str) -> None:
        self.address = address

    def abort(self) -> None:
        raise AssertionError("it has a request at work")


@pytest.mark.parametrize(("proxies", "kept"), [("", 2), ("10.0.0.0/8", 5)])
def test_a_proxy_may_hold_the_connections_of_many_clients(proxies: str, kept: int) -> None:
    settings = Settings.from_environment(
        {"SR_TRUSTED_PROXIES": proxies, "SR_CLIENT_CONNECTIONS": "2"}
    )
    connections = Connections(settings, max_descriptors=lambda: 1000)
    assert [connections.add(Socket("10.0.0.5")) for _ in range(5)].count(True) == kept
