"""Train `photo`: `python -m training.photo distil --crops CROPS --data DIR --out FOLDER`.

Two stages, both towards a teacher's answers to damaged pictures, which `training.teach` collected.
`distil` learns them pixel by pixel; its results are natural and a little soft. `perceive` learns
them by perceptual losses and a discriminator; its results are vivid. Where one stage goes on from
the other, an engine may blend their weights. `training.loop` is the loop; a run is one process.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from metrics.fidelity import psnr_y
from metrics.perceptual_networks import Dists, Lpips
from training.crops import CropBatch, CropFolder, gaussian_blur
from training.data import Pair, as_input, as_picture, as_target, load_held_out, middle
from training.device import autocast, own_device
from training.discriminator import Discriminator
from training.features import VggFeatures
from training.held_out import damaged_cases
from training.loop import Recipe, train
from training.networks import NetworkShape, PlainNetwork
from training.wild import WildDegradation

JUDGED_SIDE = 96
"""The side in LR pixels of the judged part of a held-out picture."""
JUDGED_TIMES = 2
"""Number of ways in which each of them is damaged."""
LAPLACIAN = ((0.0, -1.0, 0.0), (-1.0, 4.0, -1.0), (0.0, -1.0, 0.0))
LOW_PASS_SIGMA = 3.0
"""The sigma in HR pixels below which differences are left to the perceptual losses."""


@dataclass(frozen=True, kw_only=True)
class PhotoRecipe(Recipe):
    """Every setting of a run of either stage."""

    stage: str
    teacher: str
    laplacian_weight: float = 1.0
    pixel_weight: float = 0.5
    drawn_pixel_weight: float = 4.0
    """The weight of pixels in drawings and text, which have no other loss."""
    paper_weight: float = 20.0
    """The weight of plain areas in undamaged drawings, where the smallest ripple shows."""
    low_pass_weight: float = 1.0
    lpips_weight: float = 0.5
    vgg_weight: float = 0.15
    dists_weight: float = 0.5
    vgg_patches: int = 2
    """Patches of a batch for VGG16's losses; a core does so many in half a second."""
    colour_weight: float = 2.0
    adversarial_weight: float = 0.03
    adversarial_patches: int = 4
    discriminator_steps: int = 300
    discriminator_learning_rate: float = 2e-4


class Judge:
    """The judge of a run, by held-out photographs that are damaged in the same ways each time."""

    def __init__(
        self, pairs: list[Pair], degradation: WildDegradation, lpips: Lpips, *, scale: int
    ) -> None:
        self._lpips = lpips
        middles = [middle(pair, side=JUDGED_SIDE) for pair in pairs]
        self._cases = damaged_cases(middles, degradation, scale=scale, times=JUDGED_TIMES)

    @torch.no_grad()
    def __call__(self, network: PlainNetwork) -> dict[str, float]:
        """Return mean LPIPS, mean PSNR-Y in dB, and the largest colour drift in grey levels."""
        device = own_device()
        seen, fidelity, drift = [], [], 0.0
        for case in self._cases:
            batch = case.as_batch(device)
            sr = network(batch).clamp(0, 1)
            truth = as_target(torch.from_numpy(case.hr.copy())[None]).to(device)
            seen.append(float(self._lpips(sr, truth)))
            fidelity.append(psnr_y(as_picture(sr), case.hr, crop_border=network.shape.scale))
            moved = (sr.mean((2, 3)) - batch[:, :3].mean((2, 3))).abs().max() * 255
            drift = max(drift, float(moved))
        return {
            "lpips": round(float(np.mean(seen)), 4),
            "psnr_y": round(float(np.mean(fidelity)), 3),
            "colour_drift": round(drift, 2),
        }


