"""The picture a visitor chose, before anything is done to it."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, replace
from typing import Protocol

from PIL import Image, ImageOps

from backend.errors import ImageTooLargeError
from backend.images import Picture, decode, to_image
from backend.jpeg_tables import cleanup_from_quality
from webapp.client.header import read_header
from webapp.files import Disk, StoredFile
from webapp.slider import side

PREVIEW_SIDE = 1600
THUMBNAIL = (144, 144)
DETAIL_SIDE = side.DETAIL_SIDE // 2 + 2
"""Of an input: what covers the same part of the scene as the result's at the smallest scale."""
LARGEST_SIDE = 32_768
LARGEST_PIXELS = 120_000_000
"""Of a picture that can still be shrunk or cut to what the engine takes; 120 MP are 360 MB."""

Box = tuple[int, int, int, int]


class Readable(Protocol):
    """A file's bytes, wherever they are kept."""

    @property
    def nbytes(self) -> int: ...

    def read(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A file from a sample, an upload or a link."""

    name: str
    """As its owner called it; never trusted."""
    digest: str
    """sha256 of the data."""
    file: Readable
    sample: str = ""
    """The file name of the sample that it is; empty for a visitor's own picture."""
    jpeg_quality: int | None = None
    """Of the file that this one was cut out of; None for any other."""

    @classmethod
    def from_bytes(
        cls, data: bytes, *, name: str, disk: Disk, jpeg_quality: int | None = None
    ) -> InputFile:
        """Store the data; StorageFullError when there is no room."""
        digest = hashlib.sha256(data).hexdigest()
        return cls(name=name, digest=digest, file=disk.store(data), jpeg_quality=jpeg_quality)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the page needs to know and show of a picture before it is enhanced."""

    size: tuple[int, int]
    """(width, height), upright."""
    has_alpha: bool
    jpeg_quality: int | None
    cleanup: int | None
    """0-100 for a part that was cut out of a JPEG; None where the file itself tells the engine."""
    side: StoredFile
    """The left side of the slider, from `side.pack`."""
    preview: StoredFile
    """WebP, at most `PREVIEW_SIDE` a side."""
    thumbnail: str
    """A data URL."""


def inspect(picture: InputFile, *, max_side: int, disk: Disk) -> Inspection:
    """Decode under the engine's limits; raises what the engine would."""
    decoded = decode(picture.file.read(), max_side=max_side)
    image = to_image(decoded)
    if decoded.icc_profile and not decoded.is_gray:
        image.info["icc_profile"] = decoded.icc_profile
    shown = side.displayable(image)
    preview = side.bounded(shown, max_side=PREVIEW_SIDE)
    quality = decoded.jpeg_quality if picture.jpeg_quality is None else picture.jpeg_quality
    return Inspection(
        size=decoded.size,
        has_alpha=decoded.alpha is not None,
        jpeg_quality=quality,
        cleanup=None if picture.jpeg_quality is None else cleanup_from_quality(quality),
        side=disk.store(side.pack(side.make_side(image, detail_side=DETAIL_SIDE))),
        preview=disk.store(webp(preview, quality=92, icc_profile=image.info.get("icc_profile"))),
        thumbnail=thumbnail(preview),
    )


def thumbnail(image: Image.Image) -> str:
    """A small square as a data URL."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return webp_data_url(webp(ImageOps.fit(image.convert(mode), THUMBNAIL), quality=80))


def webp(image: Image.Image, *, quality: int, icc_profile: bytes | None = None) -> bytes:
    """For a browser."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=2, icc_profile=icc_profile)
    return file.getvalue()


def webp_data_url(data: bytes) -> str:
    """A data URL cannot come too late, as an address on the server can."""
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def decode_large(data: bytes) -> Picture:
    """A picture of more pixels than the engine takes, in order to shrink or cut it."""
    width, height = read_header(data)[0]
    if width * height > LARGEST_PIXELS:
        raise ImageTooLargeError.input(width, height, max_side=LARGEST_SIDE)
    return decode(data, max_side=LARGEST_SIDE)


def shrink(picture: InputFile, *, max_side: int, disk: Disk) -> InputFile:
    """The whole picture with its longest side reduced to `max_side`."""
    decoded = decode_large(picture.file.read())
    image = to_image(decoded)
    ratio = max_side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    # A compression artefact smaller than a pixel is gone: nothing is left to clean up.
    return _derived(picture, small, decoded, jpeg_quality=100, disk=disk)


def cut(picture: InputFile, box: Box, *, disk: Disk) -> InputFile:
    """The part inside (left, top, right, bottom), pixel by pixel."""
    decoded = decode_large(picture.file.read())
    part = to_image(decoded).crop(box)
    return _derived(picture, part, decoded, jpeg_quality=decoded.jpeg_quality, disk=disk)


def _derived(
    picture: InputFile,
    image: Image.Image,
    decoded: Picture,
    *,
    jpeg_quality: int | None,
    disk: Disk,
) -> InputFile:
    file = io.BytesIO()
    profile = decoded.icc_profile
    image.save(file, "PNG", compress_level=1, icc_profile=profile)
    return InputFile.from_bytes(
        file.getvalue(), name=picture.name, disk=disk, jpeg_quality=jpeg_quality
    )


@dataclass(frozen=True, kw_only=True)
class LargePreview:
    """What the page shows of a picture that has to be shrunk or cut first."""

    size: tuple[int, int]
    """(width, height), upright."""
    image: str
    """A data URL."""


def preview_large(picture: InputFile) -> LargePreview:
    """ImageTooLargeError when it is too large even for that."""
    image = side.displayable(to_image(decode_large(picture.file.read())))
    small = side.bounded(image, max_side=PREVIEW_SIDE)
    return LargePreview(size=image.size, image=webp_data_url(webp(small, quality=85)))


def crop(picture: Picture, box: Box) -> Picture:
    """The part inside (left, top, right, bottom)."""
    left, top, right, bottom = box
    alpha = picture.alpha
    return replace(
        picture,
        rgb=picture.rgb[top:bottom, left:right],
        alpha=None if alpha is None else alpha[top:bottom, left:right],
    )


def widen(box: Box, *, by: int, size: tuple[int, int]) -> Box:
    """The box with so many pixels more on each side, inside a picture of (width, height)."""
    left, top, right, bottom = box
    return max(0, left - by), max(0, top - by), min(size[0], right + by), min(size[1], bottom + by)
