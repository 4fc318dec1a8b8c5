"""Train a network for fidelity: `python -m training.train --scale 2 --data DIR --out FOLDER`.

The objective is PSNR to the true picture. `training.loop` is the loop.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from metrics.fidelity import psnr_y
from training.data import (
    Batch,
    Batches,
    Pair,
    PatchSource,
    as_input,
    as_picture,
    as_target,
    load_groups,
    load_held_out,
)
from training.degradations import Degradation
from training.device import autocast, own_device
from training.held_out import Case, clean_cases, damaged_cases
from training.loop import Recipe, own_rank, train
from training.networks import NetworkShape, PlainNetwork
from training.span import Span, SpanShape
from training.weights import copy_all, load_weights
from training.wild import WildDegradation

SMALL_MSE = 1e-5
"""The squared error, 50 dB, below which a patch has little left to teach."""


@dataclass(frozen=True, kw_only=True)
class FidelityRecipe(Recipe):
    """Every setting of a run for fidelity."""

    learning_rate: float = 4e-3
    late_patch: int
    late_share: float = 0.3
    psnr_share: float = 0.25
    chroma_weight: float = 0.15
    art_share: float = 0.12
    rendered_share: float = 0.08
    degradation: Degradation = field(default_factory=Degradation)
    wild: WildDegradation = field(default_factory=lambda: WildDegradation(clean_probability=0.0))
    wild_share: float = 0.0
    pattern_share: float = 0.0
    teacher: str = ""
    teacher_share: float = 0.0
    """The weight of the teacher's answer in the target; the true picture has the rest."""


class Fidelity:
    """The loss: Charbonnier, then for the last part of the run the log of each patch's MSE (PSNR).

    Plain MSE is dominated by the few patches of highest contrast and oversharpens all others. The
    target is the true picture, or a mix with the answer of a larger network.
    """

    def __init__(
        self,
        recipe: FidelityRecipe,
        source: PatchSource,
        held_out: list[Pair],
        *,
        teacher: Span | None = None,
    ) -> None:
        self._recipe = recipe
        self._source = source
        self._teacher = teacher
        self._clean = clean_cases(held_out)
        self._damaged = damaged_cases(held_out, recipe.wild, scale=recipe.shape.scale)
        self._device = own_device()
        self._patch = 0
        self._batches: Iterator[Batch] = iter(())

    def loss(self, network: nn.Module, *, progress: float, step: int) -> Tensor:
        """See `Objective`."""
        recipe = self._recipe
        is_late = progress >= 1 - recipe.late_share
        patch = recipe.late_patch if is_late else recipe.patch
        if patch != self._patch:
            self._patch = patch
            self._batches = _draw_batches(self._source, recipe, patch=patch, step=step)
        lr, level, hr = (part.to(self._device, non_blocking=True) for part in next(self._batches))
        batch = as_input(lr, level).contiguous(memory_format=torch.channels_last)
        target = self._target(batch, hr)
        with autocast():
            sr = network(batch)
        difference = luma_weighted(sr - target, chroma_weight=recipe.chroma_weight)
        if progress >= 1 - recipe.psnr_share:
            return (difference.square().mean((1, 2, 3)) + SMALL_MSE).log().mean()
        return (difference.square() + 1e-6).sqrt().mean()

    @torch.no_grad()
    def _target(self, batch: Tensor, hr: Tensor) -> Tensor:
        truth = as_target(hr)
        if self._teacher is None:
            return truth
        with autocast():
            answer = self._teacher(batch)
        return truth.lerp(answer.float().clamp(0, 1), self._recipe.teacher_share)

    def judge(self, network: PlainNetwork | Span) -> dict[str, float]:
        """Return mean PSNR-Y in dB, crop_border = scale, of clean pictures and of damaged ones."""
        clean, damaged = (self._psnr_y(network, cases) for cases in (self._clean, self._damaged))
        return {"psnr_y": round(clean, 3), "damaged_psnr_y": round(damaged, 3)}

    @torch.no_grad()
    def _psnr_y(self, network: PlainNetwork | Span, cases: Sequence[Case]) -> float:
        scores = []
        for case in cases:
            sr = as_picture(network(case.as_batch(self._device)).clamp(0, 1))
            scores.append(psnr_y(sr, case.hr, crop_border=network.shape.scale))
        return float(np.mean(scores))

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: this loss has no weights."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `state_dict`."""


