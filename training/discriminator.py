"""The discriminator, which tells real patches from enhanced ones; it is never shipped."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """PatchGAN: (N, 3, H, W) in [0, 1] -> (N, 1, H / 4, W / 4) logits, one for each patch.

    Spectral normalisation (Miyato et al., 2018) bounds its slope.
    """

    def __init__(self, num_feat: int = 32) -> None:
        super().__init__()
        widths = num_feat, 2 * num_feat, 4 * num_feat
        self.layers = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, padding=1),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(widths[0], widths[1], 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(widths[1], widths[2], 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(widths[2], widths[2], 3, padding=1)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(widths[2], 1, 3, padding=1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        logits: Tensor = self.layers(picture * 2 - 1)
        return logits.float()
