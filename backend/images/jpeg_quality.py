"""The quality that a JPEG was saved at, by its own quantisation tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LUMA_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""The luminance table of ITU-T T.81, annex K.1, which libjpeg scales by its quality setting."""


def estimated_quality(tables: Mapping[int, Sequence[int]]) -> int | None:
    """Return the libjpeg quality, 1-100, of an equally coarse table; None without a table.

    Only the mean coarseness is compared, so other encoders' tables get a fair number too.
    """
    table = tables.get(0)
    if not table or len(table) != len(LUMA_TABLE):
        return None
    coarseness = sum(table)
    return min(range(1, 101), key=lambda quality: abs(_coarseness(quality) - coarseness))


def cleanup_from_quality(quality: int | None) -> int:
    """Return how much damage to remove, 0 to 100, from a picture of this JPEG quality.

    None means that the picture was never a JPEG.
    """
    return 0 if quality is None else 100 - quality


def _coarseness(quality: int) -> int:
    """Return the sum of libjpeg's luminance table at a quality."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(255, max(1, (base * percent + 50) // 100)) for base in LUMA_TABLE)
