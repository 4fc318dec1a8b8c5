"""SPAN's official networks are read from their ncnn files, and answer as defined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.errors import ModelError
from tests import ncnn
from training.data import as_input
from training.span import COLOUR_MEAN, SpanShape, read_span

FEAT, BLOCKS, SCALE = 4, 2, 2
Layers = list[tuple[Tensor, Tensor]]


def random_layers() -> Layers:
    torch.manual_seed(6)
    body = [(FEAT, FEAT, 3)] * (3 * BLOCKS + 1)
    sizes = [(FEAT, 3, 3), *body, (FEAT, 4 * FEAT, 1), (3 * SCALE**2, FEAT, 3)]
    return [
        (torch.randn(out, wide, side, side).half().float() * 0.25, torch.randn(out) / 8)
        for out, wide, side in sizes
    ]


def write(layers: Layers, stem: Path) -> Path:
    """Write only what the reader needs: the constants, in the order of the layers."""
    writer = ncnn.Writer()
    writer.data += np.array(COLOUR_MEAN, np.float32).tobytes()
    writer.layer("MemoryData", [], "0=1", "1=1", "2=3")
    for kernel, bias in layers:
        raw = kernel.numpy().astype(np.float16).tobytes()
        writer.data += np.uint32(writer.tag).tobytes() + raw + bytes(-len(raw) % 4)
        writer.data += bias.numpy().tobytes()
        side = kernel.shape[-1]
        shape = [f"0={len(kernel)}", f"1={side}", f"4={side // 2}", "5=1", f"6={kernel.numel()}"]
        writer.layer("Convolution", ["x"], *shape)
    return writer.save(stem)


def as_published(layers: Layers, lr: Tensor) -> Tensor:
    """Compute (N, 3, H, W) in [0, 1] -> (N, 3, H * SCALE, W * SCALE)."""
    rest = iter(layers)

    def convolved(features: Tensor) -> Tensor:
        kernel, bias = next(rest)
        return F.conv2d(features, kernel, bias, padding=kernel.shape[-1] // 2)

    first = convolved((lr - torch.tensor(COLOUR_MEAN).view(1, 3, 1, 1)) * 255)
    features, seen = first, []
    for _ in range(BLOCKS):
        early = F.silu(convolved(features))
        answer = convolved(F.silu(convolved(early)))
        features = (answer + features) * (torch.sigmoid(answer) - 0.5)
        seen.append(features)
    mixed = convolved(torch.cat([first, convolved(features), seen[0], early], 1))
    return F.pixel_shuffle(convolved(mixed), SCALE)


def test_an_official_network_answers_as_published(tmp_path: Path) -> None:
    layers = random_layers()
    network = SpanShape(scale=SCALE, num_feat=FEAT, num_block=BLOCKS).build()
    network.load_state_dict(read_span(write(layers, tmp_path / "span")))
    lr = torch.randint(0, 256, (2, 9, 12, 3), dtype=torch.uint8)
    found = network(as_input(lr, torch.zeros(2)))
    published = as_published(layers, lr.permute(0, 3, 1, 2) / 255)
    assert published.std() > 1
    # Two linear steps are one here, so sums have another order.
    torch.testing.assert_close(found, published, rtol=1e-3, atol=1e-3)
    # The clean-up level has no effect before the training.
    torch.testing.assert_close(network(as_input(lr, torch.full((2,), 0.7))), found)


def test_nothing_beyond_the_receptive_radius_changes_a_pixel() -> None:
    shape = SpanShape(scale=SCALE, num_feat=FEAT, num_block=BLOCKS)
    network = shape.build()
    side = 2 * shape.receptive_radius + 3
    lr = torch.zeros(1, 4, side, side)
    lr[..., side // 2, side // 2] = 1
    with torch.no_grad():
        changed = (network(lr) != network(torch.zeros_like(lr))).nonzero()[:, 2:] // SCALE
    assert (changed - side // 2).abs().max() == shape.receptive_radius


def test_a_file_that_goes_on_is_refused(tmp_path: Path) -> None:
    param = write(random_layers(), tmp_path / "span")
    with param.with_suffix(".bin").open("ab") as file:
        file.write(bytes(4))
    with pytest.raises((ValueError, ModelError)):
        read_span(param)
