"""Formats whose containers Pillow's readers walk: WebP, GIF, BMP, TIFF, AVIF and HEIC."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

from PIL import Image

from backend.errors import ImageError
from backend.images.colour import MAX_PROFILE_BYTES, SRGB, Colour, colour_from_profile
from backend.images.formats import AVIF, BMP, GIF, HEIC, TIFF, WEBP, FileFormat
from backend.images.segments.boxes import primary_item
from backend.images.segments.exif import ExifFacts, facts_from, reasonable_dpi
from backend.images.segments.lean_file import Box, LeanFile
from backend.images.segments.limits import (
    BOMB_ERRORS,
    HEADER_ERRORS,
    not_read,
)
from backend.images.segments.tiff import TiffPicture

WEBP_LENGTH_BYTES, WEBP_HEADER_BYTES, CHUNK_HEADER_BYTES, FRAME_HEADER_BYTES = 8, 12, 8, 16
MAX_WEBP_CHUNKS = 64
"""Chunks that are skipped before the pixels."""
MAX_WEBP_FRAMES = 4096
"""Chunks of a file whose stated length is wrong."""
RIFF_LENGTH = slice(4, 8)
BMP_BITS, BMP_COMPRESSION = slice(28, 30), slice(30, 34)
BMP_FILE_HEADER_BYTES, BMP_V5_BYTES = 14, 124
BMP_SPACE, BMP_PROFILE = slice(70, 74), slice(126, 134)
EMBEDDED = b"DEBM"
"""The mark of a profile inside the file, behind the pixels."""
BMP_MASKS, BMP_ALPHA_MASK, BMP_V3_BYTES = slice(54, 66), slice(66, 70), 56
BIT_FIELDS, WHOLE_FILES = 3, (4, 5)
"""The BMP compressions that have masks, and those that are a JPEG and a PNG."""
READ_MASKS_OF_16 = ((0xF800, 0x07E0, 0x001F), (0x7C00, 0x03E0, 0x001F))
FIRST, SECOND, THIRD, FOURTH = 0xFF, 0xFF00, 0xFF0000, 0xFF000000
READ_MASKS_OF_32 = (
    (0, 0, 0, 0),
    (THIRD, SECOND, FIRST, 0),
    (THIRD, SECOND, FIRST, FOURTH),
    (FOURTH, THIRD, SECOND, 0),
    (FOURTH, THIRD, SECOND, FIRST),
    (FOURTH, SECOND, FIRST, 0),
    (FOURTH, SECOND, FIRST, THIRD),
    (FIRST, SECOND, THIRD, FOURTH),
)
"""The masks of red, green, blue and alpha that Pillow reads."""


def opened_file(data: bytes, *, file_format: FileFormat) -> LeanFile:
    """Read what the header says; the data stays as it is, with the full picture of a TIFF first.

    The format's plugin must have been imported. ImageError for a damaged header.
    """
    if file_format is BMP:
        _check_bmp(data)
        found = _opened(data, file_format)
        return replace(found, colour=_profile(_bmp_profile(data)) or found.colour)
    if file_format is TIFF:
        tiff = TiffPicture(data)
        found = _opened(tiff.data, file_format)
        return replace(
            found,
            facts=ExifFacts(facts=found.facts).beside(iptc=tiff.iptc),
            orientation=tiff.orientation,  # Pillow turns by the picture's own
            frames=tiff.frames,
            bits=tiff.bits,
            colour=_profile(tiff.profile) or found.colour,
        )
    if file_format is WEBP:
        data = _with_right_length(data)
        is_lossless, first_frame = _webp_pixels(data)
        return replace(
            _opened(data, file_format),
            is_lossless=is_lossless,
            is_chroma_halved=not is_lossless,
            first_frame=first_frame,
        )
    found = _opened(data, file_format)
    if file_format in (AVIF, HEIC):
        item = primary_item(data)
        return replace(
            found,
            orientation=1 if item.is_turned and file_format is HEIC else found.orientation,
            colour=found.colour if item.colour == SRGB else item.colour,
            bits=item.bits,
            is_lossless=item.is_lossless,
            is_chroma_halved=item.is_chroma_halved,
            has_gain_map=item.has_gain_map,
            shown=item.shown(found.size) if file_format is AVIF and found.size else None,
        )
    return found


def _opened(data: bytes, file_format: FileFormat) -> LeanFile:
    try:
        with open_plainly(data, file_format) as opened:
            return _lean(opened, data, file_format)
    except (*BOMB_ERRORS, *HEADER_ERRORS, Warning) as exc:
        raise ImageError from exc


def open_plainly(data: bytes, file_format: FileFormat) -> Image.Image:
    """Open a file without Pillow's own limit on pixels, which would call large ones damaged."""
    factory, _ = Image.OPEN[file_format.pillow_name]
    return factory(io.BytesIO(data), "")


