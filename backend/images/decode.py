"""Bytes to pixels: the steps of the decoding process, which also work without one.

Nothing here needs NumPy, which doubles the start of a process.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from importlib import import_module

from PIL import Image, ImageChops

from backend.errors import (
    ImageError,
    ImageTooLargeError,
    UnsupportedMediaTypeError,
    alternatives,
)
from backend.images.colour import as_shown
from backend.images.formats import (
    JPEG,
    PNG,
    READABLE,
    FileFormat,
    format_from_signature,
    is_camera_raw,
    unread_kind,
)
from backend.images.jpeg_quality import estimated_quality
from backend.images.modes import (
    bleed,
    eight_bit,
    from_float,
    from_lab,
    on_canvas,
    with_clear_colour,
    with_clear_level,
)
from backend.images.notes import EIGHT_BITS, FIRST_FRAME, GAIN_MAP, HDR_TO_SDR
from backend.images.segments import LeanFile, lean_file
from backend.images.segments.exif import Facts
from backend.images.segments.jpeg import END
from backend.images.segments.limits import BOMB_ERRORS, BROKEN_FILE_ERRORS, camera_raw
from backend.images.segments.png_pixels import has_all_pixels, with_right_checksum

DECODE_ERRORS = (*BROKEN_FILE_ERRORS, MemoryError)
"""The exceptions that Pillow raises on broken bytes."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transpositions that turn a picture upright, by EXIF orientation."""
NOISE = bytes.fromhex("5a3c96e1a5c3691e2d4bb4d2") * 256
FILLS = tuple(
    noise + b"".join(b"\xff" + bytes([restart]) + noise for restart in range(0xD0, 0xD8))
    for noise in (NOISE, bytes(each ^ 0xFF for each in NOISE))
)
"""Bits that decode as noise, also after each restart marker; by chance one may change nothing."""
PLAIN_MODES = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA", "P": "RGB", "YCbCr": "RGB"}
"""The modes in which such pixels go on."""
LAST_BLOCK = 8
"""The side of a JPEG's blocks."""
LOWER_BYTES = "RGB;16L"
"""Pillow's name for numbers whose second byte is the upper one, of which it takes that alone."""
INTERLACE = 28
"""The place of a PNG's byte that is not zero if its rows come in passes."""
WHITE_IS_ZERO = 0
PHOTOMETRIC = 262


@dataclass(frozen=True, kw_only=True)
class PictureFacts(Facts):
    """Facts about a decoded picture beside its pixels."""

    icc_profile: bytes | None = None
    """The profile of the pixels; None is sRGB."""
    is_gray: bool = False
    """All three channels are equal and are written as one."""
    source_format: FileFormat = PNG
    is_lossless: bool = True
    """The file kept every pixel as it was."""
    is_chroma_halved: bool = False
    """The file had colours at half the width and height (4:2:0)."""
    notes: tuple[str, ...] = ()
    """Codes of `notes.NOTES`: what the file has and a result lacks."""
    jpeg_quality: int | None = None
    """The lowest quality of all its saves as a JPEG, estimated; None if it never was a JPEG."""


@dataclass(frozen=True, kw_only=True)
class DecodedImage(PictureFacts):
    """A decoded picture as Pillow holds it, upright."""

    rgb: Image.Image
    alpha: Image.Image | None
    """Mode L; None if nothing is transparent."""


def read(data: bytes, *, max_side: int) -> DecodedImage:
    """Read any format of `READABLE`; the size is checked before any pixel is read.

    A file with several frames or pages gives the first.

    Raises UnsupportedMediaTypeError, ImageTooLargeError, or ImageError for a damaged file. Only
    `sandbox.DecodeProcess`, which takes the same two steps, bounds what a stranger's file costs.
    """
    return read_pixels(examine(data, max_side=max_side))


def examine(data: bytes, *, max_side: int) -> LeanFile:
    """Find out everything that needs no decoding; raise as `read` does."""
    if not data:
        raise ImageError("The file is empty.")
    if is_camera_raw(data):
        raise camera_raw()
    found = format_from_signature(data)
    if found is None or not found.is_readable:
        kinds = alternatives([each.label for each in READABLE])
        raise UnsupportedMediaTypeError(f"{_refusal(data, found)}; send a {kinds}.")
    import_module(found.plugin)
    lean = lean_file(data, file_format=found)
    width, height = lean.size
    if max(width, height) > max_side:
        raise ImageTooLargeError.input(width, height, max_side=max_side)
    if min(width, height) < 1:
        raise ImageError("The picture has no pixels.")
    return lean


def _refusal(data: bytes, found: FileFormat | None) -> str:
    """Return the beginning of the sentence that says what a file is, if that is known."""
    if found is not None:
        return (
            f"{found.label} pictures are not read here, because the package {found.package} is "
            "not installed"
        )
    kind = unread_kind(data)
    return f"{kind} are not read here" if kind else "This is not a picture that can be read here"


def read_pixels(lean: LeanFile) -> DecodedImage:
    """Decode; ImageError when the pixels are not what the header says."""
    try:
        image, tables = _mended_pixels(lean)
        if not _is_complete(image, lean):
            raise ImageError
        return _decoded(image, lean, jpeg_quality=estimated_quality(tables))
    except BOMB_ERRORS as exc:
        raise ImageTooLargeError("The picture has more pixels than are ever read here.") from exc
    except (*DECODE_ERRORS, Warning) as exc:
        raise ImageError from exc


def _mended_pixels(lean: LeanFile) -> tuple[Image.Image, dict[int, list[int]]]:
    """Decode; the pixels of a PNG may have a wrong checksum."""
    try:
        return _pixels(lean)
    except DECODE_ERRORS:
        mended = with_right_checksum(lean.data) if lean.file_format is PNG else None
        if mended is None:
            raise
        return _pixels(replace(lean, data=mended))


