"""The mean of networks that `training.export` writes."""

from __future__ import annotations

import numpy as np
import torch
from onnx import numpy_helper

from training.export import mean_of, to_onnx
from training.span import SpanShape


def test_the_mean_has_each_networks_share() -> None:
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        models.append(to_onnx(SpanShape(scale=2, num_feat=4, num_block=1).build().eval()))
    mean = mean_of(models[0], [(models[1], 0.3), (models[2], 0.1)])
    weights = [
        {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        for model in (*models, mean)
    ]
    for name in ("head.weight", "tail.bias"):
        first, second, third, found = (each[name] for each in weights)
        np.testing.assert_allclose(found, 0.6 * first + 0.3 * second + 0.1 * third, rtol=1e-3)


def test_a_mean_without_other_networks_changes_nothing() -> None:
    model = to_onnx(SpanShape(scale=2, num_feat=4, num_block=1).build().eval())
    assert mean_of(model, []) == model
