"""The networks: plain stacks of 3x3 convolutions, each the sum of branches while training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.winograd import conv3x3

EDGE_FILTERS = (
    ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0)),
    ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0)),
    ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0)),
)
"""Horizontal and vertical Sobel, and Laplacian: the fixed filters of the edge branches."""

SKIP_SIZE = 5
"""Side of the linear filter from the input straight to the output; Keys' bicubic needs 5."""


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """The shape of a plain network: `num_conv` hidden convolutions of `num_feat` channels."""

    scale: int
    num_feat: int = 32
    num_conv: int = 6
    is_prelu: bool = False
    """PReLU instead of ReLU: a learnt share of negative features is kept, one per channel."""

    def build(self) -> PlainNetwork:
        """Make a network of this shape."""
        return PlainNetwork(self)

    @property
    def multiplications(self) -> int:
        """Return the exported network's multiplications per LR pixel."""
        out = 3 * self.scale**2
        head = 9 * 4 * self.num_feat
        body = 9 * self.num_feat**2 * self.num_conv
        tail = 9 * self.num_feat * out
        slopes = 2 * self.num_feat * (self.num_conv + 1) if self.is_prelu else 0
        return head + body + slopes + tail + SKIP_SIZE**2 * 3 * out

    @property
    def receptive_radius(self) -> int:
        """Return the reach in LR pixels: one for each 3x3 convolution."""
        return self.num_conv + 2


class RepConv(nn.Module):
    """A 3x3 convolution trained as the sum of several linear branches (ECBSR, RepVGG family).

    The branches are linear, so their sum is one 3x3 kernel. It is collapsed before every forward
    pass: training sees the branches' gradients but pays for a single convolution.
    """

    edges: Tensor

    def __init__(self, in_feat: int, out_feat: int, *, expansion: int = 2) -> None:
        super().__init__()
        mid = max(in_feat, out_feat) * expansion
        self.weight = nn.Parameter(torch.empty(out_feat, in_feat, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_feat))
        self.expand = nn.Parameter(torch.empty(mid, in_feat))
        self.squeeze = nn.Parameter(torch.empty(out_feat, mid, 3, 3))
        self.edge_mix = nn.Parameter(torch.empty(len(EDGE_FILTERS), out_feat, in_feat))
        self.edge_scale = nn.Parameter(torch.zeros(len(EDGE_FILTERS), out_feat))
        self.register_buffer("edges", torch.tensor(EDGE_FILTERS) / 4, persistent=False)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.expand, nonlinearity="linear")
        nn.init.kaiming_normal_(self.squeeze, nonlinearity="linear")
        nn.init.kaiming_normal_(self.edge_mix, nonlinearity="linear")
        with torch.no_grad():
            self.weight.mul_(0.5)
            self.squeeze.mul_(0.5)
            if in_feat == out_feat:
                self.weight[:, :, 1, 1] += torch.eye(out_feat)

    def kernel(self) -> Tensor:
        """Return the one (out, in, 3, 3) kernel of all branches, in full precision."""
        with torch.autocast(self.weight.device.type, enabled=False):
            wide = torch.einsum("omhw,mi->oihw", self.squeeze, self.expand)
            edges = torch.einsum("ko,koi,khw->oihw", self.edge_scale, self.edge_mix, self.edges)
            return self.weight + wide + edges

    @torch.no_grad()
    def silence_branches(self) -> None:
        """Leave the kernel to `weight` alone; the branches begin at zero and go on learning."""
        self.squeeze.zero_()
        self.edge_scale.zero_()

    @torch.no_grad()
    def become_identity(self) -> None:
        """Pass every channel through unchanged."""
        self.silence_branches()
        self.bias.zero_()
        self.weight.zero_()
        self.weight[:, :, 1, 1] = torch.eye(self.weight.shape[0])

    def forward(self, features: Tensor) -> Tensor:
        return conv3x3(features, self.kernel(), self.bias)


