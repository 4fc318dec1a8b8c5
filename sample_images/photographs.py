"""Make the photographs of this folder from scikit-image's: crop, shrink, save.

A developer's script; the page never runs it. It needs Pillow and an installed scikit-image:

    python sample_images/photographs.py .venv/lib/python3.11/site-packages/skimage/data
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from PIL import Image


@dataclass(frozen=True)
class Photograph:
    """A crop box in pixels of the original, then the size that the crop shrinks to."""

    file: str
    original: str
    box: tuple[int, int, int, int]
    size: tuple[int, int]
    quality: int = 92
    subsampling: str = "4:4:4"
    turned: bool = False


PHOTOGRAPHS = (
    Photograph("astronaut-portrait.jpg", "astronaut.png", (40, 0, 440, 400), (272, 272)),
    Photograph("cat.jpg", "chelsea.png", (0, 0, 450, 300), (300, 200)),
    Photograph("coffee-cup.jpg", "coffee.png", (40, 0, 600, 400), (322, 230)),
    # A quarter turn lays the courses level, as in a wall.
    Photograph("brick-wall.jpg", "brick.png", (0, 0, 384, 512), (320, 240), turned=True),
    Photograph("galaxies.jpg", "hubble_deep_field.jpg", (300, 20, 940, 500), (320, 240)),
    # Saved the way an old messenger or web page would, so that the blocks are there to be seen.
    Photograph("rocket-jpeg.jpg", "rocket.jpg", (0, 20, 600, 427), (400, 271), 35, "4:2:0"),
)


def shrink(original: Image.Image, photograph: Photograph) -> Image.Image:
    """The cropped original at the photograph's size, by Lanczos; grey stays grey."""
    cropped = original.crop(photograph.box)
    if photograph.turned:
        cropped = cropped.transpose(Image.Transpose.ROTATE_90)
    return cropped.resize(photograph.size, Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the photographs of this folder.")
    parser.add_argument("originals", type=Path, help="scikit-image's data folder")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    for photograph in PHOTOGRAPHS:
        with Image.open(arguments.originals / photograph.original) as original:
            small = shrink(original, photograph)
        small.save(
            arguments.out / photograph.file,
            quality=photograph.quality,
            subsampling=photograph.subsampling,
            optimize=True,
        )


if __name__ == "__main__":
    main()
