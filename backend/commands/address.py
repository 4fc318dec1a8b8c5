"""The address that a server listens on, tried before anything is loaded."""

from __future__ import annotations

import errno
import socket

from backend.posix import IS_POSIX
from backend.settings import SettingsError

NO_SUCH = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def check_address(host: str, port: int) -> None:
    """Raise SettingsError if no server can listen there."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as exc:
        raise _no_such(host) from exc
    usable = [family for family, *_, place in found if _is_free(family, place)]
    if not usable:
        raise _no_such(host)


def _is_free(family: int, place: tuple[object, ...]) -> bool:
    """Return whether this computer has the address; raise SettingsError for a port in use."""
    with socket.socket(family) as tried:
        if IS_POSIX:  # as servers do, so that connections just ended do not count
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            tried.bind(place)
        except OSError as exc:
            if exc.errno in NO_SUCH:
                return False
            is_taken = exc.errno == errno.EADDRINUSE
            user = "is used by another program" if is_taken else "may not be used by this user"
            raise SettingsError(f"Port {place[1]} {user}; choose another with --port.") from exc
    return True


def _no_such(host: str) -> SettingsError:
    return SettingsError(f"This computer has no address '{host}'; choose another with --host.")
