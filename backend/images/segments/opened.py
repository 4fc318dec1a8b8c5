"""Formats whose containers Pillow's readers walk: WebP, GIF, BMP, TIFF, AVIF and HEIC.

The data stays as it is but for what a function says. The format's plugin must have been imported.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from PIL import Image

from backend.errors import ImageError
from backend.images.colour import SRGB, Colour, colour_from_profile
from backend.images.formats import AVIF, BMP, GIF, HEIC, TIFF, WEBP, FileFormat
from backend.images.segments.bmp import bmp_profile, check_bmp
from backend.images.segments.boxes import Item, primary_item
from backend.images.segments.exif import facts_from, reasonable_dpi
from backend.images.segments.lean_file import LeanFile
from backend.images.segments.limits import BOMB_ERRORS, HEADER_ERRORS
from backend.images.segments.tiff import full_picture
from backend.images.segments.webp import webp_pixels, with_right_length


def _bmp(data: bytes) -> LeanFile:
    check_bmp(data)
    found = _opened(data, BMP)
    return replace(found, colour=_profile(bmp_profile(data)) or found.colour)


def _tiff(data: bytes) -> LeanFile:
    """Put the full picture first."""
    tiff = full_picture(data)
    found = _opened(tiff.data, TIFF, iptc=tiff.iptc)
    return replace(
        found,
        facts=found.facts.turned(found.orientation),  # Pillow turns by the picture's own
        orientation=tiff.orientation,
        frames=tiff.frames,
        bits=tiff.bits,
        colour=_profile(tiff.profile) or found.colour,
    )


def _webp(data: bytes) -> LeanFile:
    """Correct a wrong length."""
    data = with_right_length(data)
    is_lossless, first_frame = webp_pixels(data)
    return replace(
        _opened(data, WEBP),
        is_lossless=is_lossless,
        is_chroma_halved=not is_lossless,
        first_frame=first_frame,
    )


def _avif(data: bytes) -> LeanFile:
    found, item = _opened(data, AVIF), primary_item(data)
    return replace(_with_item(found, item), shown=item.shown(found.size))


def _heic(data: bytes) -> LeanFile:
    found, item = _opened(data, HEIC), primary_item(data)
    return replace(_with_item(found, item), orientation=1 if item.is_turned else found.orientation)


def _with_item(found: LeanFile, item: Item) -> LeanFile:
    return replace(
        found,
        colour=found.colour if item.colour == SRGB else item.colour,
        bits=item.bits,
        is_lossless=item.is_lossless,
        is_chroma_halved=item.is_chroma_halved,
        has_gain_map=item.has_gain_map,
    )


def _opened(data: bytes, file_format: FileFormat, *, iptc: bytes = b"") -> LeanFile:
    try:
        with open_plainly(data, file_format) as opened:
            exif = facts_from(opened.getexif())
            xmp = opened.info.get("xmp")
            # Pillow gives a TIFF without a resolution one of 1.
            dpi = (0, 0) if file_format is TIFF else opened.info.get("dpi", (0, 0))
            # HEIC's reader takes EXIF's out.
            orientation = opened.info.get("original_orientation") or exif.orientation or 1
            return LeanFile(
                data=data,
                file_format=file_format,
                size=opened.size,
                orientation=orientation if orientation in range(1, 9) else 1,
                colour=_profile(opened.info.get("icc_profile")) or exif.colour or SRGB,
                facts=exif.beside(
                    dpi=reasonable_dpi(*map(float, dpi)),
                    xmp=xmp if isinstance(xmp, bytes) else b"",
                    iptc=iptc,
                ),
                first_frame=getattr(opened, "dispose_extent", None),  # of a GIF
                # To count them all would mean to decode them all.
                frames=2 if getattr(opened, "is_animated", False) else 1,
            )
    except (*BOMB_ERRORS, *HEADER_ERRORS, Warning) as exc:
        raise ImageError from exc


def open_plainly(data: bytes, file_format: FileFormat) -> Image.Image:
    """Open a file without Pillow's own limit on pixels, which would call large ones damaged."""
    factory, _ = Image.OPEN[file_format.pillow_name]
    return factory(io.BytesIO(data), "")


def _profile(profile: object) -> Colour | None:
    return colour_from_profile(profile) if isinstance(profile, bytes) else None


OPENED: Mapping[str, Callable[[bytes], LeanFile]] = {
    BMP.name: _bmp,
    WEBP.name: _webp,
    GIF.name: partial(_opened, file_format=GIF),
    TIFF.name: _tiff,
    AVIF.name: _avif,
    HEIC.name: _heic,
}
"""The readers by format."""
