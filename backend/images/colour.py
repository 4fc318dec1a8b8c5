"""The colours that a picture's numbers mean, whatever its container says them with.

Every reader turns its tags into one `Colour`, and `as_shown` gives the pixels and the profile with
which a result looks as the picture does in a colour-managed viewer. The tests compare with
Chromium.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageChops

from backend.images.hdr import BT709, BT2020, HLG, PQ, mapped_to_sdr, srgb_from_light
from backend.images.icc import Primaries, color_space, converted_to_srgb, make_profile

D65 = (0.3127, 0.3290)
C_WHITE = (0.310, 0.316)
PAL = Primaries(red=(0.64, 0.33), green=(0.29, 0.60), blue=(0.15, 0.06), white=D65)
NTSC = Primaries(red=(0.63, 0.34), green=(0.31, 0.595), blue=(0.155, 0.07), white=D65)
DISPLAY_P3 = Primaries(red=(0.68, 0.32), green=(0.265, 0.69), blue=(0.15, 0.06), white=D65)
ADOBE_1998 = Primaries(red=(0.64, 0.33), green=(0.21, 0.71), blue=(0.15, 0.06), white=D65)
ADOBE_GAMMA = 563 / 256
CODED_PRIMARIES: Mapping[int, Primaries] = {
    1: BT709,
    4: Primaries(red=(0.67, 0.33), green=(0.21, 0.71), blue=(0.14, 0.08), white=C_WHITE),
    5: PAL,
    6: NTSC,
    7: NTSC,
    8: Primaries(red=(0.681, 0.319), green=(0.243, 0.692), blue=(0.145, 0.049), white=C_WHITE),
    9: BT2020,
    11: Primaries(red=(0.68, 0.32), green=(0.265, 0.69), blue=(0.15, 0.06), white=(0.314, 0.351)),
    12: DISPLAY_P3,
    22: Primaries(red=(0.63, 0.34), green=(0.295, 0.605), blue=(0.155, 0.077), white=D65),
}
"""ColourPrimaries of ITU-T H.273."""
HDR = (PQ, HLG)
CODED_CURVES: Mapping[int, float | str] = {
    4: 2.2, 5: 2.8, 7: 1.88, 8: 1.0, 16: PQ, 17: 2.5, 18: HLG
}  # fmt: skip
"""TransferCharacteristics of ITU-T H.273: an exponent, or an HDR curve; the rest is as sRGB.

Those of 7 and 17 are the nearest to curves that are no powers.
"""
SRGB_CODE = 13
VIDEO_CURVES = (1, 6, 11, 14, 15)
VIDEO_GAMMA = 2.4
"""The exponent of screens for video, by ITU-R BT.1886."""
KEPT_GAMMAS = (1.6, 2.9)
"""The exponents that are near enough to sRGB's curve for the networks."""
LEAST_GAMMA = 0.1
MAX_PROFILE_BYTES = 4 * 2**20
"""The largest printer profiles have about 3 MiB."""
USUAL_GAMMA, SAME_GAMMA = 1 / 2.2, 0.05
"""The value of `gAMA` by which programs mean sRGB, when there is no `cHRM`, and the part of it by
which others may differ."""
SAME_POINT = 0.0015
"""A difference of chromaticities that is invisible."""
MOST_TINT = 3
"""Levels by which the channels of a grey may differ."""


@dataclass(frozen=True, kw_only=True)
class Colour:
    """One description: an ICC profile, or chromaticities and a curve."""

    icc_profile: bytes | None = None
    """The profile, which is the whole description if there is one."""
    primaries: Primaries = BT709
    curve: float | str | None = None
    """An exponent, `pq` or `hlg`; None is the curve of sRGB."""

    @property
    def is_hdr(self) -> bool:
        """True if pixels may be brighter than white."""
        return self.icc_profile is None and self.curve in HDR


SRGB = Colour()
ADOBE_RGB = Colour(primaries=ADOBE_1998, curve=ADOBE_GAMMA)


def colour_from_profile(profile: bytes | None) -> Colour | None:
    """Take a profile as the description; None if there is none, or it is huge or damaged."""
    if not profile or len(profile) > MAX_PROFILE_BYTES or color_space(profile) is None:
        return None
    return Colour(icc_profile=profile)


def colour_from_codes(primaries: int, transfer: int) -> Colour:
    """Read two numbers of ITU-T H.273 from `nclx`; unknown ones mean sRGB.

    The curves of video count as sRGB's: cameras write such numbers for ordinary photographs.
    """
    return Colour(primaries=CODED_PRIMARIES.get(primaries, BT709), curve=CODED_CURVES.get(transfer))


