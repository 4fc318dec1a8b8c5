"""Make the photographs of this folder from those of two Python packages: crop, shrink, save.

A developer's script; the page never runs it. It needs Pillow, NumPy, and the folders of the
originals, in scikit-image and matplotlib:

    cd .venv/lib/python3.11/site-packages
    python PATH/TO/sample_images/photographs.py skimage/data matplotlib/mpl-data/sample_data
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


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
    blur: float = 0
    """Standard deviation of a lens out of focus, in pixels of the original."""
    grain: float = 0
    """Strength of film grain, in grey levels where the picture is white."""


PHOTOGRAPHS = (
    # An old snapshot: out of focus, grainy, and saved as JPEG.
    Photograph(
        "old-portrait.jpg",
        "grace_hopper.jpg",
        (60, 20, 460, 520),
        (208, 260),
        quality=80,
        subsampling="4:2:0",
        blur=1.6,
        grain=6,
    ),
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
    """Shrink the cropped original to the photograph's size by Lanczos; grey stays grey."""
    cropped = original.crop(photograph.box)
    if photograph.blur:
        cropped = cropped.filter(ImageFilter.GaussianBlur(photograph.blur))
    if photograph.turned:
        cropped = cropped.transpose(Image.Transpose.ROTATE_90)
    return cropped.resize(photograph.size, Image.Resampling.LANCZOS)


def add_grain(image: Image.Image, grain: float) -> Image.Image:
    """RGB -> RGB with noise that is stronger where it is bright, and grey for the most part."""
    pixels = np.asarray(image).astype(np.float64)
    random = np.random.default_rng(7)
    grey = random.normal(size=(*pixels.shape[:2], 1))
    coloured = random.normal(size=pixels.shape)
    strength = grain * np.sqrt(0.2 + 0.8 * pixels.mean(-1, keepdims=True) / 255)
    noisy = pixels + strength * (0.85 * grey + 0.5 * coloured)
    return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))


def find(file: str, folders: list[Path]) -> Path:
    """Find the original in the first folder that has it."""
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    raise FileNotFoundError(file)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the photographs of this folder.")
    parser.add_argument("originals", type=Path, nargs="+", help="folders of the packages")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    for photograph in PHOTOGRAPHS:
        with Image.open(find(photograph.original, arguments.originals)) as original:
            small = shrink(original, photograph)
        if photograph.grain:
            small = add_grain(small, photograph.grain)
        small.save(
            arguments.out / photograph.file,
            quality=photograph.quality,
            subsampling=photograph.subsampling,
            optimize=True,
        )


if __name__ == "__main__":
    main()
