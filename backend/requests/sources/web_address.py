"""A web address, checked as far as possible without resolving it."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

import requests

from backend.errors import RequestError, SourceNotAllowedError

WEB_PORTS = (80, 443)
_USER = re.compile(r"[^/?#]*//[^/?#]*@")


def parse_web_address(url: str, *, any_port: bool) -> str:
    """Return the address as it will be fetched; raise RequestError or SourceNotAllowedError.

    The library's own parser reads it first, so what is checked is what is connected to, and
    differences between two parsers cannot be exploited.
    """
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
        parts: SplitResult = urlsplit(prepared.url or "")
        port, host = parts.port, parts.hostname
    except ValueError as exc:  # requests' InvalidURL is one, and so is UnicodeError
        raise RequestError.not_a_web_address() from exc
    if not host:
        raise RequestError.not_a_web_address()
    if parts.scheme not in ("http", "https"):
        raise SourceNotAllowedError
    # Checked in both spellings: the library drops an empty user name.
    if "@" in parts.netloc or _USER.match(url):
        raise SourceNotAllowedError("An address with a user name or a password is not fetched.")
    if not any_port and port is not None and port not in WEB_PORTS:
        raise SourceNotAllowedError("Only the web's usual ports, 80 and 443, are reached.")
    return parts._replace(fragment="").geturl()
