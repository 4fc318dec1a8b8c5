"""One HTTP exchange, bounded in bytes and time: the only module that knows requests' exceptions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ReadTimeoutError

from webapp.client.authorization import NoAuthorization
from webapp.client.errors import (
    EndpointAnswerError,
    EndpointTimeoutError,
    EndpointUnreachableError,
)

CONNECT_SECONDS = 5.0
CHUNK_BYTES = 2**16


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Found by a name in any case."""
    body: bytes


def post(url: str, body: bytes, *, auth: AuthBase, seconds: float, max_bytes: int) -> Response:
    """Send JSON; EndpointUnreachable-, EndpointTimeout- or EndpointAnswerError."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return _exchange("POST", url, body, headers, auth, seconds, max_bytes)


def get(url: str, *, seconds: float, max_bytes: int) -> Response:
    """Fetch a link, which is its own permission, so neither key nor signature is sent."""
    return _exchange("GET", url, None, {}, NoAuthorization(), seconds, max_bytes)


def _exchange(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    auth: AuthBase,
    seconds: float,
    max_bytes: int,
) -> Response:
    end = time.monotonic() + CONNECT_SECONDS + seconds
    with (
        _translate_errors(),
        requests.Session() as session,
        session.request(
            method,
            url,
            data=body,
            headers=dict(headers),
            auth=auth,
            timeout=(CONNECT_SECONDS, seconds),
            # A key or picture is for this address only.
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        received = bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            received += chunk
            if len(received) > max_bytes:
                raise EndpointAnswerError("not_a_picture")
            if time.monotonic() > end:
                raise EndpointTimeoutError("late")
        return Response(status=response.status_code, headers=response.headers, body=bytes(received))


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except requests.ConnectTimeout as exc:
        raise EndpointUnreachableError("no_connection") from exc
    except requests.Timeout as exc:
        raise EndpointTimeoutError("late") from exc
    except requests.exceptions.SSLError as exc:
        raise EndpointUnreachableError("certificate") from exc
    except requests.ConnectionError as exc:
        raise _no_connection(exc) from exc
    except (requests.RequestException, HTTPError) as exc:
        raise EndpointAnswerError("not_a_picture") from exc


def _no_connection(
    exc: requests.ConnectionError,
) -> EndpointUnreachableError | EndpointTimeoutError:
    cause = exc.args[0] if exc.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, ReadTimeoutError):  # in the middle of a response
        return EndpointTimeoutError("late")
    return EndpointUnreachableError("no_connection")
