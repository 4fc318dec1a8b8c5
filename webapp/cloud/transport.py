"""One HTTP exchange, bounded in bytes and time: the only module that knows requests' exceptions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError

from webapp.cloud.authorization import Anonymous
from webapp.cloud.errors import (
    EndpointAnswerError,
    EndpointTimeoutError,
    EndpointUnreachableError,
)

CONNECT_SECONDS = 5.0
CHUNK_BYTES = 2**16


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Found by a name in any case."""
    body: bytes


def post(url: str, body: bytes, *, auth: AuthBase, seconds: float, max_bytes: int) -> Answer:
    """Send JSON; EndpointUnreachable-, EndpointTimeout- or EndpointAnswerError."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return _exchange("POST", url, body, headers, auth, seconds, max_bytes)


def get(url: str, *, seconds: float, max_bytes: int) -> Answer:
    """Fetch what a link leads to; the link alone lets in, so neither key nor signature goes."""
    return _exchange("GET", url, None, {}, Anonymous(), seconds, max_bytes)


def _exchange(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    auth: AuthBase,
    seconds: float,
    max_bytes: int,
) -> Answer:
    end = time.monotonic() + CONNECT_SECONDS + seconds
    with (
        _translated(),
        requests.Session() as session,
        session.request(
            method,
            url,
            data=body,
            headers=dict(headers),
            auth=auth,
            timeout=(CONNECT_SECONDS, seconds),
            # A key or a picture is for this address and for no other.
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        received = bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            received += chunk
            if len(received) > max_bytes:
                raise EndpointAnswerError("The answer is larger than any result can be.")
            if time.monotonic() > end:
                raise EndpointTimeoutError("The answer came too slowly.")
        return Answer(status=response.status_code, headers=response.headers, body=bytes(received))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except requests.ConnectTimeout as exc:
        raise EndpointUnreachableError(
            f"The endpoint did not accept a connection within {CONNECT_SECONDS:.0f} s."
        ) from exc
    except requests.Timeout as exc:
        raise EndpointTimeoutError("The endpoint did not answer in time.") from exc
    except requests.exceptions.SSLError as exc:
        raise EndpointUnreachableError(
            "The endpoint's certificate is not trusted here, or is for another name."
        ) from exc
    except requests.exceptions.ProxyError as exc:
        raise EndpointUnreachableError(
            "The proxy between this page and the endpoint does not let through."
        ) from exc
    except requests.ConnectionError as exc:
        raise _no_connection(exc) from exc
    except (requests.RequestException, HTTPError) as exc:
        raise EndpointAnswerError("The endpoint's answer broke off or is not HTTP.") from exc


def _no_connection(
    exc: requests.ConnectionError,
) -> EndpointUnreachableError | EndpointTimeoutError:
    cause = exc.args[0] if exc.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, NameResolutionError):
        return EndpointUnreachableError(
            "The name in the endpoint's address is not known: it is misspelt, or the API was "
            "deleted, or this computer has no connection to the internet."
        )
    if isinstance(reason, ReadTimeoutError):  # in the middle of an answer
        return EndpointTimeoutError("The endpoint stopped in the middle of its answer.")
    return EndpointUnreachableError(
        "There is no connection to the endpoint: nothing answers at its address, or it hung up."
    )
