"""Exact result sizes: plain numbers, no pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from backend.errors import RequestError

PRINT_DPI = 300
CM_PER_INCH = Fraction(254, 100)
MAX_PIXELS_A_SIDE = 65_500
"""The longest side; no common writable format holds more."""
MAX_CENTIMETRES = 550
MAX_FACTOR = 16
NUMBER = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?")
SIDE = re.compile(r"[0-9]{1,5}")
FRAME = re.compile(r"([0-9]{1,5})\s*[x×]\s*([0-9]{1,5})")
NUMBER_OF_CM = r"[0-9]{1,3}(?:\.[0-9]{1,2})?"
PRINT = re.compile(rf"({NUMBER_OF_CM})\s*[x×]\s*({NUMBER_OF_CM})")

Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True, kw_only=True)
class ExactSize:
    """The size that a result is reduced to; the picture's proportions stay.

    Exactly one of the first four is given.
    """

    factor: float | None = None
    """Times the input, such as 3 or 8."""
    width: int | None = None
    height: int | None = None
    frame: Size | None = None
    """The frame that the result has to fit into."""
    dpi: int | None = None
    """Written into the file, if its format has a place for it."""

    @property
    def name(self) -> str:
        """`width=2000`: the option of `READERS` that asks for this size, and its value."""
        if self.frame is None:
            asked = (("width", self.width), ("height", self.height), ("factor", self.factor))
            return next(f"{option}={value}" for option, value in asked if value is not None)
        if self.dpi is None:
            return f"fit={self.frame[0]}x{self.frame[1]}"
        width, height = (round(float(side * CM_PER_INCH / self.dpi), 2) for side in self.frame)
        return f"print={width:g}x{height:g}"

    @property
    def label(self) -> str:
        """The size as written in file names."""
        if self.frame is not None:
            return f"{self.frame[0]}x{self.frame[1]}"
        if self.width is not None:
            return f"{self.width}w"
        return f"x{self.factor:g}" if self.height is None else f"{self.height}h"

    def of(self, size: Size) -> Size:
        """Return the result's (width, height) for an upright input; no side is below 1."""
        width, height = size
        if self.frame is not None:
            frame = self.frame
            is_turned = self.dpi is not None and (width > height) != (frame[0] > frame[1])
            if is_turned and width != height:  # paper can be turned, a screen cannot
                frame = frame[1], frame[0]
            share = min(Fraction(frame[0], width), Fraction(frame[1], height))
        elif self.width is not None:
            share = Fraction(self.width, width)
        elif self.height is not None:
            share = Fraction(self.height, height)
        else:
            share = Fraction(self.factor or 1)
        return _rounded(width * share), _rounded(height * share)


def _rounded(side: Fraction) -> int:
    return max(1, math.floor(side + Fraction(1, 2)))


def factor_from(text: str) -> ExactSize:
    """Read `3` or `1.5`, at most 16; raise RequestError for anything else."""
    factor = float(text) if NUMBER.fullmatch(text) else 0.0
    if not 0 < factor <= MAX_FACTOR:
        raise RequestError(f"A factor is a number up to {MAX_FACTOR}: 3 or 1.5.", field="factor")
    return ExactSize(factor=int(factor) if factor.is_integer() else factor)


def side_from(text: str, *, field: str) -> ExactSize:
    """Read the `width` or `height` in pixels; raise RequestError for anything else."""
    side = int(text) if SIDE.fullmatch(text) else 0
    if not 1 <= side <= MAX_PIXELS_A_SIDE:
        raise RequestError(
            f"'{field}' is a number of pixels from 1 to {MAX_PIXELS_A_SIDE}.", field=field
        )
    return ExactSize(width=side) if field == "width" else ExactSize(height=side)


def frame_from(text: str) -> ExactSize:
    """Read a frame, `3840x2160`; raise RequestError for anything else."""
    match = FRAME.fullmatch(text.strip().lower())
    sides = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(1 <= side <= MAX_PIXELS_A_SIDE for side in sides):
        raise RequestError(
            f"A frame is WIDTHxHEIGHT in pixels, at most {MAX_PIXELS_A_SIDE} a side: 3840x2160.",
            field="fit",
        )
    return ExactSize(frame=sides)


def print_from(text: str) -> ExactSize:
    """Read `15x10`, in centimetres, at `PRINT_DPI`; raise RequestError for anything else."""
    match = PRINT.fullmatch(text.strip().lower())
    sides = [Fraction(match[1]), Fraction(match[2])] if match else [Fraction(0)] * 2
    if not all(0 < side <= MAX_CENTIMETRES for side in sides):
        raise RequestError(
            f"A print is WIDTHxHEIGHT in centimetres, at most {MAX_CENTIMETRES} a side: 15x10.",
            field="print",
        )
    width, height = (_rounded(side / CM_PER_INCH * PRINT_DPI) for side in sides)
    return ExactSize(frame=(width, height), dpi=PRINT_DPI)


READERS: Mapping[str, Callable[[str], ExactSize]] = {
    "factor": factor_from,
    "width": partial(side_from, field="width"),
    "height": partial(side_from, field="height"),
    "fit": frame_from,
    "print": print_from,
}
"""The options that ask for an exact size, and how the value of each is read."""


def size_from(name: str) -> ExactSize:
    """Return the size of a name, `width=2000`; raise RequestError for an unknown one."""
    option, _, value = name.partition("=")
    if option not in READERS:
        raise RequestError.not_one_of("size", list(READERS))
    return READERS[option](value)


def passes(factor: float, scales: Iterable[int]) -> list[int]:
    """Return the scales, one network after the other, that reach the factor at the least cost.

    There are one or two; the smaller one runs first. An empty list means that no two reach it.
    """
    ascending = sorted(scales)
    for scale in ascending:
        if scale >= factor:
            return [scale]
    enlarging = [scale for scale in ascending if scale > 1]
    pairs: list[tuple[int, ...]] = [
        (first, second)
        for first in enlarging
        for second in enlarging
        if first <= second and first * second >= factor
    ]
    least = min(pairs, key=lambda pair: (pair[0] * pair[1], pair), default=())
    return list(least)
