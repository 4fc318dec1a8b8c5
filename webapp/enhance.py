"""The work of one job: a file in, a finished result with everything the page shows of it out.

Which files a result keeps: one master, and only a master without loss is made into other formats.
Up to `LOSSLESS_PIXELS` the master is a PNG, so that a PNG that is downloaded was never a JPEG.
Above, a PNG would weigh hundreds of megabytes, so the master is a JPEG of quality 95 and the only
download; a picture with transparency, which JPEG cannot hold, stays a PNG of any size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend import Engine, Upscaled, UpscaleOptions, Watch
from backend.errors import ImageTooLargeError
from backend.images import (
    Picture,
    check_output_size,
    decode,
    encode,
    reopen,
    to_image,
)
from webapp import comparison
from webapp.engine import Place

LOSSLESS_PIXELS = 24_000_000
FORMATS: tuple[str, ...] = ("png", "jpeg", "webp")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a visitor asked for; equal wishes have equal results."""

    digest: str
    """sha256 of the input file."""
    options: UpscaleOptions
    place: Place = Place.LOCAL

    @property
    def name(self) -> str:
        """A short text that is different for every other wish."""
        options = self.options
        chosen = f"{options.model}-{options.scale}-{options.cleanup}"
        return f"{self.digest}-{chosen}-{self.place.value}"


@dataclass(frozen=True, kw_only=True)
class Enhanced:
    """A result, as files only."""

    upscaled: Upscaled
    """Its `data` is the master."""
    formats: tuple[str, ...]
    """What can be downloaded."""
    comparison: bytes
    """Bounded previews of both sides, from `comparison.prepare`."""

    @property
    def nbytes(self) -> int:
        """What it weighs in memory."""
        return len(self.upscaled.data) + len(self.comparison)

    def file(self, format: str) -> bytes:
        """The master itself, or another format made from a master without loss."""
        upscaled = self.upscaled
        if format == upscaled.format:
            return upscaled.data
        picture = decode(upscaled.data, max_side=max(upscaled.width, upscaled.height))
        return encode(picture, format=format)


def enhance(
    data: bytes,
    wish: Wish,
    *,
    engine: Engine,
    max_side: int,
    watch: Watch,
) -> Enhanced:
    """Runs in a worker thread; raises SuperResolutionError."""
    picture = decode(data, max_side=max_side)
    options = replace(wish.options, format=master_format(picture, scale=wish.options.scale))
    upscaled = engine.upscale(data, options, watch=watch)
    watch.on_finishing()
    return Enhanced(
        upscaled=upscaled,
        formats=formats(upscaled),
        comparison=_comparison(picture, upscaled, wish),
    )


def master_format(picture: Picture, *, scale: int) -> str:
    """See the head of this module."""
    width, height = picture.size
    if picture.alpha is not None or width * height * scale**2 <= LOSSLESS_PIXELS:
        return "png"
    return "jpeg"


def formats(upscaled: Upscaled) -> tuple[str, ...]:
    """The master's, and those that can be made from it and can hold it."""
    if upscaled.format != "png" or upscaled.width * upscaled.height > LOSSLESS_PIXELS:
        return (upscaled.format,)
    return tuple(each for each in FORMATS if _holds(each, upscaled))


def _holds(format: str, upscaled: Upscaled) -> bool:
    try:
        check_output_size(upscaled.width, upscaled.height, format=format)
    except ImageTooLargeError:
        return False
    return True


def _comparison(picture: Picture, upscaled: Upscaled, wish: Wish) -> bytes:
    before = to_image(picture)
    with reopen(upscaled.data, format=upscaled.format) as after:
        labels = (
            f"Before · {before.width} × {before.height}",
            f"After · {after.width} × {after.height}",
        )
        return comparison.prepare(before, after, labels=labels, key=wish.name)