class PlainNetwork(nn.Module):
    """Convolutions and ReLU or PReLU only: shift-invariant, so tiles of a picture equal the whole.

    Input (N, 4, H, W): RGB in [0, 1] and a plane with the clean-up level (0 for clean, else
    (100 - JPEG quality) / 100). Output (N, 3, H * scale, W * scale), not clamped.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        out = 3 * shape.scale**2
        self.head = RepConv(4, shape.num_feat)
        self.body = nn.ModuleList(
            RepConv(shape.num_feat, shape.num_feat) for _ in range(shape.num_conv)
        )
        self.tail = RepConv(shape.num_feat, out)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            self.tail.squeeze.mul_(0.1)
        self.skip = nn.Parameter(bicubic_kernel(shape.scale))
        activations = len(self.hidden) if shape.is_prelu else 0
        self.slopes = nn.ParameterList(torch.zeros(shape.num_feat) for _ in range(activations))

    @property
    def hidden(self) -> list[RepConv]:
        """Return the convolutions that an activation follows."""
        return [self.head, *(conv for conv in self.body if isinstance(conv, RepConv))]

    def forward(self, batch: Tensor) -> Tensor:
        features = batch
        for i, conv in enumerate(self.hidden):
            features = conv(features)
            slopes = self.slopes[i] if self.shape.is_prelu else None
            features = F.relu(features) if slopes is None else F.prelu(features, slopes)
        with torch.autocast(batch.device.type, enabled=False):
            skip = F.conv2d(batch[:, :3], self.skip, padding=SKIP_SIZE // 2)
        return F.pixel_shuffle(self.tail(features).float() + skip, self.shape.scale)


@torch.no_grad()
def halved(network: PlainNetwork) -> PlainNetwork:
    """Make a network of half the scale whose result is this one's, averaged over 2 x 2.

    Averages of sub-pixels are sums over the last convolution's channels, so they are folded into
    its kernel and the skip's, and the new network costs a little less.
    """
    shape = network.shape
    half = PlainNetwork(replace(shape, scale=shape.scale // 2))
    half.load_state_dict(
        {
            name: value
            for name, value in network.state_dict().items()
            if not name.startswith(("tail.", "skip"))
        },
        strict=False,
    )
    half.tail.silence_branches()
    half.tail.weight.copy_(_averaged(network.tail.kernel(), shape.scale))
    half.tail.bias.copy_(_averaged(network.tail.bias, shape.scale))
    half.skip.copy_(_averaged(network.skip, shape.scale))
    return half.eval()


def _averaged(channels: Tensor, scale: int) -> Tensor:
    """(3 * scale**2, …) as PixelShuffle takes them -> (3 * (scale / 2)**2, …)."""
    half = scale // 2
    rest = channels.shape[1:]
    return channels.view(3, half, 2, half, 2, *rest).mean((2, 4)).reshape(3 * half**2, *rest)


def bicubic_kernel(scale: int) -> Tensor:
    """Return Keys' bicubic enlargement (a = -0.5): (3 * scale**2, 3, 5, 5), for PixelShuffle."""

    def keys(distance: float) -> float:
        d = abs(distance)
        if d <= 1:
            return 1.5 * d**3 - 2.5 * d**2 + 1
        return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0

    offsets = [(phase + 0.5) / scale - 0.5 for phase in range(scale)]
    taps = range(-(SKIP_SIZE // 2), SKIP_SIZE // 2 + 1)
    rows = torch.tensor([[keys(tap - offset) for tap in taps] for offset in offsets])
    planes = torch.einsum("yh,xw->yxhw", rows, rows).reshape(scale**2, SKIP_SIZE, SKIP_SIZE)
    kernel = torch.zeros(3, scale**2, 3, SKIP_SIZE, SKIP_SIZE)
    for colour in range(3):
        kernel[colour, :, colour] = planes
    return kernel.flatten(0, 1)
