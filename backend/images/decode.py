"""Bytes to pixels: the only module that knows Pillow's readers.

Without NumPy: a process that does nothing but read has started in half the time.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from PIL import Image, ImageCms, ImageMath

from backend.errors import ImageError, ImageTooLargeError, UnsupportedMediaTypeError
from backend.images.formats import JPEG, PNG, READABLE, FileFormat, format_from_signature, labels
from backend.images.jpeg_quality import estimated_quality
from backend.images.segments import LeanFile, lean_file
from backend.images.segments.exif import Facts, facts_from_exif
from backend.images.segments.opened import BROKEN_FILE_ERRORS

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


@dataclass(frozen=True, kw_only=True)
class PictureFacts(Facts):
    """What is known of a decoded picture beside its pixels."""

    icc_profile: bytes | None = None
    is_gray: bool = False
    """All three channels are equal and are written as one."""
    source_format: FileFormat = PNG
    has_more_frames: bool = False
    """The file is an animation or has several pages, of which this is the first."""
    jpeg_quality: int | None = None
    """The quality its JPEG was saved at, estimated from its quantisation tables."""


@dataclass(frozen=True, kw_only=True)
class DecodedImage(PictureFacts):
    """A decoded picture as Pillow holds it, upright."""

    rgb: Image.Image
    alpha: Image.Image | None
    """Mode L; None where nothing is transparent."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A file that is worth decoding: of a known format, of a size that is allowed, and lean."""

    file_format: FileFormat
    lean: LeanFile
    size: tuple[int, int]
    """(width, height) as stored."""


def read(data: bytes, *, max_side: int) -> DecodedImage:
    """Any format of `READABLE`; the size is checked from the header, before any pixel is read.

    Of a file with several frames or pages it is the first.

    UnsupportedMediaTypeError, ImageTooLargeError, or ImageError for a damaged file. What a file of
    strangers may cost is bounded by `decoding.DecodeProcess` only, which calls the same two steps.
    """
    return read_pixels(examine(data, max_side=max_side))


def examine(data: bytes, *, max_side: int) -> Examined:
    """Everything that can be said without decoding; raises as `read` does."""
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


def read_pixels(examined: Examined) -> DecodedImage:
    """ImageError when the pixels are not what the header says."""
    file = io.BytesIO(examined.lean.data)
    try:
        with Image.open(file, formats=[examined.file_format.pillow_name]) as opened:
            if opened.size != examined.size:
                raise ImageError
            return _decoded(opened, examined.file_format, examined.lean)
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


def _decoded(opened: Image.Image, file_format: FileFormat, lean: LeanFile) -> DecodedImage:
    tables = getattr(opened, "quantization", {}) if file_format is JPEG else {}
    icc_profile = lean.icc_profile
    turn = TURNS.get(lean.orientation)
    image = opened if turn is None else opened.transpose(turn)
    image.load()
    alpha: Image.Image | None = None
    if "transparency" in image.info and image.mode in ("1", "L", "RGB", "I;16", "P"):
        image = _eight_bit(image).convert("RGBA" if image.mode in ("RGB", "P") else "LA")
    image = _eight_bit(image)
    if image.mode == "F":
        image = _from_float(image)
    if image.mode in ("PA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        alpha = image.getchannel("A")
        if alpha.getextrema()[0] == 255:
            alpha = None
    is_gray = image.mode in ("1", "L", "LA")
    if image.mode == "CMYK":
        image, icc_profile = _cmyk_to_rgb(image, icc_profile), None
    if alpha is not None:
        image = bleed(image.convert("RGBA"))
    return DecodedImage(
        rgb=image.convert("L").convert("RGB") if is_gray else image.convert("RGB"),
        alpha=alpha,
        icc_profile=_matching_profile(icc_profile, is_gray=is_gray),
        is_gray=is_gray,
        source_format=file_format,
        has_more_frames=lean.frames > 1,
        **asdict(facts_from_exif(lean.exif, dpi=lean.dpi)),
        jpeg_quality=estimated_quality(tables),
    )


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit greyscale scaled to 8 bits (Pillow's own conversion would clip it).

    What is wider is clipped at 16 bits; beyond 31 of them Pillow reads a negative number.
    """
    if not image.mode.startswith("I"):
        return image
    wide = image.convert("I")

    def narrow(images: Mapping[str, Any]) -> Any:
        value = images["wide"]
        is_over = value < 0
        clipped = images["min"](value * (1 - is_over), 65535) + is_over * 65535
        return images["convert"]((clipped * 255 + 32895) >> 16, "L")

    found: Image.Image = ImageMath.lambda_eval(narrow, wide=wide)
    if "transparency" in image.info:
        hidden = image.info["transparency"]
        mask = ImageMath.lambda_eval(
            lambda images: images["convert"]((images["wide"] != hidden) * 255, "L"), wide=wide
        )
        found.putalpha(mask)
    return found


def _from_float(image: Image.Image) -> Image.Image:
    """Floating-point greyscale, as 0-1 or 0-255, to 8 bits."""
    clipped = ImageMath.lambda_eval(
        lambda images: images["min"](images["max"](images["values"], 0.0), 255.0), values=image
    )
    factor = 255.0 if clipped.getextrema()[1] <= 1.0 else 1.0
    narrow: Image.Image = ImageMath.lambda_eval(
        lambda images: images["convert"](images["values"] * factor + 0.5, "L"), values=clipped
    )
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
