"""The result of a walk over a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.images.colour import SRGB, Colour
from backend.images.segments.exif import Facts


@dataclass(frozen=True, kw_only=True)
class LeanFile:
    """A file with the same pixels and without metadata, and the metadata that is used."""

    data: bytes
    """Bytes for the decoder."""
    size: tuple[int, int] | None = None
    """(width, height) as stored, before orientation; None where the file does not say."""
    orientation: int = 1
    """EXIF's, 1-8: how to turn the stored picture so that it is upright."""
    colour: Colour = SRGB
    """The container's own description, or EXIF's."""
    facts: Facts = field(default_factory=Facts)
    first_frame: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) on the canvas of an animation; None where it is the canvas."""
    frames: int = 1
    """More than one is an animation, or a file of several pages."""
    bits: int = 8
    """The depth of a channel as stored."""
    is_lossless: bool | None = None
    """None where the file format decides."""
    is_chroma_halved: bool = False
    """Colours were stored at half the width and height (4:2:0)."""
    has_gain_map: bool = False
    """It is an HDR picture for readers that apply the map; its pixels are the SDR one."""
    is_gray: bool | None = None
    """None where the decoder's mode says it."""
    is_cut: bool = False
    """The end mark is missing; whether pixels are missing too, decoding tells."""
    clear_level: int | None = None
    """The grey level that is transparent, in the depth as stored."""
