"""Pixels of every mode that Pillow's readers give, in 8 bits a channel.

The decoding process loads no NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from PIL import Image, ImageChops, ImageCms, ImageMath, ImageStat

from backend.images.segments.limits import not_read

OPAQUE = 255
LEVELS = {1: 255, 2: 85, 4: 17, 8: 1}
"""The factors from levels of so many bits to those of eight."""
WIDE_BITS = 32
LEAST_ALPHA = 16


def eight_bit(image: Image.Image, *, bits: int = 16, clear_level: int | None = None) -> Image.Image:
    """Narrow grey levels of 12 to 32 bits to 8; Pillow's own conversion would clip them.

    `clear_level` is the one that is transparent.
    """
    if not image.mode.startswith("I"):
        return image
    wide = image.convert("I")

    def narrow(images: Mapping[str, Any]) -> Any:
        value = images["wide"]
        if bits == WIDE_BITS:  # as Pillow holds them, the upper half is negative
            value = (value >> 8) & 0xFFFF00
            return images["convert"](value >> 16, "L")
        top = (1 << bits) - 1
        clipped = images["min"](images["max"](value, 0), top)
        return images["convert"]((clipped * OPAQUE + top // 2) / top, "L")

    found: Image.Image = ImageMath.lambda_eval(narrow, wide=wide)
    if clear_level is not None:
        mask = ImageMath.lambda_eval(
            lambda images: images["convert"]((images["wide"] != clear_level) * OPAQUE, "L"),
            wide=wide,
        )
        found.putalpha(mask)
    return found


def from_float(image: Image.Image) -> Image.Image:
    """Convert floating-point grey of 0 to 1 to 8 bits; highlights above 1 are clipped.

    Raise UnsupportedMediaTypeError if most of the picture lies above 1, which then is not white.
    """
    over = ImageMath.lambda_eval(
        lambda images: images["convert"]((images["values"] > 1.0) * OPAQUE, "L"), values=image
    )
    if ImageStat.Stat(over).mean[0] > OPAQUE / 2:
        raise not_read("TIFF files of floating-point values that go far beyond 1 are")
    narrow: Image.Image = ImageMath.lambda_eval(
        lambda images: images["convert"](
            images["min"](images["max"](images["values"], 0.0), 1.0) * 255.0 + 0.5, "L"
        ),
        values=image,
    )
    return narrow


def from_lab(image: Image.Image) -> Image.Image:
    """Convert CIELab to sRGB."""
    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return converted or image.convert("RGB")


def with_clear_level(image: Image.Image, level: int, *, bits: int) -> Image.Image:
    """Make one level of 1 to 8 bits transparent."""
    gray = image.convert("L")
    clear = level * LEVELS.get(bits, 1)
    gray.putalpha(gray.point([0 if each == clear else OPAQUE for each in range(256)]))
    return gray


def with_clear_colour(image: Image.Image, lower: Image.Image, colour: Sequence[int]) -> Image.Image:
    """Make one colour of 16 bits a channel transparent; `lower` has the lower halves."""
    bands = zip(
        (*image.split(), *lower.split()),
        (each >> shift & 255 for shift in (8, 0) for each in colour),
        strict=True,
    )
    others = [
        band.point([OPAQUE * (each != level) for each in range(256)]) for band, level in bands
    ]
    image.putalpha(reduce(ImageChops.lighter, others))
    return image


def on_canvas(
    image: Image.Image, box: tuple[int, int, int, int], size: tuple[int, int]
) -> Image.Image:
    """Put what fills a box on a transparent canvas of (width, height).

    The image is as large as the box, or as the canvas with the box in it.
    """
    if image.size == size:
        image = image.crop(box)
    mode = "LA" if image.mode in ("1", "L", "LA") else "RGBA"
    canvas = Image.new(mode, size)
    canvas.paste(image.convert("L" if image.mode == "1" else image.mode).convert(mode), box[:2])
    return canvas


def bleed(image: Image.Image) -> Image.Image:
    """Give wholly transparent pixels the colours near them, so that edges get no halo.

    RGBA -> RGB. Averages of ever larger blocks fill the pixels that have no colour.
    """
    levels = [image.convert("RGBa")]
    while max(levels[-1].size) > 1:
        levels.append(levels[-1].reduce(2))
    filled = levels.pop().convert("RGBA").convert("RGB")
    for level in reversed(levels):
        colours = level.convert("RGBA")
        below = filled.resize(level.size, Image.Resampling.BILINEAR)
        # Un-premultiplied colours of 8 bits are right only where enough alpha is left.
        has_colour = colours.getchannel("A").point(lambda alpha: OPAQUE * (alpha >= LEAST_ALPHA))
        below.paste(colours.convert("RGB"), mask=has_colour)
        filled = below
    original = image.convert("RGB")
    filled.paste(original, mask=image.getchannel("A").point(lambda alpha: OPAQUE * (alpha > 0)))
    return filled
