"""The picture inside the request, as base64."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from backend.errors import PayloadTooLargeError, RequestError

_DATA_PREFIX = re.compile(r"data:image/[a-z0-9.+-]{1,40}(;[a-z0-9.=_-]{1,40}){0,4};base64,", re.I)
_PIECE_LETTERS = 4 * 2**20
_LINE_ENDS = b"\r\n"


def decode_inline_image(img: str, *, max_bytes: int) -> bytes:
    """Base64, with or without a `data:image/…;base64,` prefix and line breaks -> its bytes.

    The size is worked out from the length, before anything is decoded.
    """
    start = 0
    if img[:5].lower() == "data:":
        prefix = _DATA_PREFIX.match(img)
        if prefix is None:
            raise RequestError(
                "'img' starts with 'data:' but not with 'data:image/…;base64,'.", field="img"
            )
        start = prefix.end()
    # `base64` and `openssl` wrap their lines, so line ends count for nothing.
    length = len(img) - start - img.count("\n", start) - img.count("\r", start)
    padding = img[-8:].count("=")
    if length * 3 // 4 - padding > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="picture")
    try:
        letters = img[start:].encode("ascii")
        if len(letters) > length:
            letters = letters.translate(None, _LINE_ENDS)
        # Python before 3.13 lets padding through where none belongs.
        if len(letters) % 4 or 0 <= letters.find(b"=") < len(letters) - 2:
            raise _not_base64()
        data = b"".join(_decoded(letters))
    except ValueError as exc:
        raise _not_base64() from exc
    if not data:
        raise RequestError("'img' contains no picture.", field="img")
    return data


def _decoded(letters: bytes) -> Iterator[bytes]:
    """Decode in parts: Python's base64 lets no other thread run meanwhile."""
    for start in range(0, len(letters), _PIECE_LETTERS):
        yield base64.b64decode(letters[start : start + _PIECE_LETTERS], validate=True)


def _not_base64() -> RequestError:
    return RequestError(
        "'img' is not base64: only A-Z, a-z, 0-9, + and /, line breaks, and the padding "
        "that belongs to it.",
        field="img",
    )
