"""LPIPS and DISTS: the perceived difference of two pictures, by features of image classifiers.

LPIPS: R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric"
(2018), AlexNet, version 0.1. DISTS: K. Ding et al., "Image Quality Assessment: Unifying Structure
and Texture Similarity" (2020). For both, lower is nearer. `metrics.perceptual_weights` finds
the weights. Needs PyTorch; training minimises the same networks.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALEXNET, VGG16, DISTS = "alexnet.ckpt", "vgg16.ckpt", "dists.pt"
"""The files in the folder of weights."""
PICKLED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VGG_STAGES = (2, 2, 3, 3, 3)
"""The number of convolutions in each stage of VGG16; the picture is halved between stages."""


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that makes NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PICKLED:
            raise pickle.UnpicklingError(f"a file of weights may not hold {module}.{name}")
        return super().find_class(module, name)


def read_parameters(path: Path) -> dict[str, Any]:
    """Read nested dicts of arrays, as Flax saves them."""
    with path.open("rb") as file:
        saved: dict[str, Any] = ArrayUnpickler(file).load()
    return dict(saved.get("params", saved))


def read_convolutions(path: Path, *, count: int) -> nn.ModuleList:
    """Load the first `count` convolutions of a file; padding and stride are VGG's."""
    parameters = read_parameters(path)
    layers = next(value for key, value in parameters.items() if key.startswith(("Alex", "VGG")))
    convs = nn.ModuleList()
    for i in range(count):
        kernel = np.asarray(layers[f"Conv_{i}"]["kernel"], np.float32).transpose(3, 2, 0, 1)
        conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding=1)
        conv.weight = nn.Parameter(torch.from_numpy(kernel.copy()))
        conv.bias = nn.Parameter(
            torch.from_numpy(np.array(layers[f"Conv_{i}"]["bias"], np.float32))
        )
        convs.append(conv)
    return convs


class Normalised(nn.Module):
    """(N, 3, H, W) in [0, 1] -> centred on each colour's mean, in units of its deviation."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        return (picture - self.mean) / self.deviation


class Lpips(nn.Module):
    """Compare (N, 3, H, W) in [0, 1] with another -> (N,); differentiable."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        # LPIPS takes [-1, 1]; its shift and scale there, written for [0, 1].
        self.normalised = Normalised(IMAGENET_MEAN, IMAGENET_DEVIATION)
        self.convs = read_convolutions(weights / ALEXNET, count=5)
        for conv, stride, padding in zip(self.convs, (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), strict=True):
            assert isinstance(conv, nn.Conv2d)
            conv.stride, conv.padding = (stride, stride), (padding, padding)
        parameters = read_parameters(weights / ALEXNET)
        self.channel_weights = nn.ParameterList(
            torch.from_numpy(np.array(parameters[f"NetLinLayer_{i}"]["Conv_0"]["kernel"])).view(
                1, -1, 1, 1
            )
            for i in range(5)
        )
        self.requires_grad_(False)

    def features(self, picture: Tensor) -> Iterator[Tensor]:
        """Return every pixel's features after each convolution, as vectors of length 1."""
        x = self.normalised(picture)
        for i, conv in enumerate(self.convs):
            if i in (1, 2):
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(conv(x))
            seen = x.float()
            yield seen / (seen.square().sum(1, keepdim=True).sqrt() + 1e-10)

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        pairs = zip(self.features(sr), self.features(hr), self.channel_weights, strict=True)
        distances = [((a - b).square() * weight).sum(1).mean((1, 2)) for a, b, weight in pairs]
        return torch.stack(distances).sum(0)


class Dists(nn.Module):
    """Compare (N, 3, H, W) in [0, 1] with another -> (N,)."""

    blur: Tensor

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.normalised = Normalised(IMAGENET_MEAN, IMAGENET_DEVIATION)
        self.convs = read_convolutions(weights / VGG16, count=sum(VGG_STAGES))
        saved = torch.load(weights / DISTS, map_location="cpu", weights_only=True)
        total = saved["alpha"].sum() + saved["beta"].sum()
        self.alpha = nn.Parameter(saved["alpha"].view(-1) / total)
        self.beta = nn.Parameter(saved["beta"].view(-1) / total)
        window = torch.hann_window(4, periodic=True)[1:]
        self.register_buffer("blur", torch.outer(window, window) / window.sum() ** 2)
        self.requires_grad_(False)

    def features(self, picture: Tensor) -> Iterator[Tensor]:
        """Return the picture itself, then the end of every stage."""
        yield picture
        x, convs = self.normalised(picture), iter(self.convs)
        for stage, count in enumerate(VGG_STAGES):
            if stage:
                x = self._halved(x)
            for _ in range(count):
                x = F.relu(next(convs)(x))
            yield x

    def _halved(self, x: Tensor) -> Tensor:
        """Pool by L2 under a Hann window, which does not alias as max-pooling does."""
        channels = x.shape[1]
        kernel = self.blur.expand(channels, 1, 3, 3)
        mean_square = F.conv2d(x.square(), kernel, stride=2, padding=1, groups=channels)
        return (mean_square + 1e-12).sqrt()

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        similarity, at = torch.zeros(sr.shape[0], device=sr.device), 0
        for a, b in zip(self.features(sr), self.features(hr), strict=True):
            channels = a.shape[1]
            alpha, beta = self.alpha[at : at + channels], self.beta[at : at + channels]
            at += channels
            mean_a, mean_b = a.mean((2, 3)), b.mean((2, 3))
            centred_a, centred_b = a - mean_a[..., None, None], b - mean_b[..., None, None]
            variances = centred_a.square().mean((2, 3)) + centred_b.square().mean((2, 3))
            covariance = (centred_a * centred_b).mean((2, 3))
            texture = (2 * mean_a * mean_b + 1e-6) / (mean_a**2 + mean_b**2 + 1e-6)
            structure = (2 * covariance + 1e-6) / (variances + 1e-6)
            similarity = similarity + (alpha * texture + beta * structure).sum(1)
        return 1 - similarity
