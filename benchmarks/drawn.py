"""Text and line art to measure on: `python -m benchmarks.drawn --out DIR`.

Eight pictures, the same on every machine: Pillow's built-in font (the recipe in `training/` knows
only the system's fonts) and strokes drawn four times as large, then averaged. None of them is in
the training data.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE = 512
FINE = 4
"""The factor by which the canvas is larger than the finished picture."""
VERSE = (
    "The harbour wakes before the sun; a bell, a rope, a gull, a door. Nets are mended, coffee "
    "poured, and someone counts the boats: 17, 18, 19 - all ashore. (Nobody says it, but they "
    "look.) At 6:45 the ferry turns, its wake a seam across the bay, & fog lifts from the hill."
)
INK, PAPER = (20, 20, 30), (255, 255, 255)

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Sheet:
    """A picture in pixels of the finished size; strokes and areas come out antialiased."""

    def __init__(self, paper: Colour = PAPER) -> None:
        self._canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), paper)
        self._draw = ImageDraw.Draw(self._canvas)
        self._words: list[tuple[Point, str, Colour, int]] = []

    def stroke(self, points: Sequence[Point], colour: Colour = INK, width: float = 2) -> None:
        self._draw.line(_fine(points), colour, round(width * FINE), joint="curve")

    def area(self, points: Sequence[Point], fill: Colour, *, outline: float = 0) -> None:
        self._draw.polygon(_fine(points), fill)
        if outline:
            self.stroke([*points, points[0], points[1]], INK, outline)

    def words(self, at: Point, text: str, colour: Colour = INK, size: int = 14) -> None:
        self._words.append((at, text, colour, size))

    def picture(self) -> Image.Image:
        image = self._canvas.resize((SIDE, SIDE), Image.Resampling.BOX)
        draw = ImageDraw.Draw(image)
        for at, text, colour, size in self._words:
            draw.text(at, text, colour, ImageFont.load_default(size))
        return image


def _fine(points: Sequence[Point]) -> list[Point]:
    return [(x * FINE, y * FINE) for x, y in points]


def blob(rng: random.Random, centre: Point, radius: float, *, wobble: float = 0.3) -> list[Point]:
    """Draw a smooth closed outline around a point."""
    waves = [(rng.uniform(0, wobble / k), rng.uniform(0, math.tau), k) for k in (2, 3, 4, 5)]
    outline = []
    for step in range(120):
        angle = step * math.tau / 120
        r = radius * (1 + sum(a * math.sin(k * angle + phase) for a, phase, k in waves))
        outline.append((centre[0] + r * math.cos(angle), centre[1] + r * math.sin(angle)))
    return outline


def text(rng: random.Random, *, ink: Colour = INK, paper: Colour = PAPER) -> Image.Image:
    """Draw lines of text in ten sizes."""
    sheet = Sheet(paper)
    y = 8.0
    while y < SIDE:
        size = rng.choice((11, 12, 13, 14, 16, 18, 20, 24, 32, 44))
        start = rng.randrange(len(VERSE) // 2)
        sheet.words((rng.randint(4, 24), y), VERSE[start:], ink, size)
        y += size * 1.4
    return sheet.picture()


def night_text(rng: random.Random) -> Image.Image:
    """Draw the text again, light on dark blue."""
    return text(rng, ink=(225, 230, 240), paper=(24, 32, 64))


def table(rng: random.Random) -> Image.Image:
    """Draw a table of small figures between hairlines."""
    sheet = Sheet((250, 250, 246))
    for row in range(22):
        y = 12 + row * 23
        sheet.stroke([(8, y - 4), (SIDE - 8, y - 4)], (150, 150, 160), 1)
        for column in range(6):
            sheet.words((14 + column * 82, y), f"{rng.uniform(-999, 9999):.2f}", INK, 13)
    for column in range(7):
        sheet.stroke([(8 + column * 82, 8), (8 + column * 82, SIDE - 8)], (150, 150, 160), 1)
    return sheet.picture()


def line_art(rng: random.Random) -> Image.Image:
    """Draw pen outlines of many widths, one over the other."""
    sheet = Sheet()
    for _ in range(26):
        centre = rng.uniform(0, SIDE), rng.uniform(0, SIDE)
        outline = blob(rng, centre, rng.uniform(20, 130))
        sheet.stroke([*outline, *outline[:2]], INK, rng.choice((1, 1.5, 2, 3, 4)))
    return sheet.picture()


def hatching(rng: random.Random) -> Image.Image:
    """Draw shapes shaded by parallel strokes, as in an engraving."""
    sheet = Sheet((248, 244, 232))
    for top in range(0, SIDE, 128):
        for left in range(0, SIDE, 128):
            gap, slope = rng.uniform(5, 12), rng.uniform(-0.8, 0.8)
            x = float(left)
            while x < left + 128:
                end = min(max(x + slope * 112, left), left + 124)
                sheet.stroke([(x, top + 8), (end, top + 120)], INK, rng.choice((1, 1.5, 2)))
                x += gap
            outline = blob(rng, (left + 64, top + 64), 38)
            sheet.area(outline, (248, 244, 232), outline=2.5)
    return sheet.picture()


def comic(rng: random.Random) -> Image.Image:
    """Draw flat colours with thick black outlines, and a word in each."""
    sheet = Sheet((120, 190, 230))
    for _ in range(16):
        centre = rng.uniform(30, SIDE - 30), rng.uniform(30, SIDE - 30)
        fill = rng.randint(60, 255), rng.randint(60, 255), rng.randint(60, 255)
        sheet.area(blob(rng, centre, rng.uniform(25, 90)), fill, outline=rng.choice((2, 3, 4)))
        sheet.words((centre[0] - 24, centre[1] - 12), rng.choice(("Zap!", "Oh?", "Hey!")), INK, 22)
    return sheet.picture()


def chart(rng: random.Random) -> Image.Image:
    """Draw curves over a grid, with labels."""
    sheet = Sheet()
    for tick in range(10):
        at = 40 + tick * 48
        sheet.stroke([(40, at), (SIDE - 16, at)], (215, 215, 215), 1)
        sheet.words((8, at - 7), f"{(9 - tick) * 25}", (90, 90, 90), 12)
        sheet.words((at - 8, SIDE - 34), f"{2010 + tick}", (90, 90, 90), 12)
    for colour in ((200, 40, 40), (30, 110, 200), (20, 150, 90), (240, 150, 20)):
        level, points = rng.uniform(100, 400), []
        for step in range(46):
            level = min(max(level + rng.uniform(-28, 28), 44), 470)
            points.append((40 + step * 10, level))
        sheet.stroke(points, colour, rng.choice((1.5, 2, 3)))
    sheet.stroke([(40, 20), (40, 474), (SIDE - 10, 474)], INK, 2)
    return sheet.picture()


def floor_plan(rng: random.Random) -> Image.Image:
    """Draw walls, doors' arcs and measures."""
    sheet = Sheet()
    for left, top, right, bottom in ((30, 30, 260, 220), (260, 30, 482, 300), (30, 220, 260, 482)):
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        sheet.stroke([*corners, corners[0], corners[1]], INK, 6)
        middle = (left + right) / 2
        sheet.words((middle - 30, (top + bottom) / 2), f"{rng.uniform(8, 30):.1f} sqm", INK, 16)
        arc = [
            (left + 8 + 44 * math.cos(a / 20), bottom - 44 * math.sin(a / 20)) for a in range(32)
        ]
        sheet.stroke(arc, INK, 1)
        sheet.stroke([(left + 8, bottom - 44), (left + 8, bottom)], INK, 1.5)
        sheet.stroke([(left, top + 16), (right, top + 16)], (120, 120, 120), 1)
        sheet.words((middle - 20, top + 19), f"{(right - left) * 18} mm", (90, 90, 90), 11)
    for step in range(40):
        x = 272 + step * 5
        sheet.stroke([(x, 320), (x - 24, 470)], INK, 1)
    return sheet.picture()


DRAWERS: tuple[Callable[[random.Random], Image.Image], ...] = (
    text,
    night_text,
    table,
    line_art,
    hatching,
    comic,
    chart,
    floor_plan,
)


def drawn() -> dict[str, Image.Image]:
    """Draw all: name -> RGB picture of `SIDE` x `SIDE`."""
    return {draw.__name__: draw(random.Random(f"{draw.__name__} 7")) for draw in DRAWERS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn().items():
        path = options.out / f"{name}.png"
        picture.save(path)
        print(path)


if __name__ == "__main__":
    main()
