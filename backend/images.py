"""Bytes to pixels and back: the only module that knows Pillow's readers and writers."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFilter

from backend.containers import LeanFile, lean_file
from backend.containers.exif import facts_from_exif
from backend.containers.opened import BROKEN_FILE_ERRORS
from backend.errors import ImageError, ImageTooLargeError, RequestError, UnsupportedMediaTypeError
from backend.formats import (
    FORMATS,
    JPEG,
    PNG,
    READABLE,
    WRITABLE,
    FileFormat,
    automatic_format,
    format_from_signature,
    labels,
)
from backend.jpeg_tables import estimated_quality
from backend.options import OUTPUT_FORMATS

RgbImage = npt.NDArray[np.uint8]
"""(H, W, 3) uint8."""
Plane = npt.NDArray[np.uint8]
"""(H, W) uint8."""
DECODE_ERRORS = (*BROKEN_FILE_ERRORS, MemoryError)
"""What Pillow lets out on broken bytes."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture stored with an orientation of EXIF upright."""
BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

for _format in WRITABLE:
    import_module(_format.plugin)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded picture, upright, in 8-bit RGB."""

    rgb: RgbImage
    alpha: Plane | None = None
    icc_profile: bytes | None = None
    is_gray: bool = False
    """All three channels are equal and are written as one."""
    source_format: FileFormat = PNG
    has_more_frames: bool = False
    """The file is an animation or has several pages, of which this is the first."""
    taken: str | None = None
    """When, as EXIF writes it; results have it only when they are asked to."""
    dpi: int | None = None
    has_place: bool = False
    """The file says where; no result ever does."""
    has_camera: bool = False
    """The file says with which camera; no result ever does."""
    jpeg_quality: int | None = None
    """The quality its JPEG was saved at, estimated from its quantisation tables."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]


class Decode(Protocol):
    """What `decode` does, in this process or in another."""

    def __call__(self, data: bytes, *, max_side: int) -> Picture: ...


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A file that is worth decoding: of a known format, of a size that is allowed, and lean."""

    file_format: FileFormat
    lean: LeanFile
    size: tuple[int, int]
    """(width, height) as stored."""


def decode(data: bytes, *, max_side: int) -> Picture:
    """Read any format of `READABLE`; the size is checked from the header, before any pixel is read.

    Of a file with several frames or pages it is the first.

    UnsupportedMediaTypeError, ImageTooLargeError, or ImageError for a damaged file. What a file of
    strangers may cost is bounded by `decoding.DecodeProcess` only, which calls the same two steps.
    """
    return read_pixels(examine(data, max_side=max_side))


def examine(data: bytes, *, max_side: int) -> Examined:
    """Everything that can be said without decoding; raises as `decode` does."""
    if not data:
        raise ImageError("The file is empty.")
    found = format_from_signature(data)
    if found is None or not found.is_readable:
        raise UnsupportedMediaTypeError.not_a_picture(labels(READABLE))
    import_module(found.plugin)
    lean = lean_file(data, name=found.name, max_side=max_side)
    if lean.size is None:
        raise ImageError
    _check_side(lean.size, max_side=max_side)
    return Examined(file_format=found, lean=lean, size=lean.size)


def read_pixels(examined: Examined) -> Picture:
    """ImageError when the pixels are not what the header says."""
    file = io.BytesIO(examined.lean.data)
    try:
        with Image.open(file, formats=[examined.file_format.pillow_name]) as opened:
            if opened.size != examined.size:
                raise ImageError
            return _picture(opened, examined.file_format, examined.lean)
    except BOMB_ERRORS as exc:
        raise ImageTooLargeError("The picture has more pixels than are ever read here.") from exc
    except DECODE_ERRORS as exc:
        raise ImageError from exc


def _check_side(size: tuple[int, int], *, max_side: int) -> None:
    width, height = size
    if max(size) > max_side:
        raise ImageTooLargeError.input(width, height, max_side=max_side)
    if min(size) < 1:
        raise ImageError("The picture has no pixels.")


def _picture(opened: Image.Image, file_format: FileFormat, lean: LeanFile) -> Picture:
    tables = getattr(opened, "quantization", {}) if file_format is JPEG else {}
    icc_profile = lean.icc_profile
    turn = TURNS.get(lean.orientation)
    image = opened if turn is None else opened.transpose(turn)
    image.load()
    alpha: Plane | None = None
    if "transparency" in image.info and image.mode in ("1", "L", "RGB", "I;16", "P"):
        image = _eight_bit(image).convert("RGBA" if image.mode in ("RGB", "P") else "LA")
    image = _eight_bit(image)
    if image.mode == "F":
        image = _from_float(image)
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
        source_format=file_format,
        has_more_frames=lean.frames > 1,
        **asdict(facts_from_exif(lean.exif, dpi=lean.dpi)),
        jpeg_quality=estimated_quality(tables),
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


def _from_float(image: Image.Image) -> Image.Image:
    """Floating-point greyscale, as 0-1 or 0-255, to 8 bits."""
    values = np.clip(np.nan_to_num(np.asarray(image)), 0, 255)
    factor = 255.0 if values.max() <= 1.0 else 1.0
    return Image.fromarray((values * factor + 0.5).clip(0, 255).astype(np.uint8))


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


def output_format(picture: Picture, requested: str) -> str:
    """The name of the result's format; RequestError for one that is not written."""
    if requested == "auto":
        return automatic_format(picture.source_format, has_alpha=picture.alpha is not None).name
    if requested not in OUTPUT_FORMATS:
        raise RequestError.not_one_of("format", OUTPUT_FORMATS)
    return requested


def check_output_size(width: int, height: int, *, format: str) -> None:
    """ImageTooLargeError when the file format cannot hold a picture of this size."""
    limit = FORMATS[format].longest_side or 0
    if max(width, height) > limit:
        raise ImageTooLargeError.output(
            width,
            height,
            because=f", and a {FORMATS[format].label} file holds at most {limit} on a side; "
            "choose another format or scale.",
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


def reopen(data: bytes, *, format: str) -> Image.Image:
    """A file that `encode` wrote, not decoded yet, of any size.

    `Image.open` would apply Pillow's limit on pixels, which is meant for strangers' files.
    """
    factory, _ = Image.OPEN[FORMATS[format].pillow_name]
    return factory(io.BytesIO(data), "")


def encode(picture: Picture, *, format: str, quality: int | None = None) -> bytes:
    """The picture as a file; transparency is put on white where the format has none."""
    file_format = FORMATS[format]
    alpha = picture.alpha
    image = to_image(picture if file_format.has_alpha else replace(picture, alpha=None))
    if alpha is not None and not file_format.has_alpha:
        paper = Image.new(image.mode, image.size, "white")
        paper.paste(image, mask=Image.fromarray(alpha))
        image = paper
    options = dict(file_format.save_options)
    if quality is not None and "quality" in options:
        options["quality"] = quality
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    buffer = io.BytesIO()
    image.save(buffer, file_format.pillow_name, **options)
    return buffer.getvalue()
