"""ICC profiles: checked when a file brings one, and written from chromaticities and a curve.

Little CMS builds such profiles too, but Pillow does not pass that on.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageCms

from backend.images.matrices import Matrix, Vector, inverse, product, transformed

BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
"""The cone responses in which one white point is adapted to another."""
D50: Vector = (0.9642, 1.0, 0.8249)
"""The white of the space that ICC profiles connect to."""
HEADER_BYTES = 128
VERSION_4 = 0x04000000
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Parameters of the parametric curve of type 3."""
CMS_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError, MemoryError)


@dataclass(frozen=True, kw_only=True)
class Primaries:
    """CIE xy of the three colours and of white."""

    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float]

    def to_xyz(self) -> Matrix:
        """Return the matrix from linear RGB to XYZ, white having Y = 1.

        Raises ValueError or ZeroDivisionError for points that span no colours.
        """
        columns = [_xyz(*point) for point in (self.red, self.green, self.blue)]
        rows: Matrix = tuple(zip(*columns, strict=True))
        weights = transformed(inverse(rows), _xyz(*self.white))
        return tuple(
            tuple(value * weight for value, weight in zip(row, weights, strict=True))
            for row in rows
        )


def color_space(profile: bytes) -> bytes | None:
    """Return `RGB `, `GRAY`, `CMYK` or another signature; None if Little CMS cannot open it."""
    if len(profile) <= HEADER_BYTES or int.from_bytes(profile[:4]) > len(profile):
        return None
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except CMS_ERRORS:
        return None
    return profile[16:20]


def converted_to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert pixels to sRGB; None if the profile does not work for them."""
    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except CMS_ERRORS:
        return None


def make_profile(primaries: Primaries, *, gamma: float | None, is_gray: bool) -> bytes:
    """Write a profile with one curve for all channels; `gamma` None is the curve of sRGB.

    Raises ValueError, ZeroDivisionError or struct.error for impossible primaries.
    """
    white = _xyz(*primaries.white)
    adapted = product(_adaptation(white), primaries.to_xyz())
    curve = _parametric(0, [gamma]) if gamma is not None else _parametric(3, SRGB_CURVE)
    tags = {b"desc": _text("As in the original"), b"cprt": _text("CC0"), b"wtpt": _xyz_tag(D50)}
    if is_gray:
        tags[b"kTRC"] = curve
    else:
        columns = zip(*adapted, strict=True)
        tags |= {
            name: _xyz_tag(column)
            for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
        }
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _assembled(b"GRAY" if is_gray else b"RGB ", tags)


def _xyz(x: float, y: float) -> Vector:
    return x / y, 1.0, (1 - x - y) / y


def _adaptation(white: Vector) -> Matrix:
    """Return the matrix that adapts colours from this white to D50."""
    ours, theirs = transformed(BRADFORD, white), transformed(BRADFORD, D50)
    scaled = tuple(
        tuple(value * there / here for value in row)
        for row, there, here in zip(BRADFORD, theirs, ours, strict=True)
    )
    return product(inverse(BRADFORD), scaled)


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz_tag(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _parametric(kind: int, parameters: Sequence[float]) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(parameters)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _assembled(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Lay out header, table and contents; equal contents are stored once."""
    places: dict[bytes, int] = {}
    at = HEADER_BYTES + 4 + 12 * len(tags)
    contents = b""
    for content in tags.values():
        if content not in places:
            places[content] = at + len(contents)
            contents += content + bytes(-len(content) % 4)
    table = struct.pack(">I", len(tags)) + b"".join(
        struct.pack(">4sII", name, places[content], len(content)) for name, content in tags.items()
    )
    header = struct.pack(
        ">I4sI4s4s4s6H4s",
        at + len(contents), b"\0\0\0\0", VERSION_4, b"mntr", space, b"XYZ ",
        2026, 1, 1, 0, 0, 0, b"acsp",
    ).ljust(68, b"\0")  # fmt: skip
    return (header + _fixed(D50)).ljust(HEADER_BYTES, b"\0") + table + contents
