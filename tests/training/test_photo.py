"""The losses of `photo`."""

from __future__ import annotations

import pytest
import torch

from training.photo import colour_error, paper_error

SCALE = 4


def test_paper_is_where_a_drawing_is_plain_for_a_pixel_around() -> None:
    target = torch.full((2, 3, 16, 64), 0.8)
    target[..., 32:] = 0.1
    has_paper = torch.tensor([True, False])

    on_paper, beside, elsewhere = torch.zeros(3, *target.shape)
    on_paper[0, :, :, :24] = 0.1
    beside[0, :, :, 32 - SCALE : 32 + SCALE] = 0.1
    elsewhere[1] = 0.1

    def error(ripple: torch.Tensor) -> float:
        return float(paper_error(target + ripple, target, has_paper, scale=SCALE))

    assert error(on_paper) == pytest.approx(0.1 * 24 / 128)
    assert error(beside) == 0
    assert error(elsewhere) == 0


def test_mean_colours_are_compared_as_they_will_be_seen() -> None:
    lr = torch.full((1, 3, 2, 2), 1.0)
    over = torch.full((1, 3, 4, 4), 1.5)
    assert colour_error(over, lr) == 0
    assert colour_error(over - 0.75, lr) == pytest.approx(0.25)
