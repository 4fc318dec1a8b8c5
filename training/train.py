"""Train one network: `python -m training.train --scale 2 --data DIR --minutes 60 --out FOLDER`.

One readable loop. It resumes from its own checkpoint when started again with the same `--out`.
Under `torchrun --nproc-per-node N` every process draws its own patches and gradients are averaged:
on a CPU, N processes of one thread each are faster than one process of N threads.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from benchmarks.metrics import psnr_y
from training.data import (
    Batch,
    Batches,
    Pair,
    PatchSource,
    as_input,
    as_target,
    is_held_out,
    load_pairs,
    middle,
    picture_files,
)
from training.degradations import Degradation
from training.muon import Muon
from training.networks import NetworkShape, PlainNetwork
from training.renders import rendered_pairs

CHECKPOINT = "checkpoint.pt"
LOG_SECONDS = 60.0
SAVE_SECONDS = 300.0
SMALL_MSE = 1e-5
"""A patch that is closer than this, 50 dB, has little left to teach."""
HELD_OUT_SIDE = 160
"""LR pixels of each held-out picture that are judged every minute."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every setting of a run; saved beside the weights."""

    shape: NetworkShape
    minutes: float
    batch: int
    patch: int
    late_patch: int
    late_share: float = 0.3
    learning_rate: float = 4e-3
    final_learning_rate: float = 1e-6
    warmup_steps: int = 200
    psnr_share: float = 0.25
    chroma_weight: float = 0.15
    ema_decay: float = 0.999
    art_share: float = 0.12
    rendered_share: float = 0.08
    degradation: Degradation = field(default_factory=Degradation)
    seed: int = 1