class Distillation:
    """The loss towards the teacher's answer: L1, L1 of the Laplacians, and mean colours."""

    def __init__(self, recipe: PhotoRecipe, crops: CropFolder, judge: Judge) -> None:
        self._recipe = recipe
        self._crops = crops
        self._rng = np.random.default_rng(recipe.seed)
        self._device = own_device()
        self.judge = judge

    def loss(self, network: nn.Module, *, progress: float, step: int) -> Tensor:  # noqa: ARG002
        """See `Objective`."""
        recipe = self._recipe
        batch = self._crops.batch(self._rng, size=recipe.batch, patch=recipe.patch)
        sr, target = answer(network, batch, self._device), as_target(batch.target).to(self._device)
        edges = laplacian(sr - target).abs().mean()
        has_paper = batch.has_paper.to(self._device)
        paper = paper_error(sr, target, has_paper, scale=recipe.shape.scale)
        lr = as_target(batch.lr).to(self._device)
        loss = (sr - target).abs().mean() + recipe.laplacian_weight * edges
        return loss + recipe.paper_weight * paper + recipe.colour_weight * colour_error(sr, lr)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the network alone learns."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `state_dict`."""


class Perception:
    """The loss towards the anchored answer by perceptual networks and a discriminator."""

    def __init__(
        self,
        recipe: PhotoRecipe,
        crops: CropFolder,
        judge: Judge,
        *,
        lpips: Lpips,
        dists: Dists,
        vgg: VggFeatures,
    ) -> None:
        self._recipe = recipe
        self._crops = crops
        self._lpips = lpips
        self._dists = dists
        self._vgg = vgg
        self._device = own_device()
        self._discriminator = Discriminator().to(self._device, memory_format=torch.channels_last)
        self._optimizer = torch.optim.Adam(
            self._discriminator.parameters(),
            lr=recipe.discriminator_learning_rate,
            betas=(0.5, 0.99),
        )
        self._rng = np.random.default_rng(recipe.seed)
        self.judge = judge

    def loss(self, network: nn.Module, *, progress: float, step: int) -> Tensor:
        """See `Objective`; takes a step of the discriminator too."""
        recipe, device = self._recipe, self._device
        batch = self._crops.batch(self._rng, size=recipe.batch, patch=recipe.patch)
        sr = answer(network, batch, device)
        target, lr = (as_target(each).to(device) for each in (batch.target, batch.lr))
        wide = gaussian_blur(sr - target, sigma=LOW_PASS_SIGMA).abs().mean()
        loss = recipe.low_pass_weight * wide + recipe.colour_weight * colour_error(sr, lr)
        drawn = batch.is_drawn.to(device)
        pixel_weight = torch.where(drawn, recipe.drawn_pixel_weight, recipe.pixel_weight)
        loss = loss + (pixel_weight * (sr - target).abs().mean((1, 2, 3))).mean()
        has_paper = batch.has_paper.to(device)
        paper = paper_error(sr, target, has_paper, scale=recipe.shape.scale)
        loss = loss + recipe.paper_weight * paper
        sr, target = sr[~drawn], target[~drawn]
        if not len(sr):
            return loss
        with autocast():
            loss = loss + recipe.lpips_weight * self._lpips(*self._shifted(sr, target)).mean()
            some = slice(recipe.vgg_patches)
            loss = loss + recipe.vgg_weight * self._vgg.distance(sr[some], target[some])
            loss = loss + recipe.dists_weight * self._dists(sr[some], target[some]).mean()
            some = slice(recipe.adversarial_patches)
            self._teach_discriminator(sr[some].detach(), target[some])
            weight = self._adversarial_weight(progress, step)
            if weight > 0:
                loss = loss + weight * F.softplus(-self._discriminator(sr[some])).mean()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the discriminator's state."""
        return {
            "discriminator": self._discriminator.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `state_dict`."""
        self._discriminator.load_state_dict(state["discriminator"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _adversarial_weight(self, progress: float, step: int) -> float:
        """Return 0 while the discriminator learns alone, then a rising weight."""
        if step < self._recipe.discriminator_steps:
            return 0.0
        return self._recipe.adversarial_weight * min(1.0, 2 * progress)

    def _teach_discriminator(self, sr: Tensor, target: Tensor) -> None:
        self._discriminator.requires_grad_(True)
        real, fake = self._discriminator(torch.cat([target, sr])).chunk(2)
        loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._discriminator.requires_grad_(False)

    def _shifted(self, sr: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Cut the same few rows and columns off both, so AlexNet's stride leaves no pattern."""
        top, left = self._rng.integers(0, 8, 2).tolist()
        return sr[:, :, top:, left:], target[:, :, top:, left:]


def answer(network: nn.Module, batch: CropBatch, device: torch.device) -> Tensor:
    """(N, 3, h * scale, w * scale) float32, not clamped."""
    lr = as_input(batch.lr.to(device), batch.level.to(device))
    with autocast():
        sr: Tensor = network(lr.contiguous(memory_format=torch.channels_last))
    return sr.float()


def paper_error(sr: Tensor, target: Tensor, has_paper: Tensor, *, scale: int) -> Tensor:
    """Return the mean of |`sr` - `target`|, counted on paper that is plain for an LR pixel around.

    Paper counts in undamaged drawings alone. Clipped noise darkens the paper of a damaged drawing,
    and a network that learns to answer white there brightens photographs.
    """
    side, padding = 2 * scale + 1, scale
    highest = F.max_pool2d(target, side, 1, padding)
    lowest = -F.max_pool2d(-target, side, 1, padding)
    is_paper = (highest == lowest).all(1, keepdim=True) & has_paper.view(-1, 1, 1, 1)
    return ((sr - target).abs() * is_paper).mean()


def colour_error(sr: Tensor, lr: Tensor) -> Tensor:
    """Return the mean distance of the pictures' mean colours, once `sr` is clipped."""
    return (sr.clamp(0, 1).mean((2, 3)) - lr.mean((2, 3))).abs().mean()


def laplacian(batch: Tensor) -> Tensor:
    """(N, 3, H, W), each colour by itself, without its border."""
    kernel = torch.tensor(LAPLACIAN, device=batch.device).expand(3, 1, 3, 3)
    return F.conv2d(batch, kernel, groups=3)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("distil", "perceive"))
    parser.add_argument("--crops", type=Path, required=True, help="folder of `training.teach`")
    parser.add_argument("--data", type=Path, required=True, help="photographs, some held out")
    parser.add_argument("--perceptual-weights", type=Path, required=True, help="folder")
    parser.add_argument("--weights-from", type=Path, help="a run's folder or an ONNX file")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--num-feat", type=int, default=64)
    parser.add_argument("--num-conv", type=int, default=16)
    parser.add_argument("--prelu", action="store_true", help="with PReLU, as pruned networks have")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--patch", type=int, default=48)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--drawn-pixel-weight", type=float, default=4.0)
    parser.add_argument("--colour-weight", type=float, default=2.0)
    parser.add_argument("--paper-weight", type=float, default=20.0)
    parser.add_argument("--adversarial-weight", type=float, default=0.03)
    parser.add_argument("--lpips-weight", type=float, default=0.5)
    parser.add_argument("--dists-weight", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main() -> None:
    options = arguments().parse_args()
    crops = CropFolder(options.crops)
    origin = crops.origin()
    recipe = PhotoRecipe(
        shape=NetworkShape(
            scale=origin.scale,
            num_feat=options.num_feat,
            num_conv=options.num_conv,
            is_prelu=options.prelu,
        ),
        stage=options.stage,
        teacher=origin.teacher,
        minutes=options.minutes,
        batch=options.batch,
        patch=options.patch,
        learning_rate=options.learning_rate,
        drawn_pixel_weight=options.drawn_pixel_weight,
        colour_weight=options.colour_weight,
        paper_weight=options.paper_weight,
        adversarial_weight=options.adversarial_weight,
        lpips_weight=options.lpips_weight,
        dists_weight=options.dists_weight,
        seed=options.seed,
    )
    device, weights = own_device(), options.perceptual_weights
    lpips = Lpips(weights).to(device)
    held_out = load_held_out(options.data, scale=origin.scale)
    judge = Judge(held_out, WildDegradation(), lpips, scale=origin.scale)
    objective: Distillation | Perception = Distillation(recipe, crops, judge)
    if options.stage == "perceive":
        objective = Perception(
            recipe,
            crops,
            judge,
            lpips=lpips,
            dists=Dists(weights).to(device),
            vgg=VggFeatures(weights).to(device),
        )
    train(recipe, objective, out=options.out, start=options.weights_from)


if __name__ == "__main__":
    main()
