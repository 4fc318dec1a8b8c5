"""Bytes to pixels and back: the only module that knows Pillow's readers and writers."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import (
    Image,
    ImageCms,
    ImageFile,
    ImageFilter,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from backend.errors import ImageError, ImageTooLargeError, RequestError, UnsupportedMediaTypeError
from backend.jpeg_tables import estimated_quality

RgbImage = npt.NDArray[np.uint8]
"""(H, W, 3) uint8."""
Plane = npt.NDArray[np.uint8]
"""(H, W) uint8."""
OutputFormat = Literal["png", "jpeg", "webp"]
OUTPUT_FORMATS: dict[str, OutputFormat] = {"png": "png", "jpeg": "jpeg", "webp": "webp"}

READ_FORMATS = ("JPEG", "PNG", "BMP")
SIGNATURES = (b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM")
"""How files of these formats start: one that Pillow then cannot identify is damaged."""
DAMAGED = "The picture is damaged and cannot be read."
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow lets out on broken bytes."""
BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
JPEG_QUALITY = 95
WEBP_QUALITY = 92
PNG_COMPRESSION = 3
"""zlib level: 6 takes three times as long for files a few per cent smaller."""
LONGEST_SIDE = {"png": 2**31 - 1, "jpeg": 65500, "webp": 16383}
"""What each file format can hold."""
WRITTEN_FORMATS: dict[OutputFormat, type[ImageFile.ImageFile]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
}
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded picture, upright, in 8-bit RGB."""

    rgb: RgbImage
    alpha: Plane | None = None
    icc_profile: bytes | None = None
    is_gray: bool = False
    """All three channels are equal and are written as one."""
    lossless: bool = True
    """Came from a lossless file, so `auto` writes PNG."""
    jpeg_quality: int | None = None
    """The quality its JPEG was saved at, estimated from its quantisation tables."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]


def decode(data: bytes, *, max_side: int) -> Picture:
    """Read a JPEG, PNG or BMP; the size is checked from the header, before any pixel is read.

    UnsupportedMediaTypeError, ImageTooLargeError, or ImageError for a damaged file.
    """
    if not data:
        raise ImageError("The file is empty.")
    try:
        with Image.open(io.BytesIO(data), formats=READ_FORMATS) as opened:
            _check_side(opened.size, max_side=max_side)
            if opened.format == "PNG" and getattr(opened, "is_animated", False):
                raise UnsupportedMediaTypeError(
                    "Animated pictures are not supported; send a single frame."
                )
            return _picture(opened)
    except UnidentifiedImageError as exc:
        if data.startswith(SIGNATURES):
            raise ImageError(DAMAGED) from exc
        raise UnsupportedMediaTypeError(
            "This is not a picture that can be read here; send a JPEG, PNG or BMP."
        ) from exc
    except BOMB_ERRORS as exc:
        raise ImageTooLargeError(
            f"The picture is larger than {max_side} pixels on its longest side.", max_side=max_side
        ) from exc
    except DECODE_ERRORS as exc:
        raise ImageError(DAMAGED) from exc


def _check_side(size: tuple[int, int], *, max_side: int) -> None:
    width, height = size
    if max(size) > max_side:
        raise ImageTooLargeError(
            f"The picture is {width} x {height} pixels; at most {max_side} on its longest side.",
            width=width,
            height=height,
            max_side=max_side,
        )
    if min(size) < 1:
        raise ImageError("The picture has no pixels.")


