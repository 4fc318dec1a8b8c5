"""Decoded pixels as arrays, and the files that are made of them."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from backend.errors import ImageTooLargeError
from backend.images.colour import gray_in_srgb
from backend.images.decode import PictureFacts, read
from backend.images.formats import FORMATS, WEBP, WRITABLE, automatic_format
from backend.images.jpeg_grid import quality_with_earlier_saves
from backend.images.metadata import Kept, embed, writer_options
from backend.images.segments.opened import open_plainly
from backend.options import AUTO, OPTIONS

RgbImage = npt.NDArray[np.uint8]
"""(H, W, 3) uint8."""
Plane = npt.NDArray[np.uint8]
"""(H, W) uint8."""

for _format in WRITABLE:
    import_module(_format.plugin)


@dataclass(frozen=True, kw_only=True)
class Picture(PictureFacts):
    """A decoded picture, upright, in 8-bit RGB."""

    rgb: RgbImage
    alpha: Plane | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]


class Decode(Protocol):
    """The signature of `decode`, in this process or in another."""

    def __call__(self, data: bytes, *, max_side: int) -> Picture: ...


def decode(data: bytes, *, max_side: int) -> Picture:
    """Decode as `decode.read` does, in this process."""
    return picture_from_planes(vars(read(data, max_side=max_side)))


def picture_from_planes(values: Mapping[str, Any]) -> Picture:
    """Make a picture from its fields; NumPy must be able to make arrays of the planes."""
    planes = {"rgb": np.asarray(values["rgb"])}
    if values["alpha"] is not None:
        planes["alpha"] = np.asarray(values["alpha"])
    quality = quality_with_earlier_saves(planes["rgb"], values["jpeg_quality"])
    return Picture(**{**values, **planes, "jpeg_quality": quality})


def crop(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """Crop to (left, top, right, bottom); the planes are views."""
    left, top, right, bottom = box
    alpha = picture.alpha
    return replace(
        picture,
        rgb=picture.rgb[top:bottom, left:right],
        alpha=None if alpha is None else alpha[top:bottom, left:right],
    )


def local_range(alpha: Plane) -> tuple[Plane, Plane]:
    """Return the smallest and largest value of the 3 x 3 neighbourhood of every pixel."""
    image = Image.fromarray(alpha)
    low, high = image.filter(ImageFilter.MinFilter(3)), image.filter(ImageFilter.MaxFilter(3))
    return np.asarray(low), np.asarray(high)


def output_format(picture: Picture, requested: str) -> str:
    """Return the name of the result's format; RequestError for one that is not written."""
    if requested == AUTO:
        return automatic_format(
            picture.source_format,
            has_alpha=picture.alpha is not None,
            is_lossless=picture.is_lossless,
        ).name
    return str(OPTIONS["format"].read(requested))


def check_output_size(width: int, height: int, *, format: str) -> None:
    """Raise ImageTooLargeError when the file format cannot hold a picture of this size."""
    limit = FORMATS[format].longest_side or 0
    if max(width, height) > limit:
        raise ImageTooLargeError.output(
            width,
            height,
            because=f", and a {FORMATS[format].label} file holds at most {limit} on a side; "
            "choose another format or scale.",
        )


def to_image(picture: Picture) -> Image.Image:
    """Make Pillow's image of it, in L, LA, RGB or RGBA."""
    image = Image.fromarray(picture.rgb)
    if picture.is_gray:
        image = image.convert("L")  # the luma of a network's answer
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def reopen(data: bytes, *, format: str) -> Image.Image:
    """Open a file of any size that `encode` wrote, without decoding it yet."""
    return open_plainly(data, FORMATS[format])


def encode(
    picture: Picture, *, format: str, quality: int | None = None, keep: Collection[str] = ()
) -> bytes:
    """Write a file; transparency is put on white where the format has none.

    `keep` names the source's metadata to keep, out of `options.KEPT`.
    """
    file_format = FORMATS[format]
    alpha, profile = picture.alpha, picture.icc_profile
    if profile and picture.is_gray and not file_format.has_gray:
        gray = gray_in_srgb(Image.fromarray(picture.rgb).convert("L"), profile)
        picture, profile = replace(picture, rgb=np.asarray(gray.convert("RGB"))), None
    image = to_image(picture if file_format.has_alpha else replace(picture, alpha=None))
    if alpha is not None and not file_format.has_alpha:
        paper = Image.new(image.mode, image.size, "white")
        paper.paste(image, mask=Image.fromarray(alpha))
        image = paper
    options = dict(file_format.save_options)
    if quality is not None and "quality" in options:
        options["quality"] = quality
    # A file may be without loss although its format mostly is not.
    stays_lossless = picture.is_lossless and not picture.source_format.is_lossless
    if file_format is WEBP and quality is None and stays_lossless:
        options["lossless"] = True
    if file_format.has_chroma:
        options["subsampling"] = "4:2:0" if picture.is_chroma_halved else "4:4:4"
    if profile:
        options["icc_profile"] = profile
    kept = Kept.of(picture, keep)
    options |= writer_options(kept, format=format)
    buffer = io.BytesIO()
    image.save(buffer, file_format.pillow_name, **options)
    return embed(buffer.getvalue(), kept, format=format, size=picture.size)
