"""Networks of others whose answers are training targets, read from their ncnn files.

A `.param` file lists the layers; the `.bin` holds, layer by layer, for a Convolution a tag of four
bytes, the (out, in, 3, 3) weights and the float32 bias, and for a PReLU its float32 slopes.
Real-ESRGAN's networks are BSD-3-Clause, Copyright (c) 2021 Xintao Wang; they are read,
never shipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

FLOAT16_TAG, FLOAT32_TAG = 0x01306B47, 0
WEIGHT_TYPES = {FLOAT16_TAG: np.float16, FLOAT32_TAG: np.float32}


class SRVGGNetCompact(nn.Module):
    """Real-ESRGAN's small architecture: (N, 3, H, W) in [0, 1] -> (N, 3, H * scale, W * scale)."""

    def __init__(self, *, num_feat: int, num_conv: int, scale: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, num_feat, 3, 1, 1), nn.PReLU(num_feat)]
        for _ in range(num_conv):
            layers += [nn.Conv2d(num_feat, num_feat, 3, 1, 1), nn.PReLU(num_feat)]
        self.body = nn.Sequential(*layers, nn.Conv2d(num_feat, 3 * scale**2, 3, 1, 1))
        self.scale = scale

    def forward(self, lr: Tensor) -> Tensor:
        base = F.interpolate(lr, scale_factor=self.scale, mode="nearest")
        return F.pixel_shuffle(self.body(lr), self.scale) + base


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the results of all before it."""

    def __init__(self, num_feat: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(num_feat + i * growth, growth if i < 4 else num_feat, 3, 1, 1)
            for i in range(5)
        )

    def forward(self, features: Tensor) -> Tensor:
        seen = [features]
        for conv in self.convs[:4]:
            seen.append(F.leaky_relu(conv(torch.cat(seen, 1)), 0.2))
        return features + 0.2 * self.convs[4](torch.cat(seen, 1))


class ResidualInResidual(nn.Module):
    """Three dense blocks and a skip."""

    def __init__(self, num_feat: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(num_feat, growth) for _ in range(3)))

    def forward(self, features: Tensor) -> Tensor:
        return features + 0.2 * self.blocks(features)


class RRDBNet(nn.Module):
    """Real-ESRGAN's large architecture, x4: (N, 3, H, W) in [0, 1] -> (N, 3, 4H, 4W)."""

    scale = 4

    def __init__(self, *, num_block: int, num_feat: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, num_feat, 3, 1, 1)
        self.body = nn.Sequential(*(ResidualInResidual(num_feat, growth) for _ in range(num_block)))
        self.after = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.up1 = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.up2 = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.detail = nn.Conv2d(num_feat, num_feat, 3, 1, 1)
        self.last = nn.Conv2d(num_feat, 3, 3, 1, 1)

    def forward(self, lr: Tensor) -> Tensor:
        features = self.first(lr)
        features = features + self.after(self.body(features))
        for up in (self.up1, self.up2):
            wide = F.interpolate(features, scale_factor=2, mode="nearest")
            features = F.leaky_relu(up(wide), 0.2)
        return self.last(F.leaky_relu(self.detail(features), 0.2))


def load_teacher(param: Path) -> SRVGGNetCompact | RRDBNet:
    """The network of a `.param` file and the `.bin` beside it; ValueError for another one."""
    rows = [line.split() for line in param.read_text().splitlines()]
    layers = [row for row in rows if row and row[0] in ("Convolution", "PReLU")]
    num_conv = sum(row[0] == "Convolution" for row in layers)
    network: SRVGGNetCompact | RRDBNet
    if num_conv < len(layers):
        outputs = [dict(cell.split("=") for cell in row if "=" in cell)["0"] for row in layers]
        scale = round((int(outputs[-1]) / 3) ** 0.5)
        network = SRVGGNetCompact(num_feat=int(outputs[0]), num_conv=num_conv - 2, scale=scale)
    else:
        network = RRDBNet(num_block=(num_conv - 6) // 15)
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.PReLU)]
    if len(modules) != len(layers):
        raise ValueError(f"{param.name} is neither SRVGGNetCompact nor RRDBNet")
    data = _Floats(param.with_suffix(".bin").read_bytes())
    with torch.no_grad():
        for module in modules:
            if isinstance(module, nn.Conv2d):
                module.weight.copy_(data.take_tagged(module.weight.numel()).view_as(module.weight))
                assert module.bias is not None
                module.bias.copy_(data.take(np.float32, module.bias.numel()))
            else:
                module.weight.copy_(data.take(np.float32, module.weight.numel()))
    data.check_end()
    return network.eval().requires_grad_(False)


class _Floats:
    """Reads a `.bin` file from front to back; every array is padded to four bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, dtype: type[np.floating], count: int) -> Tensor:
        values = np.frombuffer(self._data, dtype, count, self._at).astype(np.float32)
        self._at += (count * np.dtype(dtype).itemsize + 3) // 4 * 4
        return torch.from_numpy(values)

    def take_tagged(self, count: int) -> Tensor:
        tag = int(np.frombuffer(self._data, np.uint32, 1, self._at)[0])
        self._at += 4
        if tag not in WEIGHT_TYPES:
            raise ValueError(f"weights of kind {tag:#x} are not known")
        return self.take(WEIGHT_TYPES[tag], count)

    def check_end(self) -> None:
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes are left over")
