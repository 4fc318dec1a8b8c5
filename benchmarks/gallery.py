"""Photographs with damage, at 100%: `python -m benchmarks.gallery --pictures FOLDER`.

Free photographs from well-known Python packages are cut, made small, blurred, made noisy and saved
as JPEG, as cameras and phones leave them, then enlarged four times. Each figure shows the input,
every pixel drawn as a block, `quality`, `photo`, and `realesrgan-x4plus`, which
`networks add real-esrgan` brings. `--pictures` is a folder with the unpacked wheels of
scikit-image 0.26.0, scikit-learn 1.9.1, matplotlib 3.11.2 and SciPy 1.9.3.
"""

from __future__ import annotations

import argparse
import bz2
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from backend import Engine, Settings, UpscaleOptions, create_engine

SCALE = 4
SIZE = 128, 96
"""Side of the input in pixels."""
MODELS = "quality", "photo", "realesrgan-x4plus"
SAMPLES = "sample_images/"
"""The root of this repository."""
LABEL_HEIGHT = 22
GAP = 6
RAW_FACE = 768, 1024, 3
"""The shape of the raccoon's packed levels."""


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A box of `size` x `reduction` pixels is cut, and then damaged as an LR picture."""

    name: str
    file: str
    left: int
    top: int
    reduction: float = 1.0
    blur: float = 0.0
    """The Gaussian's sigma in LR pixels."""
    noise: float = 0.0
    """Sigma in grey levels."""
    is_noise_gray: bool = False
    quality: int
    """Quality of the JPEG."""


PHOTOGRAPHS = (
    Photograph(
        name="face-phone", file="skimage/data/astronaut.png", left=145, top=20,
        reduction=1.4, blur=0.6, noise=3, quality=60,
    ),
    Photograph(
        name="face-old-scan", file="matplotlib/mpl-data/sample_data/grace_hopper.jpg", left=150,
        top=100, reduction=2.0, blur=0.8, noise=7, is_noise_gray=True, quality=80,
    ),
    Photograph(
        name="fur-grain", file="skimage/data/chelsea.png", left=100, top=20, reduction=2.2,
        blur=0.5, noise=9, quality=85,
    ),
    Photograph(
        name="fur-foliage", file="scipy/misc/face.dat", left=440, top=120, reduction=4.0, blur=0.7,
        noise=2, quality=75,
    ),
    Photograph(
        name="petals-blur", file="sklearn/datasets/images/flower.jpg", left=180, top=90,
        reduction=2.6, blur=0.9, noise=2, quality=90,
    ),
    Photograph(
        name="roofs-phone", file="sklearn/datasets/images/china.jpg", left=180, top=110,
        reduction=2.2, blur=0.5, noise=3, quality=55,
    ),
    Photograph(
        name="cup-night", file="skimage/data/coffee.png", left=150, top=60, reduction=2.4,
        blur=0.6, noise=12, quality=85,
    ),
    Photograph(
        name="fabric-letters", file="skimage/data/astronaut.png", left=180, top=330, reduction=1.7,
        blur=0.5, noise=3, quality=80,
    ),
    Photograph(
        name="rocket-night", file="skimage/data/rocket.jpg", left=240, top=90, reduction=2.0,
        blur=0.6, noise=8, quality=80,
    ),
    Photograph(
        name="camera-old-scan", file="skimage/data/camera.png", left=110, top=70, reduction=2.2,
        blur=0.7, noise=6, is_noise_gray=True, quality=85,
    ),
    Photograph(
        name="page-photographed", file="sample_images/printed-text.png", left=150, top=90,
        blur=0.4, noise=4, is_noise_gray=True, quality=70,
    ),
    Photograph(
        name="grass", file="skimage/data/grass.png", left=60, top=60, reduction=2.4, blur=0.5,
        noise=3, is_noise_gray=True, quality=80,
    ),
)  # fmt: skip


def read(folder: Path, file: str) -> Image.Image:
    """Read a picture as RGB; SciPy packs its raccoon without a file format."""
    path = Path(file) if file.startswith(SAMPLES) else folder / file
    if path.suffix == ".dat":
        levels = np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8)
        return Image.fromarray(levels.reshape(RAW_FACE))
    with Image.open(path) as opened:
        return opened.convert("RGB")


def damage(original: Image.Image, photograph: Photograph, rng: np.random.Generator) -> bytes:
    """Write the LR picture and return its file."""
    width, height = (round(side * photograph.reduction) for side in SIZE)
    box = photograph.left, photograph.top, photograph.left + width, photograph.top + height
    sharp = original.crop(box).resize(SIZE, Image.Resampling.BOX)
    levels = np.asarray(sharp.filter(ImageFilter.GaussianBlur(photograph.blur)), np.float32)
    channels = 1 if photograph.is_noise_gray else 3
    grain = rng.standard_normal((*levels.shape[:2], channels)) * photograph.noise
    noisy = Image.fromarray(np.clip(np.rint(levels + grain), 0, 255).astype(np.uint8))
    file = io.BytesIO()
    noisy.save(file, "JPEG", quality=photograph.quality)
    return file.getvalue()


def figure(engine: Engine, lr_file: bytes) -> Image.Image:
    """Draw two rows of two pictures, each with its label."""
    with Image.open(io.BytesIO(lr_file)) as lr:
        size = lr.width * SCALE, lr.height * SCALE
        panels = [("input", lr.convert("RGB").resize(size, Image.Resampling.NEAREST))]
    for model in MODELS:
        options = UpscaleOptions(scale=SCALE, model=model, format="png")
        result = engine.upscale(lr_file, options)
        panels.append((model, Image.open(io.BytesIO(result.data)).convert("RGB")))
    high = size[1] + LABEL_HEIGHT
    canvas = Image.new("RGB", (2 * size[0] + GAP, 2 * high + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for i, (label, panel) in enumerate(panels):
        left, top = i % 2 * (size[0] + GAP), i // 2 * (high + GAP)
        draw.text((left + 4, top + 4), label, "#222", font_size=14)
        canvas.paste(panel, (left, top + LABEL_HEIGHT))
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the files")
    parser.add_argument("--out", type=Path, default=Path("docs/images/quality"))
    parser.add_argument("--only", help="the name of one photograph")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    engine = create_engine(Settings.from_environment())
    rng = np.random.default_rng(11)
    for photograph in PHOTOGRAPHS:
        lr_file = damage(read(options.pictures, photograph.file), photograph, rng)
        if options.only in (None, photograph.name):
            path = options.out / f"{photograph.name}.webp"
            figure(engine, lr_file).save(path, quality=88, method=6)
            print(path)


if __name__ == "__main__":
    main()