def load_teacher(weights: Path, *, scale: int) -> Span:
    """Load a SPAN from a run's folder or an ONNX file, not to be trained."""
    teacher = SpanShape(scale=scale).build()
    copy_all(load_weights(weights), teacher)
    teacher.to(own_device(), memory_format=torch.channels_last)
    return teacher.eval().requires_grad_(False)


def luma_weighted(difference: Tensor, *, chroma_weight: float) -> Tensor:
    """Convert RGB differences (N, 3, H, W) to BT.601 Y, Cb, Cr, with less weight on chroma."""
    matrix = torch.tensor(
        [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]],
        device=difference.device,
    )
    matrix[1:] *= chroma_weight
    return F.conv2d(difference, matrix.view(3, 3, 1, 1))


def _draw_batches(
    source: PatchSource, recipe: FidelityRecipe, *, patch: int, step: int
) -> Iterator[Batch]:
    """Draw batches from this step on; a run resumed at another step draws other patches.

    For a GPU, workers prepare them in pinned memory; on a CPU they would only compete for cores.
    """
    batches = Batches(source, size=recipe.batch, patch=patch, seed=(recipe.seed, own_rank(), step))
    has_gpu = torch.cuda.is_available()
    workers = max(1, (os.cpu_count() or 1) - 1) if has_gpu else 0
    return iter(DataLoader(batches, batch_size=None, num_workers=workers, pin_memory=has_gpu))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--art", type=Path, help="folder of drawings")
    parser.add_argument("--weights-from", type=Path, help="a run's folder or an ONNX file")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--scale", type=int, choices=(2, 4), required=True)
    parser.add_argument("--span", action="store_true", help="SPAN, instead of a plain stack")
    parser.add_argument("--num-feat", type=int, default=32)
    parser.add_argument("--num-conv", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=16, help="patches a step and process")
    parser.add_argument("--patch", type=int, default=32, help="side of a patch in LR pixels")
    parser.add_argument("--late-patch", type=int, default=48, help="the same, late in the run")
    parser.add_argument("--jpeg-share", type=float, default=0.5, help="patches damaged by JPEG")
    parser.add_argument("--wild-share", type=float, default=0.0, help="damaged as `photo`'s are")
    parser.add_argument("--pattern-share", type=float, default=0.0, help="dither, weave, …")
    parser.add_argument("--rendered-share", type=float, default=0.08, help="text and strokes")
    parser.add_argument("--teacher", type=Path, help="a SPAN: a run's folder or an ONNX file")
    parser.add_argument("--teacher-share", type=float, default=0.5, help="of it in the target")
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--psnr-share", type=float, default=0.25, help="of the run, with that loss")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main() -> None:
    options = arguments().parse_args()
    if "RANK" in os.environ:
        if torch.cuda.is_available():
            torch.cuda.set_device(own_device())
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    shape: NetworkShape | SpanShape = NetworkShape(
        scale=options.scale, num_feat=options.num_feat, num_conv=options.num_conv
    )
    if options.span:
        shape = SpanShape(scale=options.scale, num_feat=options.num_feat)
    recipe = FidelityRecipe(
        shape=shape,
        minutes=options.minutes,
        batch=options.batch,
        patch=options.patch,
        late_patch=options.late_patch,
        seed=options.seed,
        learning_rate=options.learning_rate,
        psnr_share=options.psnr_share,
        degradation=Degradation(jpeg_probability=options.jpeg_share),
        wild_share=options.wild_share,
        pattern_share=options.pattern_share,
        rendered_share=options.rendered_share,
        teacher=options.teacher.name if options.teacher else "",
        teacher_share=options.teacher_share if options.teacher else 0.0,
    )
    groups = load_groups(
        options.data,
        options.art,
        scale=shape.scale,
        art_share=recipe.art_share,
        rendered_share=recipe.rendered_share,
        seed=recipe.seed,
    )
    source = PatchSource(
        groups,
        scale=shape.scale,
        degradation=recipe.degradation,
        wild=recipe.wild,
        wild_share=recipe.wild_share,
        pattern_share=recipe.pattern_share,
    )
    held_out = load_held_out(options.data, scale=shape.scale)
    teacher = load_teacher(options.teacher, scale=shape.scale) if options.teacher else None
    objective = Fidelity(recipe, source, held_out, teacher=teacher)
    train(recipe, objective, out=options.out, start=options.weights_from)


if __name__ == "__main__":
    main()
