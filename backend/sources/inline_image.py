"""The picture inside the request, as base64."""

from __future__ import annotations

import base64
import re

from backend.errors import PayloadTooLargeError, RequestError

_DATA_PREFIX = re.compile(r"data:image/[a-z0-9.+-]{1,40}(;[a-z0-9.=_-]{1,40}){0,4};base64,", re.I)
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
        letters = img[start:].encode("ascii").translate(None, _LINE_ENDS)
        data = base64.b64decode(letters, validate=True)
    except ValueError as exc:
        raise _not_base64() from exc
    # Python before 3.13 lets padding through where none belongs.
    if len(letters) % 4 or letters.endswith(b"==="):
        raise _not_base64()
    if not data:
        raise RequestError("'img' contains no picture.", field="img")
    return data


def _not_base64() -> RequestError:
    return RequestError(
        "'img' is not base64: only A-Z, a-z, 0-9, + and /, line breaks, and the padding "
        "that belongs to it.",
        field="img",
    )
