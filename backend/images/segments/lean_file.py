"""The result of a walk over a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.images.colour import SRGB, Colour
from backend.images.formats import FileFormat
from backend.images.segments.exif import Facts

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""


@dataclass(frozen=True, kw_only=True)
class LeanFile:
    """A file with the same pixels and without metadata, and the metadata that is used."""

    data: bytes
    """Bytes for the decoder."""
    file_format: FileFormat
    size: tuple[int, int]
    """(width, height) as stored, before orientation."""
    orientation: int = 1
    """EXIF's, 1-8: how to turn the stored picture so that it is upright."""
    colour: Colour = SRGB
    """The container's own description, or EXIF's."""
    facts: Facts = field(default_factory=Facts)
    first_frame: Box | None = None
    """Its place on the canvas of an animation; None where it is the canvas."""
    shown: Box | None = None
    """The part that is shown; None where it is the whole."""
    frames: int = 1
    """More than one is an animation, or a file of several pages."""
    bits: int = 8
    """The depth of a channel as stored."""
    is_lossless: bool | None = None
    """None if the file format decides."""
    is_chroma_halved: bool = False
    """Colours were stored at half the width and height (4:2:0)."""
    has_gain_map: bool = False
    """True if readers that apply the gain map show HDR; its pixels are the SDR picture."""
    is_gray: bool | None = None
    """None if the decoder's mode decides."""
    is_cut: bool = False
    """True if the end mark is missing; decoding shows whether pixels are missing too."""
    clear_level: int | None = None
    """The grey level that is transparent, in the depth as stored."""
    clear_colour: tuple[int, int, int] | None = None
    """The same of a picture with 16 bits a channel."""

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """(width, height) of the first frame."""
        if self.first_frame is None:
            return None
        left, top, right, bottom = self.first_frame
        return right - left, bottom - top
