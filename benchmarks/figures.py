"""The README's picture of details: `python -m benchmarks.figures --out docs/images/details.png`.

Sample pictures are made small, brought back by bicubic enlargement and by every tier, and the same
detail of each is shown beside the original, every pixel enlarged to a block so that it can be seen.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from backend import LocalEngine, Settings, UpscaleOptions, create_engine

SAMPLES = Path(__file__).parent.parent / "sample_images"
TIERS = ("fast", "quality")
SIDE = 112
"""Side of a detail in pixels of the original."""
BLOCK = 2
GAP = 12
CAPTION = 30


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A place in a sample: its top left corner, and the quality of the small picture."""

    file: str
    corner: tuple[int, int]
    scale: int
    jpeg: int | None = None

    @property
    def title(self) -> str:
        """Describe what was done to the picture."""
        return f"x{self.scale}" + (f", from JPEG {self.jpeg}" if self.jpeg else "")


DETAILS = (
    Detail(file="cat.jpg", corner=(120, 40), scale=2),
    Detail(file="printed-text.png", corner=(40, 100), scale=2),
    Detail(file="comic.png", corner=(290, 60), scale=4),
    Detail(file="coffee-cup.jpg", corner=(120, 20), scale=2, jpeg=40),
)


def views(engine: LocalEngine, detail: Detail) -> list[tuple[str, Image.Image]]:
    """(caption, detail) of the small picture by bicubic, by each tier, and the original."""
    with Image.open(SAMPLES / detail.file) as opened:
        picture = opened.convert("RGB")
    width, height = (side - side % detail.scale for side in picture.size)
    original = picture.crop((0, 0, width, height))
    small = original.resize(
        (width // detail.scale, height // detail.scale), Image.Resampling.BICUBIC
    )
    saved = io.BytesIO()
    if detail.jpeg:
        small.save(saved, "JPEG", quality=detail.jpeg)
    else:
        small.save(saved, "PNG")
    bicubic = Image.open(saved).convert("RGB").resize(original.size, Image.Resampling.BICUBIC)
    named = [(f"bicubic, {detail.title}", bicubic)]
    for tier in TIERS:
        options = UpscaleOptions(scale=detail.scale, model=tier, format="png")
        result = Image.open(io.BytesIO(engine.upscale(saved.getvalue(), options).data))
        named.append((tier, result.convert("RGB")))
    named.append(("original", original))
    left, top = detail.corner
    box = (left, top, left + SIDE, top + SIDE)
    return [(caption, image.crop(box)) for caption, image in named]


def figure(engine: LocalEngine) -> Image.Image:
    """One row a detail."""
    font = ImageFont.load_default(16)
    cell = SIDE * BLOCK
    columns = len(TIERS) + 2
    size = (columns * cell + (columns + 1) * GAP, len(DETAILS) * (cell + CAPTION + GAP) + GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for row, detail in enumerate(DETAILS):
        for column, (caption, view) in enumerate(views(engine, detail)):
            left = GAP + column * (cell + GAP)
            top = GAP + row * (cell + CAPTION + GAP)
            sheet.paste(view.resize((cell, cell), Image.Resampling.NEAREST), (left, top))
            draw.text((left, top + cell + 6), caption, "black", font)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure(create_engine(Settings.from_environment())).save(options.out, optimize=True)
    print(options.out)


if __name__ == "__main__":
    main()
