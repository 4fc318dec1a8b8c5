"""Winograd's convolution equals PyTorch's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.winograd import conv3x3, transforms

Shape = tuple[int, int, int, int]
"""Channels in and out, height and width."""


def largest_errors(shape: Shape) -> list[float]:
    """Return the errors of result and gradients against double precision, as a share of the
    maximum.
    """
    in_feat, out_feat, height, width = shape
    random = torch.Generator().manual_seed(0)
    parts = (3, in_feat, height, width), (out_feat, in_feat, 3, 3), (out_feat,)
    inputs = [torch.randn(part, generator=random).requires_grad_() for part in parts]
    own = conv3x3(*inputs)
    exact = torch.nn.functional.conv2d(*(part.double() for part in inputs), padding=1)
    towards = torch.randn(own.shape, generator=random)
    pairs = [(own.detach(), exact.detach())]
    pairs += zip(
        torch.autograd.grad(own, inputs, towards),
        torch.autograd.grad(exact, inputs, towards.double()),
        strict=True,
    )
    return [float((ours - true).abs().max() / true.abs().max()) for ours, true in pairs]


@pytest.mark.parametrize("shape", [(8, 8, 4, 4), (16, 24, 12, 20), (64, 64, 40, 40)])
def test_result_and_gradients_are_those_of_a_convolution(shape: Shape) -> None:
    assert transforms() is not None, "training/winograd.cpp needs a C++ compiler and ninja"
    assert max(largest_errors(shape)) < 1e-4


@pytest.mark.parametrize("shape", [(4, 32, 8, 8), (32, 12, 8, 8), (8, 8, 10, 12)])
def test_odd_sizes_and_channels_are_convolved_too(shape: Shape) -> None:
    assert max(largest_errors(shape)) < 1e-4


def test_without_a_compiler_training_says_so_and_convolves_by_pytorch(tmp_path: Path) -> None:
    program = """
import torch
from training.winograd import conv3x3
features, kernel, bias = torch.randn(1, 8, 8, 8), torch.randn(8, 8, 3, 3), torch.randn(8)
plain = torch.nn.functional.conv2d(features, kernel, bias, padding=1)
assert torch.equal(conv3x3(features, kernel, bias), plain)
"""
    without = {"CXX": "no-such-compiler", "TORCH_EXTENSIONS_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | without,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "winograd.cpp did not compile" in done.stdout
