"""What every drawing is made with: a large canvas that is shrunk, fonts and curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]

OVERSAMPLING = 8  # everything is drawn this many times larger, then shrunk: smooth edges
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
SANS = "DejaVuSans.ttf"
SANS_BOLD = "DejaVuSans-Bold.ttf"
COMIC = "DejaVuSansCondensed-BoldOblique.ttf"
SERIF = "DejaVuSerifCondensed.ttf"
SERIF_ITALIC = "DejaVuSerifCondensed-Italic.ttf"


class FontMissingError(Exception):
    """A font that a drawing needs is not installed."""


@cache
def font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """A font by file name, at `size` final pixels; FontMissingError says what to install."""
    for folder in FONT_FOLDERS:
        for path in sorted(folder.rglob(name)):
            # The basic layout does not depend on whether libraqm is installed.
            return ImageFont.truetype(
                path, size * OVERSAMPLING, layout_engine=ImageFont.Layout.BASIC
            )
    searched = ", ".join(str(folder) for folder in FONT_FOLDERS)
    raise FontMissingError(f"{name} is not in {searched}: apt-get install fonts-dejavu")


def smooth(points: Sequence[Point], *, closed: bool = False, steps: int = 16) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    last = len(points) - 1
    curve: list[Point] = []
    for i in range(len(points) if closed else last):
        a, b, c, d = (
            points[j % len(points)] if closed else points[min(max(j, 0), last)]
            for j in range(i - 1, i + 3)
        )
        for step in range(steps):
            t = step / steps
            weights = (
                (-t + 2 * t**2 - t**3) / 2,
                (2 - 5 * t**2 + 3 * t**3) / 2,
                (t + 4 * t**2 - 3 * t**3) / 2,
                (t**3 - t**2) / 2,
            )
            x = sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True))
            y = sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True))
            curve.append((x, y))
    return curve if closed else [*curve, points[last]]


def mirrored(points: Iterable[Point], *, axis: float) -> list[Point]:
    """The points on the other side of the vertical line x = axis."""
    return [(2 * axis - x, y) for x, y in points]


class Canvas:
    """A picture drawn in final pixels, held OVERSAMPLING times larger."""

    def __init__(self, width: int, height: int, paper: str | None) -> None:
        self.size = (width, height)
        mode, fill = ("RGBA", (0, 0, 0, 0)) if paper is None else ("RGB", paper)
        self.image = Image.new(mode, (width * OVERSAMPLING, height * OVERSAMPLING), fill)
        self.draw = ImageDraw.Draw(self.image)

    def shape(
        self, points: Sequence[Point], fill: str, *, ink: str | None = None, width: float = 1.6
    ) -> None:
        """A filled outline, with an ink line around it when `ink` is given."""
        self.draw.polygon(self._large(points), fill=fill)
        if ink is not None:
            self.stroke([*points, points[0]], ink, width=width)

    def stroke(self, points: Sequence[Point], ink: str, *, width: float = 1.6) -> None:
        """A line with round joints and ends."""
        large = self._large(points)
        radius = width * OVERSAMPLING / 2
        self.draw.line(large, fill=ink, width=round(2 * radius))
        for x, y in large:
            self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)

    def disc(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float | None = None,
        *,
        fill: str,
        ink: str | None = None,
        width: float = 1.6,
    ) -> None:
        """An ellipse around (x, y); a circle when only one radius is given."""
        self.shape(arc(x, y, rx, ry, start=0, end=360), fill, ink=ink, width=width)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        fill: str,
        radius: float = 0,
        ink: str | None = None,
        width: float = 1,
    ) -> None:
        """A rectangle with round corners; the ink lies inside it."""
        self.draw.rounded_rectangle(
            [value * OVERSAMPLING for value in (left, top, right, bottom)],
            radius=radius * OVERSAMPLING,
            fill=fill,
            outline=ink,
            width=round(width * OVERSAMPLING) if ink else 0,
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        name: str,
        size: float,
        ink: str,
        *,
        anchor: str = "ls",
    ) -> None:
        """Words at (x, y), by default the left end of their baseline."""
        self.draw.text(
            (x * OVERSAMPLING, y * OVERSAMPLING), words, ink, font(name, size), anchor=anchor
        )

    def glow(self, points: Sequence[Point], colour: str, *, opacity: float) -> None:
        """A shape of light laid over what is already drawn."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self._large(points), fill=round(255 * opacity))
        self.image.paste(colour, (0, 0, *self.image.size), mask)

    def finished(self) -> Image.Image:
        """The picture at its final size."""
        return self.image.resize(self.size, Image.Resampling.LANCZOS)

    @staticmethod
    def _large(points: Sequence[Point]) -> list[Point]:
        return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


def arc(
    x: float, y: float, rx: float, ry: float | None = None, *, start: float, end: float
) -> list[Point]:
    """Points along an ellipse, degrees clockwise from three o'clock."""
    ry = rx if ry is None else ry
    turns = [math.radians(start + (end - start) * i / 96) for i in range(97)]
    return [(x + rx * math.cos(turn), y + ry * math.sin(turn)) for turn in turns]
