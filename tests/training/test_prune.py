"""A thinner copy of a teacher begins near it, and equals it if nothing is lost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from training.networks import PlainNetwork
from training.prune import prune
from training.teachers import SRVGGNetCompact

NUM_FEAT = 8


@pytest.fixture
def teacher() -> SRVGGNetCompact:
    torch.manual_seed(1)
    teacher = SRVGGNetCompact(num_feat=NUM_FEAT, num_conv=3, scale=2)
    for module in teacher.modules():
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.5, 1)
    return teacher.requires_grad_(False)


@pytest.fixture
def pictures() -> Tensor:
    torch.manual_seed(2)
    return torch.rand(12, 3, 24, 24)


def answer(network: PlainNetwork, lr: Tensor, *, level: float = 0.0) -> Tensor:
    with torch.inference_mode():
        return network(torch.cat([lr, torch.full_like(lr[:, :1], level)], 1))


def without_use(teacher: SRVGGNetCompact, channels: list[int]) -> None:
    """Make these channels of every layer unused."""
    convs = [module for module in teacher.body if isinstance(module, nn.Conv2d)]
    for conv in convs[1:]:
        conv.weight[:, channels] = 0


def test_a_pruned_network_with_all_channels_answers_as_its_teacher(
    teacher: SRVGGNetCompact, pictures: Tensor
) -> None:
    copied = prune(teacher, pictures, num_feat=NUM_FEAT)
    torch.testing.assert_close(answer(copied, pictures), teacher(pictures), atol=2e-3, rtol=0)


def test_unused_channels_are_pruned_first(teacher: SRVGGNetCompact, pictures: Tensor) -> None:
    without_use(teacher, [1, 6])
    thin = prune(teacher, pictures, num_feat=NUM_FEAT - 2)
    assert thin.shape.num_feat == NUM_FEAT - 2
    torch.testing.assert_close(answer(thin, pictures), teacher(pictures), atol=2e-3, rtol=0)


def test_fitted_channels_make_up_for_those_that_are_left_out(
    teacher: SRVGGNetCompact, pictures: Tensor
) -> None:
    fitted = prune(teacher, pictures, num_feat=NUM_FEAT - 2)
    whole = teacher(pictures)
    without_use(teacher, [0, 1])
    error, naive = (
        (each - whole).square().mean() for each in (answer(fitted, pictures), teacher(pictures))
    )
    assert error < naive / 2


def test_the_clean_up_level_changes_nothing_before_training(
    teacher: SRVGGNetCompact, pictures: Tensor
) -> None:
    thin = prune(teacher, pictures, num_feat=NUM_FEAT - 2)
    assert torch.equal(answer(thin, pictures), answer(thin, pictures, level=0.7))
