"""The extremes of a pixel's channels; NumPy's own reductions are slow along so short an axis."""

from __future__ import annotations

from functools import reduce
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", np.uint8, np.int16)


def largest(pixels: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """(…, channels) -> (…): the largest value of each pixel."""
    return reduce(np.maximum, np.moveaxis(pixels, -1, 0))


def smallest(pixels: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """(…, channels) -> (…): the smallest value of each pixel."""
    return reduce(np.minimum, np.moveaxis(pixels, -1, 0))
