"""The scheme of a `url`, found before any library reads it."""

from __future__ import annotations

import re

from backend.errors import RequestError, SourceNotAllowedError

MAX_ADDRESS_LENGTH = 8192
# ASCII's control characters and space, DEL, the C1 controls, and the separators and direction
# marks of Unicode. Parsers disagree about all of these and about the backslash, and none of them
# belongs into an address.
_FORBIDDEN = re.compile(
    "[\x00-\x20\x7f-\xa0\\\\\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff]"
)
_S3_FORBIDDEN = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")


def scheme_from(url: str) -> str:
    """Return `http`, `https` or `s3`; raise RequestError or SourceNotAllowedError for anything
    else.
    """
    if len(url) > MAX_ADDRESS_LENGTH:
        raise RequestError(
            f"The 'url' is longer than {MAX_ADDRESS_LENGTH} characters.", field="url"
        )
    match = _SCHEME.match(url)
    scheme = match[1].lower() if match else ""
    # An S3 key may contain spaces and backslashes, so only impossible characters are refused.
    forbidden = _S3_FORBIDDEN if scheme == "s3" else _FORBIDDEN
    if forbidden.search(url):
        raise RequestError(
            "The 'url' contains spaces, backslashes or invisible characters; write them "
            "percent-encoded.",
            field="url",
        )
    if scheme == "data":
        raise SourceNotAllowedError("A data URL is the picture itself; send it as 'img'.")
    if match and scheme not in ("http", "https", "s3"):
        raise SourceNotAllowedError
    if not match or not match[2]:
        raise RequestError(
            "'url' is a complete address, such as https://example.com/cat.jpg.", field="url"
        )
    return scheme
