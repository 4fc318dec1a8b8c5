"""Ask a teacher about crops: `python -m training.teach --data DIR --teacher PARAM --out CROPS`.

It continues where it stopped. `training.photo` may begin while it still writes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from training.crops import AnchoredTeacher, CropFolder, CropSource, Origin
from training.data import PairSource, load_groups
from training.device import own_device
from training.teachers import load_teacher
from training.wild import WildDegradation

SIDE = 96
"""Side of a crop in LR pixels."""
PHOTOGRAPHS = WildDegradation()
DRAWINGS = WildDegradation(clean_probability=0.75)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--art", type=Path, help="folder of drawings")
    parser.add_argument("--teacher", type=Path, required=True, help="its ncnn .param file")
    parser.add_argument("--out", type=Path, required=True, help="folder for the crops")
    parser.add_argument("--scale", type=int, choices=(2, 4), help="the teacher's, or half")
    parser.add_argument("--count", type=int, default=3000, help="crops that shall be there")
    parser.add_argument("--art-share", type=float, default=0.11, help="of the new crops")
    parser.add_argument("--rendered-share", type=float, default=0.32, help="text and strokes")
    parser.add_argument("--ruined-share", type=float, default=0.0, help="of the photographs'")
    parser.add_argument("--true-share", type=float, default=0.0, help="not asked about")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main() -> None:
    options = arguments().parse_args()
    torch.set_flush_denormal(True)
    teacher = load_teacher(options.teacher)
    folder = CropFolder(options.out)
    scale = options.scale or teacher.scale
    folder.begin(Origin(teacher=options.teacher.stem, scale=scale))
    groups = load_groups(
        options.data,
        options.art,
        scale=scale,
        art_share=options.art_share,
        rendered_share=options.rendered_share,
        seed=options.seed,
    )
    source = CropSource(
        PairSource(groups),
        PHOTOGRAPHS,
        DRAWINGS,
        AnchoredTeacher(teacher, device=own_device(), reduction=teacher.scale // scale),
        scale=scale,
        side=SIDE,
        ruined_share=options.ruined_share,
        true_share=options.true_share,
    )
    rng = np.random.default_rng([options.seed, len(folder)])
    while len(folder) < options.count:
        folder.add(source.draw(rng))


if __name__ == "__main__":
    main()
