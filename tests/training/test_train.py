"""The loss of a run for fidelity, and its teacher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.data import PatchSource, make_pair
from training.degradations import Degradation
from training.renders import render_pictures
from training.span import SpanShape
from training.train import SMALL_MSE, Fidelity, FidelityRecipe, load_teacher
from training.weights import CHECKPOINT

SHAPE = SpanShape(scale=2, num_feat=4, num_block=1)


class Clamped(nn.Module):
    """The network that is given, with its answers held in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Tensor) -> Tensor:
        answer: Tensor = self.network(batch)
        return answer.clamp(0, 1)


def recipe(*, teacher_share: float) -> FidelityRecipe:
    return FidelityRecipe(
        shape=SHAPE,
        minutes=1,
        batch=2,
        patch=12,
        late_patch=12,
        psnr_share=1,
        teacher_share=teacher_share,
        degradation=Degradation(jpeg_probability=0),
    )


def source() -> PatchSource:
    pictures = [make_pair(each, scale=2) for each in render_pictures(seed=1)[:2]]
    settings = recipe(teacher_share=0)
    return PatchSource(
        [(1.0, pictures)],
        scale=2,
        degradation=settings.degradation,
        wild=settings.wild,
        wild_share=0,
    )


def test_the_loss_is_least_where_the_network_answers_as_its_only_teacher() -> None:
    torch.manual_seed(1)
    teacher = SHAPE.build().eval()
    objective = Fidelity(recipe(teacher_share=1), source(), [], teacher=teacher)
    least = float(np.log(SMALL_MSE))
    close = objective.loss(Clamped(teacher), progress=0.5, step=1).item()
    assert close == pytest.approx(least, abs=0.2)
    other = SHAPE.build().eval()
    far = objective.loss(Clamped(other), progress=0.5, step=2).item()
    assert far > least + 1


def test_a_teacher_without_a_share_changes_nothing() -> None:
    torch.manual_seed(1)
    teacher, network = SHAPE.build().eval(), SHAPE.build().eval()
    losses = [
        Fidelity(recipe(teacher_share=0), source(), [], teacher=each)
        .loss(network, progress=0.5, step=1)
        .item()
        for each in (teacher, None)
    ]
    assert losses[0] == losses[1]


def test_a_teacher_of_another_shape_is_refused(tmp_path: Path) -> None:
    torch.save({"weights": SHAPE.build().state_dict()}, tmp_path / CHECKPOINT)
    with pytest.raises(ValueError, match="another shape"):
        load_teacher(tmp_path, scale=2)
