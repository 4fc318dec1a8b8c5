"""Features of VGG16's first stages: edges and small textures."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from metrics.perceptual_networks import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    VGG16,
    Normalised,
    read_convolutions,
)


class VggFeatures(nn.Module):
    """relu1_2 and relu2_2 of (N, 3, H, W) in [0, 1]."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.normalised = Normalised(IMAGENET_MEAN, IMAGENET_DEVIATION)
        self.convs = read_convolutions(weights / VGG16, count=4)
        self.requires_grad_(False)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        conv1_1, conv1_2, conv2_1, conv2_2 = self.convs
        fine = F.relu(conv1_2(F.relu(conv1_1(self.normalised(picture)))))
        coarse = F.relu(conv2_2(F.relu(conv2_1(F.max_pool2d(fine, 2)))))
        return fine, coarse

    def distance(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Return the mean L1 distance of both stages, a scalar."""
        pairs = zip(self(sr), self(hr), strict=True)
        return sum(((a.float() - b.float()).abs().mean() for a, b in pairs), start=sr.new_zeros(()))
