"""A thinner copy of Real-ESRGAN's small network, as the start of a training.

`python -m training.prune --teacher PARAM --crops CROPS --num-feat 48 --out FILE.onnx`

Layer by layer, the channels that the next layer can spare are left out, and the weights of those
that stay are fitted, by least squares, to what the whole network computes there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.crops import CropFolder
from training.data import as_target
from training.export import to_onnx
from training.networks import SKIP_SIZE, NetworkShape, PlainNetwork
from training.teachers import SRVGGNetCompact, load_teacher

CROPS = 96
PATCH = 64
RIDGE = 1e-5
"""The ridge of the fits, as a share of the mean diagonal; it keeps them stable."""
CHANNEL = 9
"""Weights of a channel in a 3x3 kernel."""


class Moments:
    """Sums of products over pixels: of 3x3 surroundings, and of these with a layer's results."""

    def __init__(self, features: Tensor, wanted: Tensor) -> None:
        size = features.shape[1] * CHANNEL + 1
        self.squares = torch.zeros(size, size, dtype=torch.float64)
        self.products = torch.zeros(size, wanted.shape[1], dtype=torch.float64)
        for part, result in zip(features, wanted, strict=True):
            columns = F.unfold(part[None], 3, padding=1)[0]
            x = torch.cat([columns, torch.ones(1, columns.shape[1])])
            self.squares += (x @ x.T).double()
            self.products += (x @ result.flatten(1).T).double()
        self.squares += RIDGE * self.squares.diagonal().mean() * torch.eye(size)

    def fitted(self) -> tuple[Tensor, Tensor]:
        """Return the kernel (out, in, 3, 3) and the bias that come nearest to the results."""
        solved = torch.linalg.solve(self.squares, self.products).float().T
        return solved[:, :-1].reshape(solved.shape[0], -1, 3, 3), solved[:, -1].clone()


def spared(moments: Moments, *, keep: int) -> Tensor:
    """Return the `keep` input channels, in order, that the others replace worst."""
    left = list(range((moments.squares.shape[0] - 1) // CHANNEL))
    while len(left) > keep:
        rows = torch.tensor([c * CHANNEL + k for c in left for k in range(CHANNEL)] + [-1])
        inverse = torch.linalg.inv(moments.squares[rows][:, rows])
        solved = inverse @ moments.products[rows]
        losses = []
        for i in range(len(left)):
            own = slice(i * CHANNEL, (i + 1) * CHANNEL)
            gone = solved[own]
            losses.append(float((gone * torch.linalg.solve(inverse[own, own], gone)).sum()))
        del left[int(np.argmin(losses))]
    return torch.tensor(left)


@torch.no_grad()
def prune(teacher: SRVGGNetCompact, lr: Tensor, *, num_feat: int) -> PlainNetwork:
    """Prune a network for `pictures` like these, (N, 3, h, w) in [0, 1]."""
    layers = list(teacher.body)
    convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    slopes = [layer.weight for layer in layers if isinstance(layer, nn.PReLU)]
    wanted = [convs[0](lr)]
    kept = []
    for conv, slope in zip(convs[1:], slopes, strict=True):
        seen = F.prelu(wanted[-1], slope)
        wanted.append(conv(seen))
        kept.append(spared(Moments(seen, wanted[-1]), keep=num_feat))
    shape = NetworkShape(
        scale=teacher.scale, num_feat=num_feat, num_conv=len(convs) - 2, is_prelu=True
    )
    network = PlainNetwork(shape)
    for conv in [*network.hidden, network.tail]:
        conv.silence_branches()
    features = lr
    for i, conv in enumerate(network.hidden):
        kernel, bias = Moments(features, wanted[i][:, kept[i]]).fitted()
        conv.weight.zero_()
        conv.weight[:, : kernel.shape[1]] = kernel  # the clean-up level has no effect yet
        conv.bias.copy_(bias)
        network.slopes[i].copy_(slopes[i][kept[i]])
        features = F.prelu(F.conv2d(features, kernel, bias, padding=1), network.slopes[i])
    network.tail.weight[:], network.tail.bias[:] = Moments(features, wanted[-1]).fitted()
    network.skip.copy_(nearest_kernel(teacher.scale))
    return network.eval()


def nearest_kernel(scale: int) -> Tensor:
    """Return the skip's (3 * scale**2, 3, 5, 5) kernel that enlarges by repeating pixels."""
    kernel = torch.zeros(3, scale**2, 3, SKIP_SIZE, SKIP_SIZE)
    for colour in range(3):
        kernel[colour, :, colour, SKIP_SIZE // 2, SKIP_SIZE // 2] = 1
    return kernel.flatten(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="its ncnn .param file")
    parser.add_argument("--crops", type=Path, required=True, help="folder of `training.teach`")
    parser.add_argument("--num-feat", type=int, default=48)
    parser.add_argument("--out", type=Path, required=True, help="ONNX file to write")
    options = parser.parse_args()
    teacher = load_teacher(options.teacher)
    if not isinstance(teacher, SRVGGNetCompact):
        raise SystemExit(f"{options.teacher.name} is no SRVGGNetCompact")
    rng = np.random.default_rng(1)
    lr = as_target(CropFolder(options.crops).batch(rng, size=CROPS, patch=PATCH).lr)
    network = prune(teacher, lr, num_feat=options.num_feat)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(to_onnx(network).SerializeToString())


if __name__ == "__main__":
    main()
