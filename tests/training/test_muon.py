"""Muon's steps have one length, or shrink with small kernels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.muon import USUAL_SIZE, Muon


def step_length(*, size: float, is_relative: bool) -> float:
    """Return the root mean square of one step for a kernel whose weights have this size."""
    torch.manual_seed(1)
    conv = nn.Conv2d(8, 8, 3, bias=False)
    nn.init.normal_(conv.weight, std=size)
    before = conv.weight.detach().clone()
    optimizer = Muon(conv, lr=1e-3, is_relative=is_relative)
    conv(torch.randn(2, 8, 9, 9)).square().mean().backward()
    optimizer.step()
    return float((conv.weight.detach() - before).square().mean().sqrt())


def test_every_kernel_takes_steps_of_one_length() -> None:
    small, large = (step_length(size=size, is_relative=False) for size in (0.01, 1.0))
    assert small == pytest.approx(large, rel=0.2)


def test_the_steps_of_small_kernels_are_smaller_where_that_is_asked() -> None:
    plain = step_length(size=0.01, is_relative=False)
    assert step_length(size=0.01, is_relative=True) < plain * 0.01 / USUAL_SIZE * 1.3
    assert step_length(size=1.0, is_relative=True) == pytest.approx(
        step_length(size=1.0, is_relative=False), rel=0.01
    )
