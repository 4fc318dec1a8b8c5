"""Printed pages as scanners and phones see them: grain, uneven light and blur on rendered text."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from training.renders import font_files, random_words

COUNT = 200
WIDTHS = (500, 1400)


def scanned_pages(*, seed: int) -> list[Image.Image]:
    """Return `COUNT` pages, each printed and scanned differently."""
    rng = random.Random(seed)
    fonts = font_files()
    return [scanned(printed(rng, [str(font) for font in fonts]), rng) for _ in range(COUNT)]


def printed(rng: random.Random, fonts: list[str]) -> Image.Image:
    """Return a page of text in dark ink, with a heading, sometimes a picture or hairlines."""
    width = rng.randint(*WIDTHS)
    height = round(width * rng.uniform(0.7, 1.5))
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    size = rng.randint(9, max(10, width // 30))
    font = ImageFont.truetype(rng.choice(fonts), size)
    margin = rng.randint(size, width // 8 + size)
    y = margin
    ink = tuple([rng.randint(0, 70)] * 3) if rng.random() < 0.8 else (20, 30, rng.randint(60, 140))
    while y < height - margin:
        if rng.random() < 0.12:  # a blank or short line
            y += size * 2
            continue
        text, limit = random_words(rng), width - 2 * margin
        while text and draw.textlength(text, font) > limit:
            text = text[:-4]
        draw.text((margin, y), text, ink, font)
        if rng.random() < 0.05:
            draw.line((margin, y, width - margin, y), ink, 1)
        y += round(size * rng.uniform(1.2, 1.5))
    return image


def scanned(page: Image.Image, rng: random.Random) -> Image.Image:
    """Return the page as a scanner or phone shows it."""
    if rng.random() < 0.6:
        page = page.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor="white")
    page = page.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.1)))
    levels = np.asarray(page, np.float32) / 255
    height, width = levels.shape[:2]
    noise = np.random.default_rng(rng.getrandbits(32))
    paper = np.array([rng.uniform(0.75, 1), rng.uniform(0.72, 0.98), rng.uniform(0.6, 0.95)])
    if rng.random() < 0.5:
        paper[:] = rng.uniform(0.75, 1)
    across, down = (np.linspace(-1, 1, side, dtype=np.float32) for side in (width, height))
    light = 1 + rng.uniform(-0.25, 0.1) * across[None] + rng.uniform(-0.25, 0.1) * down[:, None]
    fibres = noise.normal(0, rng.uniform(0, 0.02), (height, width)).astype(np.float32)
    levels = levels * paper * (np.minimum(light, 1.05) + fibres)[..., None]
    levels += noise.normal(0, rng.uniform(0, 0.05), levels.shape)
    image = Image.fromarray((np.clip(levels, 0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.5:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=rng.randint(30, 95))
        image = Image.open(file).convert("RGB")
    return image.convert("L").convert("RGB") if rng.random() < 0.4 else image
