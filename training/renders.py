"""Text, interfaces and strokes, rendered here: sharp edges that photographs rarely teach."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
SIDE = 512
COUNT = 160
STROKE_SUBPIXELS = 4
"""The factor by which strokes are drawn larger before reduction, for smooth borders."""
TEXT = (
    "light river stone window garden number picture quiet between letter morning paper market "
    "silver winter copper station answer island yellow engine simple harbour future 1984 27.5 % "
    "(note) A4 => x^2 @home Q&A 3,141 #7 [ok] {key: value} Total € 12.90 10:45"
)
WORDS = TEXT.split(" ")


def render_pictures(*, seed: int) -> list[Image.Image]:
    """Return `COUNT` pictures in turn: boxes and lines, a page of text, bare strokes, a table."""
    rng = random.Random(seed)
    fonts = font_files()
    kinds = (
        lambda: _window(rng, fonts),
        lambda: _page(rng, fonts),
        lambda: _strokes(rng),
        lambda: _table(rng, fonts),
    )
    return [kinds[i % len(kinds)]() for i in range(COUNT)]


def font_files() -> list[Path]:
    """Return the installed TrueType fonts; raise FileNotFoundError if there is none."""
    found = sorted(f for folder in FONT_FOLDERS if folder.exists() for f in folder.rglob("*.ttf"))
    if not found:
        raise FileNotFoundError("no TrueType font found: install one, e.g. fonts-dejavu-core")
    return found


@lru_cache(maxsize=256)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


def _colours(rng: random.Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return paper and ink with a readable contrast."""
    dark = tuple(rng.randint(0, 90) for _ in range(3))
    light = tuple(rng.randint(170, 255) for _ in range(3))
    if rng.random() < 0.4:
        dark, light = (0, 0, 0), (255, 255, 255)
    return (light, dark) if rng.random() < 0.75 else (dark, light)


def random_words(rng: random.Random) -> str:
    """Return a line of text."""
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(4, 16)))


def _page(rng: random.Random, fonts: list[Path]) -> Image.Image:
    paper, ink = _colours(rng)
    image = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(image)
    y = rng.randint(2, 12)
    while y < SIDE:
        size = rng.choice((11, 13, 14, 16, 18, 22, 28, 40, 64))
        draw.text((rng.randint(2, 30), y), random_words(rng), ink, _font(rng.choice(fonts), size))
        y += int(size * 1.35)
    return image


def _window(rng: random.Random, fonts: list[Path]) -> Image.Image:
    paper, ink = _colours(rng)
    image = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(image)
    font = rng.choice(fonts)
    for _ in range(rng.randint(12, 30)):
        x, y = rng.randint(-20, SIDE), rng.randint(-20, SIDE)
        box = (x, y, x + rng.randint(20, 240), y + rng.randint(12, 160))
        fill = tuple(rng.randint(0, 255) for _ in range(3))
        kind = rng.random()
        if kind < 0.35:
            draw.rounded_rectangle(box, rng.randint(0, 12), fill, ink, rng.randint(0, 2))
        elif kind < 0.5:
            draw.ellipse(box, fill, ink, rng.randint(0, 3))
        elif kind < 0.7:
            draw.line(box, fill, rng.randint(1, 4))
        else:
            draw.line((0, y, SIDE, y), ink, 1)
        draw.text((x + 4, y + 2), random_words(rng), ink, _font(font, rng.choice((10, 12, 14, 18))))
    return image


def _strokes(rng: random.Random) -> Image.Image:
    """Draw lines, circles and dots with plain paper between them."""
    paper, ink = _colours(rng)
    if rng.random() < 0.5:
        paper, ink = ((rng.randint(0, 255),) * 3 for _ in range(2))
    image = Image.new("RGB", (SIDE * STROKE_SUBPIXELS,) * 2, paper)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(6, 16)):
        left, top, right, bottom = (rng.randint(0, SIDE * STROKE_SUBPIXELS) for _ in range(4))
        box = min(left, right), min(top, bottom), max(left, right), max(top, bottom)
        width = round(STROKE_SUBPIXELS * rng.uniform(1, 14))
        kind = rng.random()
        if kind < 0.5:
            draw.line((left, top, right, bottom), ink, width)
        elif kind < 0.7:
            draw.line((left, top, left, bottom), ink, width)
        elif kind < 0.9:
            draw.ellipse(box, None, ink, width)
        else:
            draw.ellipse((left, top, left + 2 * width, top + 2 * width), ink)
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def _table(rng: random.Random, fonts: list[Path]) -> Image.Image:
    """Draw small figures between hairlines, which need not fall on whole pixels."""
    paper, ink = _colours(rng)
    share = rng.uniform(0.15, 0.6)
    hairline = tuple(round(p + share * (i - p)) for p, i in zip(paper, ink, strict=True))
    size = rng.choice((10, 11, 12, 13, 14, 16))
    height, width = round(size * rng.uniform(1.5, 2.2)), round(size * rng.uniform(5, 8))
    rows, columns = range(rng.randint(2, 12), SIDE, height), range(rng.randint(2, 12), SIDE, width)
    image = Image.new("RGB", (SIDE * STROKE_SUBPIXELS,) * 2, paper)
    draw = ImageDraw.Draw(image)
    offset = rng.randrange(STROKE_SUBPIXELS)
    thickness = round(STROKE_SUBPIXELS * rng.uniform(0.7, 1.5))
    for y in rows:
        top = y * STROKE_SUBPIXELS + offset
        draw.rectangle((0, top, image.width, top + thickness - 1), hairline)
    for x in columns if rng.random() < 0.7 else ():
        left = x * STROKE_SUBPIXELS + offset
        draw.rectangle((left, 0, left + thickness - 1, image.height), hairline)
    image = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    draw, font = ImageDraw.Draw(image), _font(rng.choice(fonts), size)
    for y in rows:
        for x in columns:
            draw.text((x + 4, y + 2), f"{rng.uniform(-999, 9999):.2f}", ink, font)
    return image
