"""3x3 convolutions with a quarter of the multiplications, for training on a CPU.

Winograd's F(4x4, 3x3) after A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
Networks" (2015): results are computed in tiles of 4 x 4 from 36 products instead of 144, forward
and in both gradients. PyTorch's own CPU convolutions multiply directly.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils import cpp_extension

TILE = 4
LANES = 8
"""The number of channels that one AVX instruction takes."""
KERNEL_TRANSFORM = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
KERNEL_TRANSFORM_2D = torch.einsum("ai,bj->abij", KERNEL_TRANSFORM, KERNEL_TRANSFORM).view(36, 9)


@cache
def transforms() -> Any:
    """Return the compiled transforms of winograd.cpp, or None without a compiler."""
    source = Path(__file__).with_suffix(".cpp")
    try:
        return cpp_extension.load(
            "training_winograd", [str(source)], extra_cflags=["-O3", "-march=native"]
        )
    except (RuntimeError, OSError) as error:
        print(f"convolutions are not sped up, winograd.cpp did not compile: {error}", flush=True)
        return None


def fits(features: Tensor, kernel: Tensor) -> bool:
    """Return whether `Winograd` takes these: whole tiles and vectors of float32 on a CPU."""
    out_feat, in_feat = kernel.shape[:2]
    return (
        features.device.type == "cpu"
        and features.dtype == kernel.dtype == torch.float32
        and features.shape[2] % TILE == features.shape[3] % TILE == 0
        and out_feat % LANES == in_feat % LANES == 0
        and transforms() is not None
    )


def conv3x3(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """(N, in, H, W), (out, in, 3, 3), (out,) -> (N, out, H, W), zeros beyond the border."""
    if fits(features, kernel):
        result: Tensor = Winograd.apply(features, kernel, bias)
        return result
    return F.conv2d(features, kernel, bias, padding=1)


def kernel_places(kernel: Tensor) -> Tensor:
    """(out, in, 3, 3) -> (36, out, in)."""
    out_feat, in_feat = kernel.shape[:2]
    return (KERNEL_TRANSFORM_2D @ kernel.reshape(-1, 9).T).view(36, out_feat, in_feat)


class Winograd(torch.autograd.Function):
    """The convolution and its gradients; see `fits` for what it takes."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        compiled = transforms()
        tiles = compiled.input_tiles(features.contiguous(memory_format=torch.channels_last))
        ctx.save_for_backward(tiles, kernel)
        products = torch.bmm(tiles, kernel_places(kernel).mT)
        n, _, height, width = features.shape
        return compiled.results(products, n, height, width, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        compiled = transforms()
        tiles, kernel = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        n, _, height, width = gradient.shape
        of_places = torch.bmm(compiled.gradient_tiles(gradient).mT, tiles)
        of_kernel = (KERNEL_TRANSFORM_2D.T @ of_places.view(36, -1)).T.reshape(kernel.shape)
        turned = kernel_places(kernel.flip(2, 3))
        products = torch.bmm(compiled.input_tiles(gradient), turned)
        of_features = compiled.results(products, n, height, width, None)
        return of_features, of_kernel, gradient.sum((0, 2, 3))
