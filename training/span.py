"""SPAN (Wan et al., arXiv 2311.12770) with a clean-up level: the origin of `quality`.

The official networks are Apache-2.0, repository hongyuanyu/SPAN; they are read from ncnn files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.models.ncnn import Arrays, Numbers

CONVOLUTIONS = 3
"""Convolutions of a block."""
GAINS = (255.0, 255.0, 255.0, 2040.0)
"""The scaling of SPAN's input, to grey levels less the mean colour of its training pictures.

The clean-up level is multiplied by eight: its weights begin at zero and have to grow faster.
"""
COLOUR_MEAN = (0.4488, 0.4371, 0.4040)
MIXED = 3
"""The number of feature maps that the 1x1 convolution takes: the first ones, and two blocks'."""


@dataclass(frozen=True, kw_only=True)
class SpanShape:
    """The shape of a SPAN: `num_block` blocks of three convolutions of `num_feat` channels."""

    scale: int
    num_feat: int = 48
    num_block: int = 6

    def build(self) -> Span:
        """Make a network of this shape."""
        return Span(self)

    @property
    def multiplications(self) -> int:
        """Return the exported network's multiplications per LR pixel."""
        feat, out = self.num_feat, 3 * self.scale**2
        body = 9 * feat**2 * CONVOLUTIONS * self.num_block
        pointwise = feat * (2 * (CONVOLUTIONS - 1) + 2) * self.num_block
        last = 9 * feat**2 + MIXED * feat**2
        return 9 * 4 * feat + body + pointwise + last + 9 * feat * out

    @property
    def receptive_radius(self) -> int:
        """Return the reach in LR pixels: one for each 3x3 convolution."""
        return CONVOLUTIONS * self.num_block + 3


class SpanBlock(nn.Module):
    """Three convolutions whose result is also the attention that weighs it."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(num_feat, num_feat, 3, padding=1) for _ in range(CONVOLUTIONS)
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block's features, and those after its first convolution."""
        first = F.silu(self.convs[0](features))
        answer = self.convs[2](F.silu(self.convs[1](first)))
        return (answer + features) * (torch.sigmoid(answer) - 0.5), first


class Span(nn.Module):
    """Convolutions and pointwise operations only, so that tiles of a picture equal the whole.

    Input and output as those of `PlainNetwork`.
    """

    mean: Tensor
    gains: Tensor

    def __init__(self, shape: SpanShape) -> None:
        super().__init__()
        self.shape = shape
        feat = shape.num_feat
        self.head = nn.Conv2d(4, feat, 3, padding=1)
        self.blocks = nn.ModuleList(SpanBlock(feat) for _ in range(shape.num_block))
        self.after = nn.Conv2d(feat, feat, 3, padding=1)
        self.mix = nn.Conv2d(MIXED * feat, feat, 1)
        self.tail = nn.Conv2d(feat, 3 * shape.scale**2, 3, padding=1)
        mean = torch.tensor([*COLOUR_MEAN, 0.0]).view(1, 4, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        gains = torch.tensor(GAINS).view(1, 4, 1, 1)
        self.register_buffer("gains", gains, persistent=False)

    def forward(self, batch: Tensor) -> Tensor:
        start = self.head((batch - self.mean) * self.gains)
        features, outputs, late = start, [], start
        for block in self.blocks:
            features, late = block(features)
            outputs.append(features)
        mixed = self.mix(torch.cat([start, outputs[0], late], 1)).float()
        mixed = mixed + self.after(features)
        with torch.autocast(batch.device.type, enabled=False):
            return F.pixel_shuffle(self.tail(mixed), self.shape.scale)


def read_span(param: Path) -> dict[str, Tensor]:
    """Read the weights of an official network's `.param` file and its `.bin`.

    `Span` has one convolution where SPAN has two in a row, since both are linear; their product is
    read. The clean-up level has no effect yet.
    """
    arrays = Arrays(param.with_suffix(".bin").read_bytes())
    layers = []
    for line in param.read_text().splitlines()[2:]:
        kind, *cells = line.split()
        numbers = dict(cell.split("=") for cell in cells if "=" in cell)
        if kind == "MemoryData":
            arrays.take(np.float32, len(COLOUR_MEAN))
        elif kind == "Convolution":
            out, side, count = (int(numbers[key]) for key in "016")
            kernel = arrays.take_tagged(count).reshape(out, -1, side, side)
            layers.append((_tensor(kernel), _tensor(arrays.take(np.float32, out))))
    arrays.check_end()
    blocks = range((len(layers) - len(("head", "after", "mix", "tail"))) // CONVOLUTIONS)
    body = [f"blocks.{i}.convs.{j}" for i in blocks for j in range(CONVOLUTIONS)]
    weights: dict[str, Tensor] = {}
    for name, (kernel, bias) in zip(["head", *body, "after", "mix", "tail"], layers, strict=True):
        weights |= {f"{name}.weight": kernel, f"{name}.bias": bias}
    first, after, *others = weights["mix.weight"].chunk(MIXED + 1, 1)
    gain = after.flatten(1)
    weights["mix.weight"] = torch.cat([first, *others], 1)
    weights["after.weight"] = torch.einsum("om,mihw->oihw", gain, weights["after.weight"])
    weights["after.bias"] = gain @ weights["after.bias"]
    weights["head.weight"] = F.pad(weights["head.weight"], (0, 0, 0, 0, 0, 1))
    return weights


def _tensor(values: Numbers) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
