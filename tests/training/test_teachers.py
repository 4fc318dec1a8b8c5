"""Teachers are read from ncnn files, in either precision, and wrong files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from backend.errors import ModelError
from backend.inference.onnx_session import OrtSession
from backend.models.conversion import onnx_bytes
from backend.models.manifest import ModelSpec
from backend.models.ncnn import FLOAT16_TAG, FLOAT32_TAG, read_network
from tests import ncnn
from training.teachers import RRDBNet, SRVGGNetCompact, load_teacher


def network_weights(network: nn.Module) -> ncnn.Weights:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            yield module.weight.detach().numpy()
            yield module.bias.detach().numpy()
        elif isinstance(module, nn.PReLU):
            yield module.weight.detach().numpy()


def small_compact() -> SRVGGNetCompact:
    torch.manual_seed(1)
    return SRVGGNetCompact(num_feat=5, num_conv=2, scale=4)


def compact_file(
    network: SRVGGNetCompact, *, tag: int = FLOAT16_TAG, is_halved: bool = False
) -> ncnn.Writer:
    weights = network_weights(network)
    return ncnn.compact(weights, num_conv=2, scale=4, tag=tag, is_halved=is_halved)


@pytest.mark.parametrize("tag", [FLOAT16_TAG, FLOAT32_TAG])
def test_a_compact_network_is_read_as_it_was_written(tmp_path: Path, tag: int) -> None:
    network = small_compact()
    if tag == FLOAT16_TAG:
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.data = module.weight.data.half().float()
    read = load_teacher(compact_file(network, tag=tag).save(tmp_path / "teacher"))
    lr = torch.rand(1, 3, 8, 9)
    torch.testing.assert_close(read(lr), network(lr))
    assert read(lr).shape == (1, 3, 32, 36)


def test_a_large_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    network = RRDBNet(num_block=1)
    writer = ncnn.residual_dense(network_weights(network), num_block=1, tag=FLOAT32_TAG)
    read = load_teacher(writer.save(tmp_path / "teacher"))
    lr = torch.rand(1, 3, 6, 6)
    torch.testing.assert_close(read(lr), network(lr))


@pytest.mark.parametrize("name", ["compact", "halved", "dense"])
def test_the_onnx_file_answers_as_pytorch_does(tmp_path: Path, name: str) -> None:
    """The engine after `networks add` differs from these architectures by one level at most."""
    torch.manual_seed(2)
    writer = (
        ncnn.residual_dense(network_weights(RRDBNet(num_block=2)), num_block=2)
        if name == "dense"
        else compact_file(small_compact(), is_halved=name == "halved")
    )
    teacher = load_teacher(writer.save(tmp_path / "teacher"))
    path = tmp_path / "network.onnx"
    path.write_bytes(onnx_bytes(read_network(writer.param, writer.data), metadata={}))
    scale = 2 if name == "halved" else 4
    spec = ModelSpec(name=name, scale=scale, path=path, receptive_radius=0)
    lr = np.random.default_rng(3).integers(0, 256, (21, 18, 3), dtype=np.uint8)
    found = OrtSession(spec, intra_op_threads=1).run(lr, cleanup_level=0)
    with torch.inference_mode():
        sr = teacher(torch.tensor(lr).permute(2, 0, 1)[None] / 255)
        if name == "halved":
            sr = F.interpolate(sr, scale_factor=0.5, mode="bicubic")
    levels = (sr[0] * 255 + 0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    assert found.std() > 1
    difference = np.abs(found.astype(int) - levels)
    assert difference.max() <= 1, np.bincount(difference.ravel())
    assert (difference > 0).mean() < 0.01


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    writer = ncnn.Writer()
    weights = ncnn.random_weights((4, 3, 3, 3), (4,), (4,), (3, 4, 3, 3), (3,), (3,))
    features = writer.prelu(writer.convolution(writer.layer("Input", []), weights), weights)
    writer.prelu(writer.convolution(features, weights), weights)
    with pytest.raises(ValueError, match="neither SRVGGNetCompact nor RRDBNet"):
        load_teacher(writer.save(tmp_path / "teacher"))


def test_bytes_left_over_are_refused(tmp_path: Path) -> None:
    param = compact_file(small_compact(), tag=FLOAT32_TAG).save(tmp_path / "teacher")
    with param.with_suffix(".bin").open("ab") as file:
        file.write(bytes(4))
    with pytest.raises(ModelError, match="damaged"):
        load_teacher(param)


def test_an_unknown_kind_of_weights_is_refused(tmp_path: Path) -> None:
    param = compact_file(small_compact(), tag=7).save(tmp_path / "teacher")
    with pytest.raises(ModelError, match="not known"):
        load_teacher(param)
