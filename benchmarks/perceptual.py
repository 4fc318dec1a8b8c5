"""Measure how results look, by perceptual metrics.

`python -m benchmarks.perceptual --hr-dir DIR --lr-dir DIR --model photo`

Pairs of pictures with the same names: the LR ones go through the engine, and LPIPS, DISTS and NIQE
(for all, lower is better) are printed with PSNR-Y (crop_border = scale), a row a picture and the
mean, next to plain bicubic enlargement. Needs `benchmarks/requirements-perceptual.txt`.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from PIL import Image

from backend import Engine, Settings, UpscaleOptions, create_engine
from benchmarks.quality import SUFFIXES
from metrics.fidelity import RgbImage, psnr_y
from metrics.niqe import Niqe
from metrics.perceptual_networks import Dists, Lpips
from metrics.perceptual_weights import FOLDER, fetch


@dataclass(frozen=True, kw_only=True)
class Looks:
    """The figures of one picture, or their means; PSNR in dB."""

    lpips: float
    dists: float
    niqe: float
    psnr_y: float


class Metrics:
    """The networks of the metrics."""

    def __init__(self, weights: Path) -> None:
        self._lpips, self._dists, self._niqe = Lpips(weights), Dists(weights), Niqe(weights)

    @torch.inference_mode()
    def __call__(self, sr: RgbImage, hr: RgbImage, *, scale: int) -> Looks:
        """(H, W, 3) uint8 twice, of the same size."""
        seen, truth = as_batch(sr), as_batch(hr)
        return Looks(
            lpips=float(self._lpips(seen, truth)),
            dists=float(self._dists(seen, truth)),
            niqe=self._niqe(sr),
            psnr_y=psnr_y(sr, hr, crop_border=scale),
        )


def as_batch(picture: RgbImage) -> torch.Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


def pairs(hr_dir: Path, lr_dir: Path) -> Iterator[tuple[Path, Path]]:
    """Return (HR, LR) files of one name, in order; raise FileNotFoundError if an LR is missing."""
    for hr in sorted(hr_dir.iterdir()):
        if hr.suffix.lower() in SUFFIXES:
            lr = lr_dir / hr.name
            if not lr.exists():
                raise FileNotFoundError(f"{lr} is missing")
            yield hr, lr


def read(path: Path) -> Image.Image:
    """Read a picture as RGB."""
    with Image.open(path) as opened:
        return opened.convert("RGB")


def mean(rows: Sequence[Looks]) -> Looks:
    """Average the rows."""
    names = [field.name for field in fields(Looks)]
    return Looks(**{name: fmean(getattr(row, name) for row in rows) for name in names})


def line(name: str, ours: Looks, bicubic: Looks) -> str:
    """Return one row of the table."""
    cells = [
        f"{looks.lpips:7.4f} {looks.dists:7.4f} {looks.niqe:7.3f} {looks.psnr_y:6.2f}"
        for looks in (ours, bicubic)
    ]
    return f"{name[:24]:24} " + "   ".join(cells)


def measure(
    engine: Engine, metrics: Metrics, hr_file: Path, lr_file: Path, options: UpscaleOptions
) -> tuple[Looks, Looks]:
    """Return (ours, bicubic) for one pair."""
    hr, lr = read(hr_file), read(lr_file)
    result = engine.upscale(lr_file.read_bytes(), options)
    sr = np.asarray(Image.open(io.BytesIO(result.data)).convert("RGB"))
    enlarged = np.asarray(lr.resize(hr.size, Image.Resampling.BICUBIC))
    truth = np.asarray(hr)
    scale = options.scale
    return metrics(sr, truth, scale=scale), metrics(enlarged, truth, scale=scale)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hr-dir", type=Path, required=True, help="folder of the true pictures")
    parser.add_argument("--lr-dir", type=Path, required=True, help="folder of the small ones")
    parser.add_argument("--scale", type=int, default=4, choices=(2, 4))
    parser.add_argument("--model", help="tier; the setting's by default")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="of LPIPS, DISTS and NIQE")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    fetch(options.weights)
    metrics = Metrics(options.weights)
    settings = Settings.from_environment()
    engine = create_engine(settings)
    model = options.model or settings.model
    wanted = UpscaleOptions(scale=options.scale, model=model, format="png")
    files = list(pairs(options.hr_dir, options.lr_dir))
    if not files:
        parser.error(f"no pictures in {options.hr_dir}")
    rows = {hr.name: measure(engine, metrics, hr, lr, wanted) for hr, lr in files}
    rows["mean"] = (
        mean([ours for ours, _ in rows.values()]),
        mean([bicubic for _, bicubic in rows.values()]),
    )
    if options.json:
        named = {
            name: {model: asdict(ours), "bicubic": asdict(bicubic)}
            for name, (ours, bicubic) in rows.items()
        }
        print(json.dumps(named, indent=2))
        return
    print(f"{'':24} {model:^30}   {'bicubic':^30}")
    print(f"{'picture':24} " + "   ".join(["  LPIPS   DISTS    NIQE PSNR-Y"] * 2))
    for name, (ours, bicubic) in rows.items():
        print(line(name, ours, bicubic))


if __name__ == "__main__":
    main()
