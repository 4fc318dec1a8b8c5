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
    run = Run(recipe, objective, out=out)
    if run.checkpoint.exists():
        run.resume()
    elif start is not None:
        copy_matching(load_weights(start), run.network)
    began = time.monotonic() - run.elapsed
    logged = saved = run.elapsed
    losses: list[Tensor] = []
    while run.elapsed < run.seconds:
        losses.append(run.step())
        run.elapsed = shared_clock(time.monotonic() - began)
        if run.elapsed - logged >= LOG_SECONDS:
            run.log(losses)
            logged, losses = run.elapsed, []
        if run.elapsed - saved >= SAVE_SECONDS:
            run.save()
            saved = run.elapsed
    run.save()


class Run:
    """A network on its way: its weights, their average, the optimizer, and how far it is."""

    def __init__(self, recipe: Recipe, objective: Objective, *, out: Path) -> None:
        self.recipe = recipe
        self.checkpoint = out / CHECKPOINT
        self.seconds = recipe.minutes * 60
        self.elapsed = 0.0
        self._steps = 0
        self._objective = objective
        self._device = own_device()
        self.network = self._build()
        self._averaged = self._build()
        self._ema = Ema(self.network, decay=recipe.ema_decay)
        is_span = isinstance(self.network, Span)
        self._optimizer = Muon(self.network, lr=recipe.learning_rate, is_relative=is_span)
        self._trained: nn.Module = self.network
        if distributed.is_initialized():
            self._trained = DistributedDataParallel(self.network)
        if self._device.type == "cuda":
            self._trained = torch.compile(self._trained)

    def _build(self) -> PlainNetwork | Span:
        return self.recipe.shape.build().to(self._device, memory_format=torch.channels_last)

    def resume(self) -> None:
        """Go on from the checkpoint."""
        saved = torch.load(self.checkpoint, map_location=self._device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._objective.load_state_dict(saved["objective"])
        self._ema.sums, self._ema.steps = saved["ema"], saved["step"]
        self.elapsed, self._steps = saved["elapsed"], saved["step"]

    def step(self) -> Tensor:
        """Take one step; return its loss, a scalar."""
        progress = self.elapsed / self.seconds
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, progress=progress, step=self._steps)
        loss = self._objective.loss(self._trained, progress=progress, step=self._steps)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        self._ema.update(self.network)
        self._steps += 1
        return loss.detach()

    def log(self, losses: list[Tensor]) -> None:
        """Print and keep a line with the mean loss since the last one, and the judge's figures."""
        if own_rank() != 0:
            return
        self._averaged.load_state_dict(self._ema.weights())
        line = {
            "minutes": round(self.elapsed / 60, 1),
            "step": self._steps,
            "loss": round(float(torch.stack(losses).mean()), 6),
            "learning_rate": self._optimizer.param_groups[0]["lr"],
            **self._objective.judge(self._averaged),
        }
        print(json.dumps(line), flush=True)
        with self.checkpoint.with_name("log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Write the checkpoint, which is whole at any moment."""
        if own_rank() != 0:
            return
        state = {
            "recipe": asdict(self.recipe),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "objective": self._objective.state_dict(),
            "ema": self._ema.sums,
            "weights": self._ema.weights(),
            "elapsed": self.elapsed,
            "step": self._steps,
        }
        unfinished = self.checkpoint.with_suffix(".new")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)
