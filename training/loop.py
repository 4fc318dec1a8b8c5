"""The loop that every objective shares: schedule, Muon, averaged weights, log and checkpoints.

It resumes from its own checkpoint when started again with the same folder. Under
`torchrun --nproc-per-node N` every process draws its own patches and gradients are averaged: on a
CPU, N processes of one thread each are faster than one process of N threads.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from training.device import own_device
from training.muon import Muon
from training.networks import NetworkShape, PlainNetwork
from training.span import Span, SpanShape
from training.weights import CHECKPOINT, copy_matching, load_weights

LOG_SECONDS = 60.0
SAVE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of every run; objectives add their own. They are saved beside the weights."""

    shape: NetworkShape | SpanShape
    minutes: float
    batch: int
    patch: int
    """Side of a patch in LR pixels."""
    learning_rate: float
    final_learning_rate: float = 1e-6
    warmup_steps: int = 200
    ema_decay: float = 0.999
    seed: int = 1


class Objective(Protocol):
    """The loss of a run, on its own patches, and the judge of its result."""

    def loss(self, network: nn.Module, *, progress: float, step: int) -> Tensor:
        """Return a scalar; `progress` of the run is in [0, 1]."""
        ...

    def judge(self, network: PlainNetwork | Span) -> dict[str, float]:
        """Return figures for the log, from pictures that are never trained on."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


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
        """Return the averages so far, as a state dict."""
        correction = 1 - self.decay**self.steps
        return {name: total / correction for name, total in self.sums.items()}


def learning_rate(recipe: Recipe, *, progress: float, step: int) -> float:
    """Return the rate: linear warm-up by steps, then a cosine over the progress in [0, 1]."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    rate = recipe.final_learning_rate + (recipe.learning_rate - recipe.final_learning_rate) * cosine
    return rate * min(1.0, (step + 1) / recipe.warmup_steps)


def own_rank() -> int:
    """Return this process's rank; 0 logs and saves."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def shared_clock(elapsed: float) -> float:
    """Return the first process's seconds, so that all follow one schedule."""
    if not distributed.is_initialized():
        return elapsed
    seconds = torch.tensor([elapsed], dtype=torch.float64, device=own_device())
    distributed.broadcast(seconds, src=0)
    return float(seconds)


def train(recipe: Recipe, objective: Objective, *, out: Path, start: Path | None = None) -> None:
    """Run until the recipe's minutes are used; leaves a checkpoint and `log.jsonl` in `out`.

    A new run may start from the weights of `start`, the folder of another run or an ONNX file.
    """
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    device = own_device()
    network = recipe.shape.build().to(device, memory_format=torch.channels_last)
    is_span = isinstance(network, Span)
    optimizer = Muon(network, lr=recipe.learning_rate, is_relative=is_span)
    is_first = own_rank() == 0
    trained: nn.Module = network
    if distributed.is_initialized():
        trained = DistributedDataParallel(network)
    if device.type == "cuda":
        trained = torch.compile(trained)
    ema = Ema(network, decay=recipe.ema_decay)
    averaged = recipe.shape.build().to(device, memory_format=torch.channels_last)
    elapsed, step = 0.0, 0
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        objective.load_state_dict(saved["objective"])
        ema.sums, ema.steps = saved["ema"], saved["step"]
        elapsed, step = saved["elapsed"], saved["step"]
    elif start is not None:
        copy_matching(load_weights(start), network)

    def save() -> None:
        state = {
            "recipe": asdict(recipe),
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "objective": objective.state_dict(),
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
    while elapsed < recipe.minutes * 60:
        progress = elapsed / (recipe.minutes * 60)
        rate = learning_rate(recipe, progress=progress, step=step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = objective.loss(trained, progress=progress, step=step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        ema.update(network)
        losses.append(loss.detach())
        step += 1
        elapsed = shared_clock(time.monotonic() - started)
        if is_first and elapsed - logged >= LOG_SECONDS:
            averaged.load_state_dict(ema.weights())
            line = {
                "minutes": round(elapsed / 60, 1),
                "step": step,
                "loss": round(float(torch.stack(losses).mean()), 6),
                "learning_rate": rate,
                **objective.judge(averaged),
            }
            print(json.dumps(line), flush=True)
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            logged, losses = elapsed, []
        if is_first and elapsed - saved_at >= SAVE_SECONDS:
            save()
            saved_at = elapsed
    if is_first:
        save()