def colour_from_still_codes(primaries: int, transfer: int) -> Colour | None:
    """Read them from PNG's `cICP`, where the curves of video are those of screens for video.

    Return None if a number leaves a part open.
    """
    is_video = transfer in VIDEO_CURVES
    if primaries not in CODED_PRIMARIES or not (
        is_video or transfer == SRGB_CODE or transfer in CODED_CURVES
    ):
        return None
    colour = colour_from_codes(primaries, transfer)
    return replace(colour, curve=VIDEO_GAMMA) if is_video else colour


def colour_from_points(gamma: float, points: Sequence[tuple[float, float]] | None) -> Colour | None:
    """Read the exponent 1 / `gamma` and the points white, red, green, blue of PNG's old chunks.

    Return None if no screen could show them.
    """
    is_possible = all(0 < y <= 1 >= x for x, y in points or ())
    if not is_possible or not LEAST_GAMMA <= gamma <= 1 / LEAST_GAMMA:
        return None
    if points is None:
        is_usual = abs(gamma / USUAL_GAMMA - 1) <= SAME_GAMMA
        return SRGB if is_usual else Colour(curve=1 / gamma)
    white, red, green, blue = points
    primaries = Primaries(red=red, green=green, blue=blue, white=white)
    try:
        make_profile(primaries, gamma=None, is_gray=False)
    except (ValueError, ZeroDivisionError, struct.error):
        return None
    return Colour(primaries=primaries, curve=1 / gamma)


def as_shown(image: Image.Image, colour: Colour) -> tuple[Image.Image, bytes | None]:
    """Return pixels of mode L or RGB and the profile that they need; None is sRGB.

    `image` has 8 bits a channel and is grey (1, L) or RGB, or CMYK with an ICC profile or none.
    """
    if image.mode not in ("1", "L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if colour.icc_profile is not None:
        return _with_profile(image, colour.icc_profile)
    if image.mode == "CMYK":
        return image.convert("RGB"), None
    image = image.convert("L") if image.mode == "1" else image
    if colour.curve in HDR:
        mapped = mapped_to_sdr(image.convert("RGB"), colour.primaries, str(colour.curve))
        return (mapped.getchannel("G") if image.mode == "L" else mapped), None
    gamma = None if colour.curve is None else float(colour.curve)
    if gamma is not None and not KEPT_GAMMAS[0] <= gamma <= KEPT_GAMMAS[1]:
        levels = [light_level(level / 255, gamma) for level in range(256)]
        image, gamma = image.point(levels * len(image.getbands())), None
    return image, _profile(colour.primaries, gamma, is_gray=image.mode == "L")


def light_level(value: float, gamma: float) -> int:
    """Return the level of sRGB, 0-255, that is as bright as `value`, 0-1, raised to `gamma`."""
    return round(255 * srgb_from_light(value**gamma))


def _profile(primaries: Primaries, gamma: float | None, *, is_gray: bool) -> bytes | None:
    if gamma is None and (is_gray or _is_srgb(primaries)):
        return None
    return make_profile(primaries, gamma=gamma, is_gray=is_gray)


def _is_srgb(primaries: Primaries) -> bool:
    return all(
        abs(ours - theirs) <= SAME_POINT
        for name, point in vars(primaries).items()
        for ours, theirs in zip(point, getattr(BT709, name), strict=True)
    )


def _with_profile(image: Image.Image, profile: bytes) -> tuple[Image.Image, bytes | None]:
    """Keep a profile that fits the pixels; convert pixels that cannot be written as they are."""
    space = color_space(profile)
    if image.mode == "CMYK":
        converted = converted_to_srgb(image, profile) if space == b"CMYK" else None
        return converted or image.convert("RGB"), None
    if image.mode == "RGB":
        return image, profile if space == b"RGB " else None
    image = image.convert("L")
    if space == b"RGB ":
        return gray_in_srgb(image, profile), None
    return image, profile if space == b"GRAY" else None


def gray_in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert grey pixels by a profile for grey, or one for colours.

    The result is RGB where the profile gives greys a tint, as those of scanners may.
    """
    ramp = Image.new("L", (256, 1))
    ramp.putdata(range(256))
    is_for_gray = color_space(profile) == b"GRAY"
    converted = converted_to_srgb(ramp if is_for_gray else ramp.convert("RGB"), profile)
    if converted is None:
        return image
    red, green, blue = converted.split()
    others = ImageChops.lighter(*(ImageChops.difference(green, each) for each in (red, blue)))
    tint = others.getextrema()[1]
    if isinstance(tint, int) and tint > MOST_TINT:
        return image.convert("RGB").point([*red.tobytes(), *green.tobytes(), *blue.tobytes()])
    return image.point(list(green.tobytes()))
