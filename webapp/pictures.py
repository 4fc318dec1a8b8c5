"""The picture a visitor chose, before anything is done to it."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass

from backend import Settings
from backend.errors import PayloadTooLargeError
from backend.images import decode, to_image
from webapp.comparison.preview import bounded, displayable

PREVIEW_SIDE = 1600


@dataclass(frozen=True, kw_only=True)
class Picked:
    """A file from a sample, an upload or a link."""

    name: str
    """As its owner called it; never trusted."""
    data: bytes
    digest: str
    """sha256 of the data."""
    caption: str = ""

    @classmethod
    def of(cls, data: bytes, *, name: str, caption: str = "") -> Picked:
        """With its digest."""
        digest = hashlib.sha256(data).hexdigest()
        return cls(name=name, data=data, digest=digest, caption=caption)


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What the page shows of a picture before it is enhanced."""

    size: tuple[int, int]
    """(width, height), upright."""
    jpeg_quality: int | None
    preview: bytes
    """WebP, at most `PREVIEW_SIDE` a side."""


def webp_address(webp: bytes) -> str:
    """A data address, which cannot come too late as an address on the server can."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()


def inspect(data: bytes, *, settings: Settings) -> Inspected:
    """Decode under the engine's limits; raises what the engine would."""
    if len(data) > settings.max_image_bytes:
        raise PayloadTooLargeError(
            f"At most {settings.max_image_bytes // 2**20} MB are possible.",
            max_bytes=settings.max_image_bytes,
        )
    picture = decode(data, max_side=settings.max_side)
    small = bounded(displayable(to_image(picture)), max_side=PREVIEW_SIDE)
    profile = None if picture.is_gray else picture.icc_profile
    file = io.BytesIO()
    small.save(file, "WEBP", quality=92, method=2, icc_profile=profile)
    return Inspected(size=picture.size, jpeg_quality=picture.jpeg_quality, preview=file.getvalue())
