"""A visitor's picture, before anything is done to it."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps

from backend.images.metadata import Kept
from backend.images.photo_or_drawing import is_photograph
from backend.images.picture import Decode, Picture, output_format, to_image
from backend.images.pixel_art import is_pixel_art
from webapp.base import side
from webapp.base.files import Disk, StoredFile

PREVIEW_SIDE, PREVIEW_QUALITY = 1600, 92
THUMBNAIL, THUMBNAIL_QUALITY = (144, 144), 80
AUTO_FORMAT = "auto"
DETAIL_MAP = 12
"""The number of places along the longer side that are compared for detail."""
STRONG_STEP = 48.0
"""Grey levels at which steps are clipped: one hard edge is not much detail."""
DETAIL_SIDE = side.DETAIL_SIDE // 2 + 2
"""Side of an input's middle: it covers the same scene as the result's at x2."""


class Readable(Protocol):
    """A file's bytes, wherever they are kept."""

    @property
    def nbytes(self) -> int: ...

    def read(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The file that pixels were cut out of, turned or shrunk."""

    jpeg_quality: int | None
    """The lowest quality of all its saves as a JPEG; None if it never was a JPEG."""
    is_lossless: bool
    is_chroma_halved: bool

    @classmethod
    def of(cls, decoded: Picture) -> Parent:
        """Return what a decoded file leaves to its parts."""
        return cls(
            jpeg_quality=decoded.jpeg_quality,
            is_lossless=decoded.is_lossless,
            is_chroma_halved=decoded.is_chroma_halved,
        )


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A file from a sample, an upload or a link."""

    name: str
    """The owner's name for it; never trusted."""
    digest: str
    """sha256 of the data."""
    file: Readable
    sample: str = ""
    """The sample's file name; empty for a visitor's own picture."""
    parent: Parent | None = None
    """The visitor's file, if this one was made of it."""
    original: Original | None = None
    """The larger picture that it was shrunk from."""
    link: str = ""
    """The address that it was fetched from; empty for any other file."""
    made_of: str = ""
    """The digest of the visitor's file that it was made of; empty for that file itself."""

    @property
    def uploaded(self) -> str:
        """The digest of the file that the visitor has."""
        return self.made_of or self.digest

    @property
    def nbytes(self) -> int:
        """The size of all that is kept of it."""
        return self.file.nbytes + (self.original.file.nbytes if self.original else 0)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str, disk: Disk, link: str = "") -> InputFile:
        """Store the data; raise StorageFullError if there is no room."""
        digest = hashlib.sha256(data).hexdigest()
        return cls(name=name, digest=digest, file=disk.store(data), link=link)


@dataclass(frozen=True, kw_only=True)
class Original:
    """A picture that is too large, of which a part can be used."""

    file: InputFile
    size: tuple[int, int]
    """(width, height), upright."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Facts and previews of a picture before it is enhanced."""

    size: tuple[int, int]
    """(width, height), upright."""
    has_alpha: bool
    notes: tuple[str, ...]
    """Codes of `backend.images.notes`: what the file has and a result lacks."""
    kept: Kept
    """Metadata that results may keep."""
    has_place: bool
    has_camera: bool
    """True if the file names a camera, which results do not."""
    detailed: tuple[float, float]
    """The place with the most detail, as fractions of width and height."""
    is_pixel_art: bool
    is_photograph: bool
    """True for photographs, false for drawings, text and screenshots; `auto` uses it."""
    format: str
    """Format of a saved result until a visitor chooses."""
    jpeg_quality: int | None
    """That of the parent, if any."""
    parent_quality: int | None
    """That of the parent alone."""
    side: StoredFile
    """The left side of the slider, from `side.pack`."""
    preview: StoredFile
    """WebP, at most `PREVIEW_SIDE` a side."""
    thumbnail: str
    """A data URL."""
    is_chroma_halved: bool = False
    """True if the file has colours at half the size, as a JPEG of the result then has."""


def inspect(picture: InputFile, *, decode: Decode, max_side: int, disk: Disk) -> Inspection:
    """Decode under the engine's limits; raise what the engine would."""
    decoded = decode(picture.file.read(), max_side=max_side)
    return inspect_decoded(decoded, parent=picture.parent, disk=disk)


def inspect_decoded(decoded: Picture, *, parent: Parent | None, disk: Disk) -> Inspection:
    """Inspect decoded pixels; `parent` is as in `InputFile.parent`."""
    image = image_from(decoded)
    parent_quality = parent.jpeg_quality if parent else None
    # A part is stored without loss, and saved as its file would be.
    saved = replace(decoded, **vars(parent)) if parent else decoded
    is_pixelated = is_pixel_art(decoded)
    with ThreadPoolExecutor() as pool:  # encoding takes most of the time, and needs no lock
        packed = pool.submit(lambda: side.pack(side.make_side(image, detail_side=DETAIL_SIDE)))
        # A copy: `save` keeps its settings on the image, which other threads would change.
        preview = side.bounded(side.displayable(image), max_side=PREVIEW_SIDE).copy()
        quality = None if is_pixelated else PREVIEW_QUALITY
        return Inspection(
            size=decoded.size,
            has_alpha=decoded.alpha is not None,
            notes=decoded.notes,
            kept=Kept.of(decoded),
            has_place=decoded.has_place,
            has_camera=decoded.has_camera,
            detailed=most_detailed(preview),
            is_pixel_art=is_pixelated,
            is_photograph=is_photograph(decoded.rgb),
            format=output_format(saved, AUTO_FORMAT),
            jpeg_quality=decoded.jpeg_quality if parent_quality is None else parent_quality,
            parent_quality=parent_quality,
            preview=disk.store(side.webp(preview, side.rgb_profile(image), quality=quality)),
            thumbnail=thumbnail(preview, is_pixelated=is_pixelated),
            side=disk.store(packed.result()),
            is_chroma_halved=saved.is_chroma_halved,
        )


def most_detailed(image: Image.Image) -> tuple[float, float]:
    """Return the place where neighbouring pixels differ most, as fractions of width and height.

    The borders are ignored: the place becomes the middle of a view.
    """
    width, height = (max(1, round(side * DETAIL_MAP / max(image.size))) for side in image.size)
    pixels = np.asarray(image.convert("L"), np.float32)
    across, down = np.abs(np.diff(pixels, axis=1))[:-1], np.abs(np.diff(pixels, axis=0))[:, :-1]
    if across.size == 0:
        return 0.5, 0.5
    steps = Image.fromarray(np.minimum(across + down, STRONG_STEP))
    detail = np.asarray(steps.resize((width, height), Image.Resampling.BOX))
    rim_x, rim_y = width // 5, height // 5
    inner = detail[rim_y : height - rim_y, rim_x : width - rim_x]
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return (float(column) + rim_x + 0.5) / width, (float(row) + rim_y + 0.5) / height


def image_from(decoded: Picture) -> Image.Image:
    """Make an image with its colour profile."""
    image = to_image(decoded)
    if decoded.icc_profile:
        image.info["icc_profile"] = decoded.icc_profile
    return image


def thumbnail(image: Image.Image, *, is_pixelated: bool = False) -> str:
    """Make a small square as a data URL, with hard pixels if asked for."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    method = Image.Resampling.NEAREST if is_pixelated else Image.Resampling.BICUBIC
    square = ImageOps.fit(image.convert(mode), THUMBNAIL, method)
    return webp_data_url(side.webp(square, quality=THUMBNAIL_QUALITY))


def webp_data_url(data: bytes) -> str:
    """Make a data URL, which never arrives late, unlike an address."""
    return "data:image/webp;base64," + base64.b64encode(data).decode()
