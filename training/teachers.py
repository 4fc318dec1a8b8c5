"""Networks by others whose answers are training targets, read from their ncnn files.

Real-ESRGAN's networks are BSD-3-Clause, Copyright (c) 2021 Xintao Wang; they are read, never
shipped.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.models.ncnn import Convolution, PRelu, read_network


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
    """Five convolutions, each with the results of all previous ones as input."""

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
    """Load a `.param` file and its `.bin`; raise ValueError for another architecture."""
    layers = [
        layer
        for layer in read_network(param.read_text(), param.with_suffix(".bin").read_bytes()).layers
        if isinstance(layer, Convolution | PRelu)
    ]
    convolutions = [layer.weights for layer in layers if isinstance(layer, Convolution)]
    network: SRVGGNetCompact | RRDBNet
    if len(convolutions) < len(layers):
        scale = round((len(convolutions[-1]) / 3) ** 0.5)
        network = SRVGGNetCompact(
            num_feat=len(convolutions[0]), num_conv=len(convolutions) - 2, scale=scale
        )
    else:
        network = RRDBNet(num_block=(len(convolutions) - 6) // 15)
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.PReLU)]
    if len(modules) != len(layers):
        raise ValueError(f"{param.name} is neither SRVGGNetCompact nor RRDBNet")
    with torch.no_grad():
        for module, layer in zip(modules, layers, strict=True):
            if isinstance(layer, Convolution):
                module.weight.copy_(torch.tensor(layer.weights))
                module.bias.copy_(torch.tensor(layer.bias))
            else:
                module.weight.copy_(torch.tensor(layer.slopes))
    return network.eval().requires_grad_(False)
