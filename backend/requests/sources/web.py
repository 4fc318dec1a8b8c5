"""Pictures from http and https addresses; anyone may send one, so none is trusted."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_match_hostname import CertificateError

from backend.deadline import Deadline, DeadlineExceededError
from backend.engine import Watch
from backend.errors import (
    PayloadTooLargeError,
    RequestError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)
from backend.images.formats import READABLE
from backend.requests.sources.byte_limit import CHUNK_BYTES, collect
from backend.requests.sources.public_address import PublicAddressAdapter
from backend.requests.sources.scheme import scheme_from
from backend.requests.sources.web_address import parse_web_address
from backend.settings import Settings

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
GONE = (404, 410)
NO_TLS = "The address cannot be reached over https."
HEADERS = {
    "User-Agent": "super-resolution (fetches a picture for one of its users)",
    # Only readable formats; otherwise a server may choose another.
    "Accept": ", ".join([*(each.media_type for each in READABLE), "*/*;q=0.1"]),
    # Pictures are compressed already; a compressed response is still read.
    "Accept-Encoding": "identity",
}


class WebSource:
    """GET with a byte limit and one time limit over resolution, redirects and body."""

    def __init__(self, settings: Settings, *, ca_bundle: Path | None = None) -> None:
        """`ca_bundle` replaces the public certificate authorities, as a closed network needs."""
        self._is_private_allowed = settings.allow_private_sources
        self._timeout_seconds = settings.source_timeout_seconds
        self._ca_bundle = ca_bundle

    def read(self, url: str, *, max_bytes: int, watch: Watch = Watch()) -> bytes:
        """Fetch the body; raise RequestError, PayloadTooLargeError or a SourceError."""
        address = parse_web_address(url, any_port=self._is_private_allowed)
        deadline = Deadline(self._timeout_seconds)
        with _translated_errors():
            return deadline.run(
                lambda: self._follow(address, deadline, max_bytes=max_bytes), check=watch.check
            )

    def _follow(self, address: str, deadline: Deadline, *, max_bytes: int) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            # One session per hop: no cookie or connection is carried from one server to the next.
            with (
                self._session(deadline) as session,
                session.get(address, stream=True, timeout=deadline.timeout) as answer,
            ):
                target = answer.headers.get("Location")
                if answer.status_code not in REDIRECTS or target is None:
                    return _body(answer, max_bytes=max_bytes)
            address = self._next_address(address, target)
        raise SourceUnreachableError(f"The address redirects more than {MAX_REDIRECTS} times.")

    def _session(self, deadline: Deadline) -> requests.Session:
        session = _OneHopSession()
        session.trust_env = False  # ignore the environment's proxy, .netrc and certificate bundle
        session.verify = str(self._ca_bundle) if self._ca_bundle else True
        session.headers.update(HEADERS)
        for scheme in ("http", "https"):
            adapter: HTTPAdapter = (
                HTTPAdapter()
                if self._is_private_allowed
                else PublicAddressAdapter(is_https_proto=scheme == "https")
            )
            adapter.poolmanager.pool_classes_by_scheme = _watched_pools(deadline)
            session.mount(f"{scheme}://", adapter)
        return session

    def _next_address(self, address: str, target: str) -> str:
        """Return the next address, checked like the first one."""
        try:
            # Header fields arrive as Latin-1; browsers read this one as UTF-8.
            joined = urljoin(address, target.encode("latin-1").decode("utf-8", "replace"))
            if scheme_from(joined) == "s3":
                raise SourceNotAllowedError("A redirect from the web into S3 is not followed.")
            return parse_web_address(joined, any_port=self._is_private_allowed)
        except (RequestError, ValueError) as exc:
            raise SourceUnreachableError(
                "The address redirects to something that is not a web address."
            ) from exc


class _OneHopSession(requests.Session):
    """Follows no redirect: the library would read a redirect's whole body, however large."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


def _watched_pools(deadline: Deadline) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Make connection pools whose every connection ends at the deadline."""

    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            deadline.check()  # a name may resolve after the fetch was given up
            return deadline.hold(super()._new_conn())

    class TlsConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            deadline.check()
            return deadline.hold(super()._new_conn())

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": Pool, "https": TlsPool}


def _body(answer: requests.Response, *, max_bytes: int) -> bytes:
    status = answer.status_code
    if status in GONE:
        raise SourceNotFoundError(status=status)
    if not 200 <= status <= 299:
        raise SourceUnreachableError(
            f"The address answered with the status {status}.", status=status
        )
    announced = answer.raw.length_remaining
    if announced is not None and announced > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="picture")
    # Counted after decoding, a chunk at a time, so that a compressed bomb is only ever a chunk.
    return collect(answer.raw.stream(CHUNK_BYTES, decode_content=True), max_bytes=max_bytes)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    """Translate the libraries' exceptions into ours."""
    try:
        yield
    except InvalidIPAddress as exc:
        raise SourceNotAllowedError(
            "The address leads to a private or special network; only public ones are reached."
        ) from exc
    except (DeadlineExceededError, requests.Timeout, urllib3.exceptions.TimeoutError) as exc:
        raise SourceTimeoutError from _root(exc)
    except requests.exceptions.SSLError as exc:
        root = _root(exc)
        is_untrusted = isinstance(root, (ssl.CertificateError, CertificateError))
        sentence = "The address has no valid certificate." if is_untrusted else NO_TLS
        raise SourceUnreachableError(sentence) from root
    except requests.exceptions.InvalidURL as exc:
        raise RequestError.not_a_web_address() from exc
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
        raise SourceUnreachableError from _root(exc)


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause: outer ones quote the address, and causes are logged.

    A signed link's query is a key.
    """
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
