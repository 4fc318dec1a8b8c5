"""The picture inside the request, as base64."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from backend.errors import PayloadTooLargeError, RequestError

_DATA_PREFIX = re.compile(
    r"data:((image/[a-z0-9.+-]{1,40}|(application|binary)/octet-stream)(;[^;,]{1,255}){0,4})?"
    r";base64,\s*",
    re.I,
)
_ADDRESS = re.compile("(https?|s3)://", re.I)
_PIECE_LETTERS = 4 * 2**20
_LINE_ENDS = b"\r\n"
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def decode_inline_image(img: str, *, max_bytes: int) -> bytes:
    """Return the bytes of base64, with or without a data URL's beginning, line breaks and padding.

    The URL-safe alphabet is read too. The size is worked out from the length, before anything is
    decoded.
    """
    img, start = img.strip(), 0
    if _ADDRESS.match(img):
        raise RequestError("'img' is a picture in base64; an address goes into 'url'.", field="img")
    if img[:5].lower() == "data:":
        prefix = _DATA_PREFIX.match(img)
        if prefix is None:
            raise RequestError(
                "'img' starts with 'data:' but not with 'data:image/…;base64,'.", field="img"
            )
        start = prefix.end()
    # `base64` and `openssl` wrap their lines, so line ends are ignored.
    length = len(img) - start - img.count("\n", start) - img.count("\r", start)
    padding = img[-8:].count("=")
    if (length - padding) * 3 // 4 > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="picture")
    try:
        letters = img[start:].encode("ascii")
        if len(letters) > length:
            letters = letters.translate(None, _LINE_ENDS)
        if b"-" in letters or b"_" in letters:
            letters = letters.translate(_FROM_URL_SAFE)
        letters = _padded(letters)
        data = b"".join(_decoded(letters))
    except ValueError as exc:
        raise RequestError(
            "'img' is not base64: only A-Z, a-z, 0-9, + and / or - and _, line breaks, and the "
            "padding that belongs to it.",
            field="img",
        ) from exc
    if not data:
        raise RequestError("'img' contains no picture.", field="img")
    return data


def _padded(letters: bytes) -> bytes:
    """Add padding that was left out; raise ValueError for padding that does not belong."""
    missing = -len(letters) % 4
    at = letters.find(b"=")
    # Python before 3.13 accepts padding where none belongs.
    if missing == 3 or (at >= 0 and (missing or at < len(letters) - 2)):
        raise ValueError
    return letters + b"=" * missing


def _decoded(letters: bytes) -> Iterator[bytes]:
    """Decode in parts: Python's base64 holds the interpreter lock."""
    for start in range(0, len(letters), _PIECE_LETTERS):
        yield base64.b64decode(letters[start : start + _PIECE_LETTERS], validate=True)