class Ema:
    """Bias-corrected exponential moving average of the weights."""

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.sums = {k: torch.zeros_like(v) for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        for name, value in network.state_dict().items():
            self.sums[name].lerp_(value, 1 - self.decay)

    def weights(self) -> dict[str, Tensor]:
        """The averages so far, as a state dict."""
        correction = 1 - self.decay**self.steps
        return {name: total / correction for name, total in self.sums.items()}


def learning_rate(recipe: Recipe, *, progress: float, step: int) -> float:
    """Linear warm-up by steps, then a cosine over the run's progress in [0, 1]."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    rate = recipe.final_learning_rate + (recipe.learning_rate - recipe.final_learning_rate) * cosine
    return rate * min(1.0, (step + 1) / recipe.warmup_steps)


def luma_weighted(difference: Tensor, *, chroma_weight: float) -> Tensor:
    """RGB differences (N, 3, H, W) as BT.601 Y, Cb, Cr; chroma counts less, as it does to eyes."""
    matrix = torch.tensor(
        [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]],
        device=difference.device,
    )
    matrix[1:] *= chroma_weight
    return F.conv2d(difference, matrix.view(3, 3, 1, 1))


def loss_of(sr: Tensor, hr: Tensor, recipe: Recipe, *, progress: float) -> Tensor:
    """Charbonnier, then for the last part of the run PSNR itself: each patch's log of its MSE.

    Plain MSE is ruled by the few patches of highest contrast and oversharpens all others.
    """
    difference = luma_weighted(sr - hr, chroma_weight=recipe.chroma_weight)
    if progress >= 1 - recipe.psnr_share:
        return (difference.square().mean((1, 2, 3)) + SMALL_MSE).log().mean()
    return (difference.square() + 1e-6).sqrt().mean()


@torch.no_grad()
def validate(network: PlainNetwork, pairs: list[Pair], device: torch.device) -> float:
    """Mean PSNR-Y in dB on clean pictures, crop_border = scale."""
    scale = network.shape.scale
    scores = []
    for pair in pairs:
        lr = torch.tensor(pair.lr[None], device=device)
        sr = network(as_input(lr, torch.zeros(1, device=device))).clamp(0, 1).mul(255)
        seen = sr.round().byte()[0].permute(1, 2, 0).cpu().numpy()
        scores.append(psnr_y(seen, pair.hr, crop_border=scale))
    return float(np.mean(scores))


def own_device() -> torch.device:
    """This process's GPU, or the CPU where PyTorch sees none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def drawn_batches(source: PatchSource, recipe: Recipe, *, patch: int, step: int) -> Iterator[Batch]:
    """Batches from here on; a run that goes on at another step draws other patches.

    Beside a GPU, workers prepare them in pinned memory; beside a CPU they would only be in the way.
    """
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    batches = Batches(source, size=recipe.batch, patch=patch, seed=(recipe.seed, rank, step))
    has_gpu = torch.cuda.is_available()
    workers = max(1, (os.cpu_count() or 1) - 1) if has_gpu else 0
    return iter(DataLoader(batches, batch_size=None, num_workers=workers, pin_memory=has_gpu))


def shared_clock(elapsed: float) -> float:
    """The first process's seconds, so that all of them follow one schedule and stop together."""
    if not distributed.is_initialized():
        return elapsed
    seconds = torch.tensor([elapsed], dtype=torch.float64, device=own_device())
    distributed.broadcast(seconds, src=0)
    return float(seconds)


def copy_matching(start: Path, network: PlainNetwork) -> None:
    """Take over the weights of another run wherever name and shape are the same.

    A x4 network learns faster from the x2 network's body than from noise.
    """
    saved = torch.load(start / CHECKPOINT, map_location="cpu", weights_only=False)["weights"]
    own = network.state_dict()
    matching = {k: v for k, v in saved.items() if k in own and v.shape == own[k].shape}
    network.load_state_dict(own | matching)


def train(
    recipe: Recipe,
    source: PatchSource,
    held_out: list[Pair],
    *,
    out: Path,
    start: Path | None = None,
) -> None:
    """Run until the recipe's minutes are used; leaves a checkpoint and `log.jsonl` in `out`.

    A new run may start from the averaged weights of another one, `start`.
    """
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("high")
    device = own_device()
    has_gpu = device.type == "cuda"
    network = PlainNetwork(recipe.shape).to(device, memory_format=torch.channels_last)
    optimizer = Muon(network, lr=recipe.learning_rate)
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    trained: nn.Module = network
    if distributed.is_initialized():
        trained = DistributedDataParallel(network)
    if has_gpu:
        trained = torch.compile(trained)
    ema = Ema(network, decay=recipe.ema_decay)
    judge = PlainNetwork(recipe.shape).to(device, memory_format=torch.channels_last)
    elapsed, step = 0.0, 0
    checkpoint = out / CHECKPOINT
    if start is not None and not checkpoint.exists():
        copy_matching(start, network)
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=False)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        ema.sums, ema.steps = saved["ema"], saved["step"]
        elapsed, step = saved["elapsed"], saved["step"]

    def save() -> None:
        state = {
            "recipe": asdict(recipe),
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "ema": ema.sums,
            "weights": ema.weights(),
            "elapsed": elapsed,
            "step": step,
        }
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    started = time.monotonic() - elapsed
    logged = saved_at = elapsed
    losses: list[Tensor] = []
    batches, patch = None, 0
    while elapsed < recipe.minutes * 60:
        progress = elapsed / (recipe.minutes * 60)
        late = progress >= 1 - recipe.late_share
        wanted = recipe.late_patch if late else recipe.patch
        if batches is None or patch != wanted:
            patch = wanted
            batches = drawn_batches(source, recipe, patch=patch, step=step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, progress=progress, step=step)
        lr, level, hr = (part.to(device, non_blocking=True) for part in next(batches))
        with torch.autocast(device.type, torch.bfloat16, enabled=has_gpu):
            sr = trained(as_input(lr, level).contiguous(memory_format=torch.channels_last))
        loss = loss_of(sr, as_target(hr), recipe, progress=progress)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        ema.update(network)
        losses.append(loss.detach())
        step += 1
        elapsed = shared_clock(time.monotonic() - started)
        if rank == 0 and elapsed - logged >= LOG_SECONDS:
            judge.load_state_dict(ema.weights())
            line = {
                "minutes": round(elapsed / 60, 1),
                "step": step,
                "loss": round(float(torch.stack(losses).mean()), 6),
                "learning_rate": learning_rate(recipe, progress=progress, step=step),
                "psnr_y": round(validate(judge, held_out, device), 3),
            }
            print(json.dumps(line), flush=True)
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            logged, losses = elapsed, []
        if rank == 0 and elapsed - saved_at >= SAVE_SECONDS:
            save()
            saved_at = elapsed
    if rank == 0:
        save()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--art", type=Path, help="folder of drawings")
    parser.add_argument("--weights-from", type=Path, help="folder of a run to take weights from")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--scale", type=int, choices=(2, 4), required=True)
    parser.add_argument("--num-feat", type=int, default=32)
    parser.add_argument("--num-conv", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=16, help="patches a step and process")
    parser.add_argument("--patch", type=int, default=32, help="side of a patch in LR pixels")
    parser.add_argument("--late-patch", type=int, default=48, help="the same, late in the run")
    parser.add_argument("--jpeg-share", type=float, default=0.5, help="patches damaged by JPEG")
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
    shape = NetworkShape(scale=options.scale, num_feat=options.num_feat, num_conv=options.num_conv)
    recipe = Recipe(
        shape=shape,
        minutes=options.minutes,
        batch=options.batch,
        patch=options.patch,
        late_patch=options.late_patch,
        seed=options.seed,
        learning_rate=options.learning_rate,
        psnr_share=options.psnr_share,
        degradation=Degradation(jpeg_probability=options.jpeg_share),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    files = picture_files(options.data)
    photographs = load_pairs([f for f in files if not is_held_out(f)], scale=shape.scale)
    held_out = [
        middle(pair, side=HELD_OUT_SIDE)
        for pair in load_pairs([f for f in files if is_held_out(f)], scale=shape.scale)
    ]
    groups = [(1 - recipe.art_share - recipe.rendered_share, photographs)]
    groups.append((recipe.rendered_share, rendered_pairs(scale=shape.scale, seed=recipe.seed)))
    if options.art:
        groups.append((recipe.art_share, load_pairs(picture_files(options.art), scale=shape.scale)))
    source = PatchSource(groups, scale=shape.scale, degradation=recipe.degradation)
    train(recipe, source, held_out, out=options.out, start=options.weights_from)


if __name__ == "__main__":
    main()