def _picture(opened: Image.Image) -> Picture:
    is_jpeg = opened.format != "PNG" and hasattr(opened, "quantization")
    quality = estimated_quality(opened.quantization) if is_jpeg else None  # type: ignore[attr-defined]
    icc_profile = opened.info.get("icc_profile")
    image = ImageOps.exif_transpose(opened)
    image.load()
    alpha: Plane | None = None
    if "transparency" in image.info and image.mode in ("1", "L", "RGB", "I;16", "P"):
        image = _eight_bit(image).convert("RGBA" if image.mode in ("RGB", "P") else "LA")
    image = _eight_bit(image)
    if image.mode in ("PA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() == 255:
            alpha = None
    is_gray = image.mode in ("1", "L", "LA")
    if image.mode == "CMYK":
        image, icc_profile = _cmyk_to_rgb(image, icc_profile), None
    if alpha is not None:
        image = bleed(image.convert("RGBA"))
    rgb = np.asarray(image.convert("L").convert("RGB") if is_gray else image.convert("RGB"))
    return Picture(
        rgb=rgb,
        alpha=alpha,
        icc_profile=_matching_profile(icc_profile, is_gray=is_gray),
        is_gray=is_gray,
        lossless=not is_jpeg,
        jpeg_quality=quality,
    )


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit greyscale scaled to 8 bits (Pillow's own conversion would clip it)."""
    if not image.mode.startswith("I"):
        return image
    wide = np.asarray(image).astype(np.uint32)
    narrow = Image.fromarray(((np.minimum(wide, 65535) * 255 + 32895) >> 16).astype(np.uint8))
    if "transparency" in image.info:
        mask = Image.fromarray(np.where(wide == image.info["transparency"], 0, 255).astype("u1"))
        narrow.putalpha(mask)
    return narrow


def _cmyk_to_rgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Through the file's own profile when it has a good one, by the plain formula otherwise."""
    if icc_profile and icc_profile[16:20] == b"CMYK":
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, *DECODE_ERRORS):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _matching_profile(icc_profile: bytes | None, *, is_gray: bool) -> bytes | None:
    """The profile, if its colour space is the one that will be written."""
    space = b"GRAY" if is_gray else b"RGB "
    return icc_profile if icc_profile and icc_profile[16:20] == space else None


def bleed(image: Image.Image) -> Image.Image:
    """Give wholly transparent pixels the colour of what is near, so that edges get no halo.

    RGBA -> RGB. Averages of ever larger blocks fill what has no colour of its own.
    """
    levels = [image.convert("RGBa")]
    while max(levels[-1].size) > 1:
        levels.append(levels[-1].reduce(2))
    filled = levels.pop().convert("RGBA").convert("RGB")
    for level in reversed(levels):
        colours = level.convert("RGBA")
        below = filled.resize(level.size, Image.Resampling.BILINEAR)
        below.paste(colours.convert("RGB"), mask=colours.getchannel("A").point(_has_colour))
        filled = below
    original = image.convert("RGB")
    filled.paste(original, mask=image.getchannel("A").point(_is_visible))
    return filled


def _has_colour(alpha: int) -> int:
    """Un-premultiplied 8-bit colours are trusted only when enough of them is left."""
    return 255 if alpha >= 16 else 0


def _is_visible(alpha: int) -> int:
    return 255 if alpha else 0


def local_range(alpha: Plane) -> tuple[Plane, Plane]:
    """Smallest and largest value of the 3 x 3 neighbourhood of every pixel."""
    image = Image.fromarray(alpha)
    low, high = image.filter(ImageFilter.MinFilter(3)), image.filter(ImageFilter.MaxFilter(3))
    return np.asarray(low), np.asarray(high)


def output_format(picture: Picture, requested: str) -> OutputFormat:
    """`auto` keeps the input's kind: JPEG for a JPEG, PNG for what is lossless or has alpha."""
    if requested == "auto":
        return "png" if picture.lossless or picture.alpha is not None else "jpeg"
    try:
        return OUTPUT_FORMATS[requested]
    except KeyError as exc:
        raise RequestError("'format' is one of auto, png, jpeg and webp.", field="format") from exc


def check_output_size(width: int, height: int, *, format: OutputFormat) -> None:
    """ImageTooLargeError when the file format cannot hold so many pixels."""
    limit = LONGEST_SIDE[format]
    if max(width, height) > limit:
        raise ImageTooLargeError(
            f"The result would be {width} x {height} pixels, and a {format.upper()} file holds at "
            f"most {limit} on a side; choose another format or scale.",
            width=width,
            height=height,
        )


def to_image(picture: Picture) -> Image.Image:
    """For Pillow: L, LA, RGB or RGBA."""
    if picture.is_gray:
        image = Image.fromarray(np.ascontiguousarray(picture.rgb[:, :, 0]))
    else:
        image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def reopen(data: bytes, *, format: OutputFormat) -> Image.Image:
    """A file that `encode` wrote, not decoded yet, of any size.

    `Image.open` would apply Pillow's limit on pixels, which is meant for strangers' files.
    """
    return WRITTEN_FORMATS[format](io.BytesIO(data))


def encode(picture: Picture, *, format: OutputFormat, quality: int | None = None) -> bytes:
    """The picture as a file; a JPEG of a transparent picture is put on white."""
    image = to_image(replace(picture, alpha=None) if format == "jpeg" else picture)
    if format == "jpeg" and picture.alpha is not None:
        paper = Image.new(image.mode, image.size, "white")
        paper.paste(image, mask=Image.fromarray(picture.alpha))
        image = paper
    options: dict[str, object] = {}
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if format == "jpeg":
        options |= {"quality": quality or JPEG_QUALITY, "subsampling": 0}
    elif format == "webp":
        options |= {"quality": quality or WEBP_QUALITY, "method": 2}
    else:
        options |= {"compress_level": PNG_COMPRESSION}
    buffer = io.BytesIO()
    image.save(buffer, format.upper(), **options)
    return buffer.getvalue()
