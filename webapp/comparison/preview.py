"""Pictures small enough for a browser: bounded in pixels, encoded as WebP."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image

# A 2560 px preview fills the largest common screens; four times its pixels would strain a phone.
MAX_SIDE = 2560
# Where the preview has to be reduced, this much of the middle is sent with every pixel.
DETAIL_SIDE = 2048
# Lossless WebP costs about 1.1 MB a megapixel, so larger pictures are sent at quality 95.
LOSSLESS_PIXELS = 2_500_000

Box = tuple[int, int, int, int]
Side = Literal["before", "after"]


@dataclass(frozen=True)
class Patch:
    """A WebP file and the part of its side that it covers, in pixels of the whole side."""

    side: Side
    whole: tuple[int, int]
    box: Box
    webp: bytes

    @property
    def place(self) -> tuple[float, float, float, float]:
        """(left, top, width, height) as fractions of the side."""
        left, top, right, bottom = self.box
        width, height = self.whole
        return left / width, top / height, (right - left) / width, (bottom - top) / height


def patches(before: Image.Image, after: Image.Image) -> list[Patch]:
    """The whole of each side and, over a side that had to be reduced, its middle in full."""
    before, after = displayable(before), displayable(after)
    profile = _rgb_profile(after) or _rgb_profile(before)
    detail = middle(after.size)
    left, top, right, bottom = detail
    across, down = after.width / before.width, after.height / before.height
    matching = (
        math.floor(left / across),
        math.floor(top / down),
        math.ceil(right / across),
        math.ceil(bottom / down),
    )
    return [
        *_side("before", before, detail=matching, profile=profile),
        *_side("after", after, detail=detail, profile=profile),
    ]


def displayable(image: Image.Image) -> Image.Image:
    """The same picture as RGB, or as RGBA where it can be transparent; no copy when it is so."""
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def bounded_size(size: tuple[int, int], *, max_side: int) -> tuple[int, int]:
    """`size` in its proportions with no side above `max_side` and none below 1; never larger."""
    width, height = size
    ratio = min(1.0, max_side / max(width, height))
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def bounded(image: Image.Image, *, max_side: int) -> Image.Image:
    """The RGB or RGBA picture reduced to `bounded_size`, or itself where it fits."""
    size = bounded_size(image.size, max_side=max_side)
    if size == image.size:
        return image
    # Averaging whole blocks first leaves Lanczos little to do on a 268-megapixel result.
    factor = max(1, max(image.size) // (2 * max_side))
    reduced = _reduced(image, factor)
    box = (0.0, 0.0, image.width / factor, image.height / factor)
    return reduced.resize(size, Image.Resampling.LANCZOS, box=box)


def middle(size: tuple[int, int]) -> Box:
    """The centred box of at most `DETAIL_SIDE` a side."""
    width, height = (min(side, DETAIL_SIDE) for side in size)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _side(side: Side, image: Image.Image, *, detail: Box, profile: bytes | None) -> Iterator[Patch]:
    whole = bounded(image, max_side=MAX_SIDE)
    yield Patch(side, image.size, (0, 0, *image.size), _webp(whole, profile=profile))
    if whole.size != image.size:
        yield Patch(side, image.size, detail, _webp(image.crop(detail), profile=profile))


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Average blocks strip by strip: Pillow would first copy a whole RGBA picture."""
    if factor == 1:
        return image
    width, height = (math.ceil(side / factor) for side in image.size)
    target = Image.new(image.mode, (width, height))
    rows = 64 * factor
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        target.paste(strip.reduce(factor), (0, top // factor))
    return target


def _rgb_profile(image: Image.Image) -> bytes | None:
    """The embedded ICC profile unless it is of another colour space, as of a former CMYK file."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None


def _webp(image: Image.Image, *, profile: bytes | None) -> bytes:
    file = io.BytesIO()
    if image.width * image.height <= LOSSLESS_PIXELS:
        image.save(file, "WEBP", lossless=True, method=0, quality=0, icc_profile=profile)
    else:
        image.save(file, "WEBP", quality=95, method=2, icc_profile=profile)
    return file.getvalue()