def _lean(opened: Image.Image, data: bytes, file_format: FileFormat) -> LeanFile:
    exif = facts_from(opened.getexif())
    xmp = opened.info.get("xmp")
    # Pillow gives a TIFF without a resolution one of 1.
    dpi = 0 if file_format is TIFF else opened.info.get("dpi", (0, 0))[0]
    orientation = exif.orientation or 1
    if file_format is HEIC:  # its reader takes EXIF's out
        orientation = opened.info.get("original_orientation") or 1
    return LeanFile(
        data=data,
        size=opened.size,
        orientation=orientation if orientation in range(1, 9) else 1,
        colour=_profile(opened.info.get("icc_profile")) or exif.colour or SRGB,
        facts=exif.beside(
            dpi=reasonable_dpi(float(dpi)), xmp=xmp if isinstance(xmp, bytes) else b""
        ),
        first_frame=getattr(opened, "dispose_extent", None) if file_format is GIF else None,
        # To count them all would mean to decode them all.
        frames=2 if getattr(opened, "is_animated", False) else 1,
    )


def _profile(profile: object) -> Colour | None:
    return colour_from_profile(profile) if isinstance(profile, bytes) else None


def _with_right_length(data: bytes) -> bytes:
    """Correct a WebP's stated length where whole chunks tell another, and add missing padding."""
    stated = WEBP_LENGTH_BYTES + int.from_bytes(data[RIFF_LENGTH], "little")
    at, ends = WEBP_HEADER_BYTES, {len(data)}
    for _ in range(MAX_WEBP_FRAMES):
        if stated in ends or at + CHUNK_HEADER_BYTES > len(data):
            break
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + CHUNK_HEADER_BYTES + length
        if end > len(data):
            break
        at = end + length % 2
        ends.add(at)
    if (stated in ends and stated <= len(data)) or at == WEBP_HEADER_BYTES:
        return data
    right = (at - WEBP_LENGTH_BYTES).to_bytes(4, "little")
    return data[: RIFF_LENGTH.start] + right + data[RIFF_LENGTH.stop : at] + bytes(at > len(data))


def _webp_pixels(data: bytes) -> tuple[bool, Box | None]:
    """Return whether the pixels are of the lossless kind, and the place of a first frame."""
    at, frame = WEBP_HEADER_BYTES, None
    for _ in range(MAX_WEBP_CHUNKS):
        kind = data[at : at + 4]
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L", frame
        if kind == b"ANMF":
            at += CHUNK_HEADER_BYTES
            numbers = (data[at + each : at + each + 3] for each in range(0, 12, 3))
            left, top, width, height = (int.from_bytes(each, "little") for each in numbers)
            frame = 2 * left, 2 * top, 2 * left + width + 1, 2 * top + height + 1
            at += FRAME_HEADER_BYTES
            continue
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += CHUNK_HEADER_BYTES + length + length % 2
    return False, frame


def _bmp_profile(data: bytes) -> bytes:
    """Return the profile of a version-5 header; empty without one."""
    is_v5 = int.from_bytes(data[14:18], "little") == BMP_V5_BYTES
    is_whole = len(data) >= BMP_FILE_HEADER_BYTES + BMP_V5_BYTES
    if not is_v5 or not is_whole or data[BMP_SPACE] != EMBEDDED:
        return b""
    start, length = struct.unpack("<II", data[BMP_PROFILE])
    return data[BMP_FILE_HEADER_BYTES + start :][: min(length, MAX_PROFILE_BYTES + 1)]


def _check_bmp(data: bytes) -> None:
    """Refuse by name the kinds that hold another file or channels of another depth."""
    header_bytes = int.from_bytes(data[14:18], "little")
    if header_bytes < 40:
        return
    compression = int.from_bytes(data[BMP_COMPRESSION], "little")
    bits = int.from_bytes(data[BMP_BITS], "little")
    if compression in WHOLE_FILES:
        raise not_read("BMP files that hold a JPEG or PNG are")
    if bits == 64:
        raise not_read("BMP files of 64 bits a pixel are")
    if compression == BIT_FIELDS and len(data) >= BMP_ALPHA_MASK.stop:
        masks = struct.unpack("<III", data[BMP_MASKS])
        has_alpha = header_bytes >= BMP_V3_BYTES
        alpha = int.from_bytes(data[BMP_ALPHA_MASK], "little") if has_alpha else 0
        is_read = {
            16: masks in READ_MASKS_OF_16 and not alpha,
            32: (*masks, alpha) in READ_MASKS_OF_32,
        }
        if not is_read.get(bits, True):
            raise not_read(
                "BMP files whose channels have other than 5, 6 or 8 bits, or an uncommon order, are"
            )
