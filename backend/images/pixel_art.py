"""Recognise pixel art: few colours, hard steps, and so small that each pixel was set by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backend.images.channels import largest
from backend.images.picture import Picture, RgbImage

LONGEST_SIDE = 512
"""The longest side; larger pictures are drawings or scans."""
MAX_COLOURS = 256
PIXELS_A_COLOUR = 8
"""The least number of pixels for each colour."""
LEAST_EQUAL = 0.3
"""The least share of neighbouring pixels that have the same colour."""
SMALL_STEP, MOST_SMALL = 12, 0.15
"""Levels of a shade's or a smoothed edge's step, and the share of such steps that is allowed."""


def is_pixel_art(picture: Picture) -> bool:
    """Return whether enlarging by hard pixels suits the picture; a single colour is none."""
    height, width = picture.rgb.shape[:2]
    if max(height, width) > LONGEST_SIDE:
        return False
    colours = _visible(picture)
    limit = min(MAX_COLOURS, height * width // PIXELS_A_COLOUR)
    numbers = np.ascontiguousarray(colours).view(np.uint32)
    if len(np.unique(numbers)) > limit:
        return False
    steps = _steps(colours)
    is_equal = steps == 0
    if is_equal.all() or is_equal.mean() < LEAST_EQUAL:
        return False
    return bool((steps[~is_equal] <= SMALL_STEP).mean() <= MOST_SMALL)


def _visible(picture: Picture) -> npt.NDArray[np.uint8]:
    """Return (H, W, 4), with wholly transparent pixels in one colour."""
    rgb: RgbImage = picture.rgb
    alpha = np.full(rgb.shape[:2], 255, np.uint8) if picture.alpha is None else picture.alpha
    seen = np.dstack((rgb, alpha))
    seen[alpha == 0] = 0
    return seen


def _steps(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Return the largest step of the four channels between neighbouring pixels."""
    levels = colours.astype(np.int16)
    across, down = (largest(np.abs(np.diff(levels, axis=axis))).ravel() for axis in (1, 0))
    return np.concatenate((across, down))
