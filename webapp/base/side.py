"""One side of the slider: a picture bounded in pixels, as WebP files packed into one blob."""

import io
import json
import math
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from backend.engine import Box
from backend.errors import CancelledError
from backend.images.colour import gray_in_srgb
from backend.images.resize import bounded_size

# A 2560 px preview fills the largest common screens; four times its pixels would strain a phone.
MAX_SIDE = 2560
# If the preview has to be reduced, a square of this side in the middle keeps every pixel.
DETAIL_SIDE = 2048
# Lossless WebP costs about 1.1 MB a megapixel, a tenth of it at `HIGH_QUALITY`. So larger pictures,
# and photographs, in whose grain nobody finds the difference (42 dB), are sent at that quality.
LOSSLESS_PIXELS = 2_500_000
HIGH_QUALITY = 95

Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Patch:
    """A WebP file and the part of the picture that it covers."""

    place: Place
    """(left, top, width, height) as fractions of the picture."""
    webp: bytes


@dataclass(frozen=True)
class Side:
    """A picture as it is sent to the browser."""

    size: tuple[int, int]
    """(width, height) of the whole picture in pixels."""
    patches: tuple[Patch, ...]
    """The whole picture and, if that had to be reduced, its middle with every pixel."""


def make_side(
    image: Image.Image, *, detail_side: int = DETAIL_SIDE, is_photograph: bool = False
) -> Side:
    """Reduce and encode a picture of any mode; drawings are kept lossless.

    Raise CancelledError if the process is ending.
    """
    image = displayable(image)
    profile = rgb_profile(image)
    whole = bounded(image, max_side=MAX_SIDE)
    boxes: list[tuple[Box, Image.Image]] = [((0, 0, *image.size), whole)]
    if whole.size != image.size:
        box = middle(image.size, side=detail_side)
        boxes.append((box, image.crop(box)))

    def encode(box: Box, part: Image.Image) -> Patch:
        is_lossless = part.width * part.height <= LOSSLESS_PIXELS and not is_photograph
        quality = None if is_lossless else HIGH_QUALITY
        return Patch(place=_place(box, image.size), webp=webp(part, profile, quality=quality))

    with ThreadPoolExecutor() as pool:
        try:
            patches = pool.map(encode, *zip(*boxes, strict=True))
        except RuntimeError as exc:  # a process that is ending begins no more threads
            raise CancelledError from exc
        return Side(size=image.size, patches=tuple(patches))


def pack(side: Side) -> bytes:
    """Join the places of the WebP files, and the files, as `frame` does."""
    patches = [{"place": each.place, "length": len(each.webp)} for each in side.patches]
    header = {"size": side.size, "patches": patches}
    return frame(header, [each.webp for each in side.patches])


def frame(header: Mapping[str, object], files: Sequence[bytes]) -> bytes:
    """Join the length of the header (4 bytes, big endian), the header (JSON) and the files."""
    text = json.dumps(header).encode()
    return b"".join([struct.pack(">I", len(text)), text, *files])


def unpack(blob: bytes) -> Side:
    """Unpack a side that `pack` packed."""
    (length,) = struct.unpack(">I", blob[:4])
    header = json.loads(blob[4 : 4 + length])
    patches, start = [], 4 + length
    for each in header["patches"]:
        left, top, width, height = each["place"]
        end = start + each["length"]
        patches.append(Patch(place=(left, top, width, height), webp=blob[start:end]))
        start = end
    width, height = header["size"]
    return Side(size=(width, height), patches=tuple(patches))


def _place(box: Box, size: tuple[int, int]) -> Place:
    left, top, right, bottom = box
    width, height = size
    return left / width, top / height, (right - left) / width, (bottom - top) / height


def displayable(image: Image.Image) -> Image.Image:
    """Convert to RGB, or RGBA if transparent; return the image itself if it is one.

    Grey becomes as bright as its profile says, since browsers ignore a profile for grey here.
    """
    if image.mode in ("RGB", "RGBA"):
        return image
    profile = image.info.get("icc_profile")
    if image.mode in ("L", "LA") and isinstance(profile, bytes) and profile[16:20] == b"GRAY":
        bands = image.split()
        image = Image.merge(image.mode, (gray_in_srgb(bands[0], profile), *bands[1:]))
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def bounded(image: Image.Image, *, max_side: int) -> Image.Image:
    """Reduce an RGB or RGBA image to `bounded_size`, or return it if it fits."""
    size = bounded_size(image.size, max_side=max_side)
    if size == image.size:
        return image
    # Averaging whole blocks first leaves Lanczos little to do on a 268-megapixel result.
    factor = max(1, max(image.size) // (2 * max_side))
    reduced = _reduced(image, factor)
    box = (0.0, 0.0, image.width / factor, image.height / factor)
    return reduced.resize(size, Image.Resampling.LANCZOS, box=box)


def middle(size: tuple[int, int], *, side: int = DETAIL_SIDE) -> Box:
    """Return the centred box with sides of at most `side` pixels."""
    width, height = (min(length, side) for length in size)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


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


def rgb_profile(image: Image.Image) -> bytes | None:
    """Return the ICC profile unless it is of another colour space, such as CMYK."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None


def webp(image: Image.Image, profile: bytes | None = None, *, quality: int | None = None) -> bytes:
    """Encode for the browser; without a `quality` every pixel is kept."""
    file = io.BytesIO()
    if quality is None:
        image.save(file, "WEBP", lossless=True, method=0, quality=0, icc_profile=profile)
    else:
        image.save(file, "WEBP", quality=quality, method=2, icc_profile=profile)
    return file.getvalue()
