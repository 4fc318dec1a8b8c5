"""The work of one job: a file in, a finished result out, with everything that the page shows.

A result keeps one master file; only a lossless master is converted to other formats. Up to
`LOSSLESS_PIXELS` the master is a PNG, so that a downloaded PNG was never a JPEG. Above, a PNG would
have hundreds of megabytes, so the master is a JPEG of quality 92 and the only download; a picture
with transparency stays a PNG of any size.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

from backend.engine import Engine, Upscaled, Watch
from backend.images.formats import WRITABLE
from backend.images.metadata import Kept, embed
from backend.images.picture import decode, encode, reopen
from backend.inference.plan import options_for_damage
from backend.options import KEPT, UpscaleOptions
from webapp.base import side
from webapp.base.files import Disk, StoredFile
from webapp.intake.pictures import Inspection
from webapp.options.state import result_size, scale_name

LOSSLESS_PIXELS = 24_000_000


class Place(Enum):
    """The place where a picture is enhanced."""

    LOCAL = "local"
    CLOUD = "cloud"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True)
class EnhanceRequest:
    """A visitor's request; equal requests have equal results."""

    digest: str
    """sha256 of the input file."""
    options: UpscaleOptions
    place: Place = Place.LOCAL

    @property
    def key(self) -> str:
        """A short text that differs for every other request."""
        options = self.options
        chosen = f"{options.model}-{scale_name(options)}-{options.cleanup}-{options.detail}"
        return f"{self.digest}-{chosen}-{self.place.value}"


@dataclass(frozen=True, kw_only=True)
class Enhanced:
    """A result, as files only."""

    upscaled: Upscaled
    """The engine's answer without its `data`, which is the master."""
    master: StoredFile
    formats: tuple[str, ...]
    """Formats that can be downloaded, the master's first."""
    side: StoredFile
    """Its side of the slider, from `side.pack`."""
    dpi: int | None = None
    """The resolution of a print."""

    @property
    def parts(self) -> tuple[Enhanced, ...]:
        return (self,)

    @property
    def nbytes(self) -> int:
        return self.master.nbytes + self.side.nbytes

    def encode(
        self,
        format: str,
        *,
        quality: int | None = None,
        kept: Kept | None = None,
        is_chroma_halved: bool = False,
    ) -> bytes:
        """Return the master, or another format or quality made from a master without loss.

        What is `kept` goes into the file, and the resolution of a print in any case.
        """
        upscaled, kept = self.upscaled, kept or Kept()
        kept = replace(kept, dpi=(self.dpi, self.dpi) if self.dpi else kept.dpi)
        data, size = self.master.read(), (upscaled.width, upscaled.height)
        if format == upscaled.format and quality is None:
            return embed(data, kept, format=format, size=size)
        picture = replace(
            decode(data, max_side=max(size)), **vars(kept), is_chroma_halved=is_chroma_halved
        )
        return encode(picture, format=format, quality=quality, keep=KEPT)


def enhance(
    data: bytes,
    request: EnhanceRequest,
    inspection: Inspection,
    *,
    engine: Engine,
    disk: Disk,
    watch: Watch,
) -> Enhanced:
    """Enhance in a worker thread; raise SuperResolutionError."""
    options = engine_options(request, inspection, details=engine.details)
    upscaled = engine.upscale(data, options, watch=watch)
    made = store(upscaled, disk=disk, is_photograph=inspection.is_photograph)
    size = request.options.size
    return made if size is None else replace(made, dpi=size.dpi)


def engine_options(
    request: EnhanceRequest, inspection: Inspection, *, details: Collection[str]
) -> UpscaleOptions:
    """Return options with the master's format; a cut part is as damaged as the file it is from.

    Tiers in `details` judge damage themselves.
    """
    options = request.options
    if inspection.parent_quality is not None:
        options = options_for_damage(
            options,
            has_detail=options.model in details,
            jpeg_quality=inspection.parent_quality,
        )
    return replace(
        options,
        format=master_format(inspection, pixels=math.prod(result_size(inspection.size, options))),
        keep=(),  # it is added when the file is saved, on request
    )


def store(upscaled: Upscaled, *, disk: Disk, is_photograph: bool) -> Enhanced:
    """Store the result as files, for downloads and to be shown."""
    with reopen(upscaled.data, format=upscaled.format) as image:
        shown = side.pack(side.make_side(image, is_photograph=is_photograph))
    return Enhanced(
        upscaled=replace(upscaled, data=b""),
        master=disk.store(upscaled.data),
        formats=formats(upscaled),
        side=disk.store(shown),
    )


def is_kept_lossless(pixels: int) -> bool:
    """Return whether a result of so many pixels is kept as PNG even if it is opaque."""
    return pixels <= LOSSLESS_PIXELS


def master_format(inspection: Inspection, *, pixels: int) -> str:
    """Return the master's format; the module's docstring has the rule."""
    return "png" if inspection.has_alpha or is_kept_lossless(pixels) else "jpeg"


def formats(upscaled: Upscaled) -> tuple[str, ...]:
    """Return the master's format, and those that can be made from it."""
    if upscaled.format != "png" or not is_kept_lossless(upscaled.width * upscaled.height):
        return (upscaled.format,)
    longest = max(upscaled.width, upscaled.height)
    return tuple(each.name for each in WRITABLE if longest <= (each.longest_side or 0))