def _pixels(lean: LeanFile) -> tuple[Image.Image, dict[int, list[int]]]:
    """Return the pixels in 8 bits or in floats, with a mode for each colour space, and tables."""
    with Image.open(io.BytesIO(lean.data), formats=[lean.file_format.pillow_name]) as opened:
        if opened.size not in (lean.size, lean.frame_size):
            raise ImageError
        tables = getattr(opened, "quantization", {}) if lean.file_format is JPEG else {}
        opened.load()
        image = _eight_bit(opened, lean)
        if lean.clear_colour is not None:
            image = with_clear_colour(image, _lower_halves(lean.data), lean.clear_colour)
        if lean.first_frame not in (None, (0, 0, *lean.size)):
            image = on_canvas(image, lean.first_frame, lean.size)
        return (image if lean.shown is None else image.crop(lean.shown)), tables


def _lower_halves(data: bytes) -> Image.Image:
    """Return the lower bytes of a PNG with 16 bits a channel."""
    with Image.open(io.BytesIO(data), formats=[PNG.pillow_name]) as opened:
        opened.tile = [each._replace(args=LOWER_BYTES) for each in opened.tile]
        opened.load()
        return opened.convert("RGB")


def _eight_bit(opened: Image.Image, lean: LeanFile) -> Image.Image:
    if lean.clear_level is not None:
        if lean.bits <= 8:
            return with_clear_level(opened, lean.clear_level, bits=lean.bits)
        return eight_bit(opened, clear_level=lean.clear_level)
    if "transparency" in opened.info and opened.mode in ("1", "L", "RGB", "P"):
        return opened.convert("RGBA" if opened.mode in ("RGB", "P") else "LA")
    image = from_float(opened) if opened.mode == "F" else eight_bit(opened, bits=lean.bits)
    tags = getattr(opened, "tag_v2", {})
    if image is not opened and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        image = ImageChops.invert(image)
    if image.mode == "LAB":
        return from_lab(image)
    if image.mode in PLAIN_MODES:
        image = image.convert(PLAIN_MODES[image.mode])
    if lean.is_gray and image.mode == "RGBA":  # 16 bits with alpha, as Pillow reads them
        image = Image.merge("LA", (image.getchannel("R"), image.getchannel("A")))
    return image if image is not opened else opened.copy()


def _ends_flat(image: Image.Image) -> bool:
    """Return whether the last block has a single colour, as filled-in blocks have."""
    width, height = image.size
    left, top = ((side - 1) // LAST_BLOCK * LAST_BLOCK for side in image.size)
    middle = ((left + width) // 2, (top + height) // 2, width, height)
    ends = image.crop(middle).getextrema()
    return all(low == high for low, high in (ends if isinstance(ends[0], tuple) else (ends,)))


def _ends_black(image: Image.Image, data: bytes) -> bool:
    """Return whether a PNG may lack rows, which Pillow leaves zero."""
    last = image.crop((0, image.height - 1, *image.size)).convert("RGB")
    return bool(data[INTERLACE]) or last.getbbox() is None


def _is_complete(image: Image.Image, lean: LeanFile) -> bool:
    """Return whether a file has all pixels; only JPEG's and PNG's decoders do not tell."""
    if lean.file_format is PNG:
        return not _ends_black(image, lean.data) or has_all_pixels(lean.data)
    may_be_cut = lean.file_format is JPEG and (lean.is_cut or _ends_flat(image))
    return not may_be_cut or _has_last_bits(image, lean)


def _has_last_bits(image: Image.Image, lean: LeanFile) -> bool:
    """Return whether a JPEG has all pixels.

    If a pixel were missing, other bits after the last ones would change the result.
    """
    start = lean.data.removesuffix(END).rstrip(b"\xff")
    filled = (_pixels(replace(lean, data=start + fill + END))[0] for fill in FILLS)
    return all(ImageChops.difference(image, each).getbbox() is None for each in filled)


def _decoded(image: Image.Image, lean: LeanFile, *, jpeg_quality: int | None) -> DecodedImage:
    turn = TURNS.get(lean.orientation)
    image = image if turn is None else image.transpose(turn)
    alpha: Image.Image | None = None
    if image.mode in ("LA", "RGBA"):
        alpha = image.getchannel("A")
        if alpha.getextrema()[0] == 255:
            alpha = None
    is_gray = image.mode in ("1", "L", "LA")
    if image.mode in ("LA", "RGBA"):
        image = bleed(image.convert("RGBA")) if alpha is not None else image.convert("RGB")
        image = image.getchannel("G") if is_gray else image
    image, icc_profile = as_shown(image, lean.colour)
    is_gray = is_gray and image.mode == "L"
    is_lossless = lean.is_lossless
    if is_lossless is None:
        is_lossless = lean.file_format.is_lossless
    return DecodedImage(
        rgb=image.convert("RGB"),
        alpha=alpha,
        icc_profile=icc_profile,
        is_gray=is_gray,
        source_format=lean.file_format,
        is_lossless=is_lossless,
        is_chroma_halved=lean.is_chroma_halved,
        notes=_notes(lean),
        jpeg_quality=jpeg_quality,
        **vars(lean.facts.turned(lean.orientation)),
    )


def _notes(lean: LeanFile) -> tuple[str, ...]:
    found = {
        FIRST_FRAME: lean.frames > 1,
        HDR_TO_SDR: lean.colour.is_hdr,
        GAIN_MAP: lean.has_gain_map,
        EIGHT_BITS: lean.bits > 8,
    }
    return tuple(code for code, is_true in found.items() if is_true)
