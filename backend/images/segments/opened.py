"""Formats whose containers are not walked here: Pillow's reader says what their headers hold."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

from backend.images.formats import FileFormat
from backend.images.segments.exif import reasonable_dpi
from backend.images.segments.lean_file import MAX_EXIF_BYTES, MAX_PROFILE_BYTES, LeanFile, damaged

ORIENTATION = 0x0112
BROKEN_FILE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow lets out on broken files."""
HEADER_ERRORS = (*BROKEN_FILE_ERRORS, AttributeError)
"""The same on broken headers."""
BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def opened_file(data: bytes, *, file_format: FileFormat) -> LeanFile:
    """The file as it is, with its size, orientation, profile and whether it has several frames.

    The format's plugin must have been imported. ImageError for a damaged header.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[file_format.pillow_name]) as opened:
            profile = opened.info.get("icc_profile")
            is_usable = isinstance(profile, bytes) and len(profile) <= MAX_PROFILE_BYTES
            exif = opened.info.get("exif", b"")
            if file_format.name == "tiff":  # which is such a structure itself
                exif = data[:MAX_EXIF_BYTES]
            dpi = opened.info.get("dpi", (0, 0))[0]
            orientation = 1
            if not file_format.is_turned_when_read:
                orientation = opened.getexif().get(ORIENTATION, 1)
            return LeanFile(
                data=data,
                size=opened.size,
                orientation=orientation if orientation in range(1, 9) else 1,
                icc_profile=profile if is_usable else None,
                exif=exif[:MAX_EXIF_BYTES] if isinstance(exif, bytes) else b"",
                dpi=reasonable_dpi(float(dpi)),
                # To count them all would mean to decode them all.
                frames=2 if getattr(opened, "is_animated", False) else 1,
            )
    except (*BOMB_ERRORS, *HEADER_ERRORS) as exc:
        raise damaged() from exc
