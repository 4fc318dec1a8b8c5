"""The README's first picture: `python -m benchmarks.before_after`.

The old portrait among the samples is enlarged four times by `photo`. Its face is shown beside the
input, each of whose pixels is drawn as a block of four by four.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

from backend import Engine, Settings, UpscaleOptions, create_engine

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_images" / "old-portrait.jpg"
SCALE = 4
BOX = 24, 0, 184, 150
"""The left, upper, right and lower border of the shown part, in pixels of the input."""
GAP = 8


def figure(engine: Engine, lr_file: bytes) -> Image.Image:
    """Draw the input and the result side by side."""
    with Image.open(io.BytesIO(lr_file)) as opened:
        lr = opened.convert("RGB").crop(BOX)
    options = UpscaleOptions(scale=SCALE, model="photo", format="png")
    with Image.open(io.BytesIO(engine.upscale(lr_file, options).data)) as opened:
        left, upper, right, lower = (SCALE * side for side in BOX)
        sr = opened.convert("RGB").crop((left, upper, right, lower))
    width, height = sr.size
    sheet = Image.new("RGB", (2 * width + GAP, height), "white")
    sheet.paste(lr.resize(sr.size, Image.Resampling.NEAREST), (0, 0))
    sheet.paste(sr, (width + GAP, 0))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images/before-after.webp")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(Settings.from_environment())
    figure(engine, SAMPLE.read_bytes()).save(options.out, quality=85, method=6)
    print(options.out)


if __name__ == "__main__":
    main()
