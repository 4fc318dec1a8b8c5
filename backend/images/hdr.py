"""HDR pixels shown on an SDR screen: the transfer functions PQ and HLG of ITU-R BT.2100.

The mapping is the one that Chromium has for such screens: half of SDR's white for HDR's reference
white of 203 cd/m², everything below in proportion, and a shoulder up to 1000 cd/m² above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import exp
from typing import Any

from PIL import Image, ImageMath

from backend.images.icc import Primaries
from backend.images.matrices import Matrix, Vector, inverse, product

PQ, HLG = "pq", "hlg"
REFERENCE_WHITE = 203.0
PEAK = 1000.0
"""Luminances in cd/m²."""
OOTF_EXPONENT = 0.2
"""HLG's system gamma of 1.2 on a screen with this peak, less one."""
SHOULDER = ((1.0, 0.5), (1.25, 0.596), (1.5, 0.658), (2.0, 0.746), (3.0, 0.864), (4.926, 1.0))
"""Light relative to the reference white -> light that is shown, as measured in Chromium."""
BT709 = Primaries(red=(0.64, 0.33), green=(0.30, 0.60), blue=(0.15, 0.06), white=(0.3127, 0.3290))
BT2020 = Primaries(
    red=(0.708, 0.292), green=(0.170, 0.797), blue=(0.131, 0.046), white=(0.3127, 0.3290)
)
STRIP_ROWS = 64
"""Rows that are in floating point at a time."""
FINE_LEVELS = 65536
DARKEST = 1e-6
"""The smallest divisor of light."""


def mapped_to_sdr(image: Image.Image, primaries: Primaries, curve: str) -> Image.Image:
    """Convert 8-bit RGB in `pq` or `hlg` to sRGB."""
    decode = light_from_hlg if curve == HLG else light_from_pq
    light = [decode(level / 255) for level in range(256)]
    encoded = [round(255 * srgb_from_light(n / (FINE_LEVELS - 1))) for n in range(FINE_LEVELS)]
    to_2020 = product(inverse(BT2020.to_xyz()), primaries.to_xyz())
    to_srgb = product(inverse(BT709.to_xyz()), primaries.to_xyz())
    result = Image.new("RGB", image.size)
    for top in range(0, image.height, STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + STRIP_ROWS, image.height)))
        planes = dict(zip("rgb", (band.point(light, "F") for band in strip.split()), strict=True))
        gain = ImageMath.lambda_eval(
            lambda args: _gain(args, to_2020, has_ootf=curve == HLG), **planes
        )
        channels = [_channel(row, planes, gain).point(encoded, "L") for row in to_srgb]
        result.paste(Image.merge("RGB", channels), (0, top))
    return result


def _channel(row: Vector, planes: Mapping[str, Image.Image], gain: Image.Image) -> Image.Image:
    """Return one channel of linear sRGB in `FINE_LEVELS` steps."""

    def mixed(args: Mapping[str, Any]) -> Any:
        value = args["max"](_mixed(row, args) * args["gain"], 0)
        return args["convert"](args["min"](value, FINE_LEVELS - 1), "I")

    channel: Image.Image = ImageMath.lambda_eval(mixed, gain=gain, **planes)
    return channel


def _gain(args: Mapping[str, Any], to_2020: Matrix, *, has_ootf: bool) -> Any:
    """Return the factors for a pixel's light, for `FINE_LEVELS` steps of displayed light."""
    largest = args["max"]
    red, green, blue = (_mixed(row, args) for row in to_2020)
    top = largest(largest(red, green), largest(blue, DARKEST))
    gain: Any = 1.0
    if has_ootf:
        luminance = BT2020.to_xyz()[1]
        scene = red * luminance[0] + green * luminance[1] + blue * luminance[2]
        gain = largest(scene, DARKEST) ** OOTF_EXPONENT * (PEAK / REFERENCE_WHITE)
        top = top * gain
    return gain * _shown(top, largest, args["min"]) / top * (FINE_LEVELS - 1)


def _mixed(row: Vector, args: Mapping[str, Any]) -> Any:
    return args["r"] * row[0] + args["g"] * row[1] + args["b"] * row[2]


def _shown(light: Any, largest: Any, smallest: Any) -> Any:
    """Bend light, relative to the reference white, into what an SDR screen shows, 0-1."""
    shown = smallest(light, SHOULDER[0][0]) * SHOULDER[0][1]
    for (low, low_shown), (high, high_shown) in pairwise(SHOULDER):
        slope = (high_shown - low_shown) / (high - low)
        shown = shown + (smallest(largest(light, low), high) - low) * slope
    return shown


def light_from_pq(value: float) -> float:
    """Decode SMPTE ST 2084: 0-1 -> light relative to the reference white."""
    power = value ** (32 / 2523)
    top = max(power - 3424 / 4096, 0.0)
    light: float = (top / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
    return 10000 / REFERENCE_WHITE * light


def light_from_hlg(value: float) -> float:
    """Decode ARIB STD-B67: 0-1 -> light of the scene, 0-1."""
    if value <= 0.5:
        return value**2 / 3
    return (exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12


def srgb_from_light(value: float) -> float:
    """Encode light by the curve of sRGB, both 0-1; values outside are clipped."""
    value = min(max(value, 0.0), 1.0)
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
