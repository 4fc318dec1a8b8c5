"""Quality on a folder: `python -m benchmarks.quality --hr-dir DIR --scale 2 --model fast`.

Every picture is made small by Pillow's antialiased bicubic (equal to MATLAB's `imresize` to
0.01 dB), optionally saved as JPEG, and brought back by the engine. PSNR and SSIM are on luma with
crop_border = scale, beside plain bicubic enlargement of the same small picture.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from backend import LocalEngine, Settings, UpscaleOptions, create_engine
from backend.models.manifest import SHIPPED, add_to_manifest, read_manifest
from metrics.fidelity import psnr_y, ssim_y

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}


@dataclass(frozen=True, kw_only=True)
class Score:
    """One picture's result; PSNR in dB."""

    picture: str
    psnr_y: float
    ssim_y: float
    bicubic_psnr_y: float
    bicubic_ssim_y: float


def pictures(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yield the names and RGB pictures of a folder, in name order."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            with Image.open(path) as opened:
                yield path.name, opened.convert("RGB")


def score(
    engine: LocalEngine,
    name: str,
    picture: Image.Image,
    options: UpscaleOptions,
    *,
    jpeg: int | None,
) -> Score:
    """Make the picture small, bring it back by the engine and by bicubic, and compare."""
    scale = options.scale
    width, height = (side - side % scale for side in picture.size)
    hr = picture.crop((0, 0, width, height))
    lr = hr.resize((width // scale, height // scale), Image.Resampling.BICUBIC)
    small = io.BytesIO()
    if jpeg is None:
        lr.save(small, "PNG")
    else:
        lr.save(small, "JPEG", quality=jpeg)
    result = engine.upscale(small.getvalue(), options)
    sr = np.asarray(Image.open(io.BytesIO(result.data)).convert("RGB"))
    seen = Image.open(small).convert("RGB")
    bicubic = np.asarray(seen.resize(hr.size, Image.Resampling.BICUBIC))
    truth = np.asarray(hr)
    return Score(
        picture=name,
        psnr_y=psnr_y(sr, truth, crop_border=scale),
        ssim_y=ssim_y(sr, truth, crop_border=scale),
        bicubic_psnr_y=psnr_y(bicubic, truth, crop_border=scale),
        bicubic_ssim_y=ssim_y(bicubic, truth, crop_border=scale),
    )


def mean(scores: Sequence[Score]) -> Score:
    """Average the rows."""
    return Score(
        picture="mean",
        psnr_y=fmean(each.psnr_y for each in scores),
        ssim_y=fmean(each.ssim_y for each in scores),
        bicubic_psnr_y=fmean(each.bicubic_psnr_y for each in scores),
        bicubic_ssim_y=fmean(each.bicubic_ssim_y for each in scores),
    )


def table(scores: Sequence[Score], *, model: str) -> str:
    """Print a row for each picture: ours, bicubic, and the gain in dB."""
    head = f"{'picture':24} {model:>16} {'bicubic':>16} {'gain':>7}"
    rows = [
        f"{s.picture[:24]:24} {s.psnr_y:8.2f} {s.ssim_y:7.4f} {s.bicubic_psnr_y:8.2f} "
        f"{s.bicubic_ssim_y:7.4f} {s.psnr_y - s.bicubic_psnr_y:+7.2f}"
        for s in scores
    ]
    return "\n".join([head, *rows])


def record(means: Score, *, model: str, scale: int, name: str) -> None:
    """Write the means into the entry of the shipped network; LookupError when there is none."""
    shipped = {(spec.name, spec.scale): spec for spec in read_manifest(SHIPPED)}
    if (model, scale) not in shipped:
        raise LookupError(f"{model} x{scale} is not shipped, its figures go into no manifest here")
    spec = shipped[model, scale]
    figures = {
        "psnr_y": round(means.psnr_y, 2),
        "ssim_y": round(means.ssim_y, 4),
        "bicubic_psnr_y": round(means.bicubic_psnr_y, 2),
        "crop_border": scale,
    }
    add_to_manifest(SHIPPED, replace(spec, quality={**spec.quality, name: figures}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hr-dir", type=Path, required=True, help="folder of sharp pictures")
    parser.add_argument("--scale", type=int, default=2, choices=(2, 4))
    parser.add_argument("--model", help="tier; the setting's by default")
    parser.add_argument("--jpeg", type=int, help="save the small pictures at this JPEG quality")
    parser.add_argument("--cleanup", type=int, help="0-100; by default what the file tells")
    parser.add_argument(
        "--record", metavar="SET", help="write the means into the shipped manifest as this set's"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    engine = create_engine(Settings.from_environment())
    model = options.model or engine.settings.model
    wanted = UpscaleOptions(scale=options.scale, model=model, format="png", cleanup=options.cleanup)
    scores = [
        score(engine, name, picture, wanted, jpeg=options.jpeg)
        for name, picture in pictures(options.hr_dir)
    ]
    if not scores:
        parser.error(f"no pictures in {options.hr_dir}")
    scores.append(mean(scores))
    if options.json:
        print(json.dumps([asdict(each) for each in scores], indent=2))
    else:
        print(table(scores, model=model))
    if options.record:
        record(scores[-1], model=model, scale=options.scale, name=options.record)


if __name__ == "__main__":
    main()
