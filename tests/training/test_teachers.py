"""Teachers are read from ncnn files, in either precision, and wrong files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from training.teachers import (
    FLOAT16_TAG,
    FLOAT32_TAG,
    RRDBNet,
    SRVGGNetCompact,
    load_teacher,
)


def write(network: nn.Module, stem: Path, *, tag: int) -> Path:
    """As ncnn does: the layers in order, then their numbers."""
    lines, data = ["7767517", "0 0"], b""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            lines.append(f"Convolution conv 1 1 a b 0={module.out_channels} 1=3 4=1")
            weights = (
                module.weight.detach()
                .numpy()
                .astype(np.float16 if tag == FLOAT16_TAG else np.float32)
            )
            raw = weights.tobytes()
            data += np.uint32(tag).tobytes() + raw + bytes(-len(raw) % 4)
            data += module.bias.detach().numpy().tobytes()
        elif isinstance(module, nn.PReLU):
            lines.append(f"PReLU prelu 1 1 a b 0={module.num_parameters}")
            data += module.weight.detach().numpy().tobytes()
    stem.with_suffix(".param").write_text("\n".join(lines))
    stem.with_suffix(".bin").write_bytes(data)
    return stem.with_suffix(".param")


def small_compact() -> SRVGGNetCompact:
    torch.manual_seed(1)
    return SRVGGNetCompact(num_feat=5, num_conv=2, scale=4)


@pytest.mark.parametrize("tag", [FLOAT16_TAG, FLOAT32_TAG])
def test_a_compact_network_is_read_as_it_was_written(tmp_path: Path, tag: int) -> None:
    network = small_compact()
    if tag == FLOAT16_TAG:
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.data = module.weight.data.half().float()
    read = load_teacher(write(network, tmp_path / "teacher", tag=tag))
    lr = torch.rand(1, 3, 8, 9)
    torch.testing.assert_close(read(lr), network(lr))
    assert read(lr).shape == (1, 3, 32, 36)


def test_a_large_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    network = RRDBNet(num_block=1)
    read = load_teacher(write(network, tmp_path / "teacher", tag=FLOAT32_TAG))
    lr = torch.rand(1, 3, 6, 6)
    torch.testing.assert_close(read(lr), network(lr))


def test_bytes_left_over_are_refused(tmp_path: Path) -> None:
    param = write(small_compact(), tmp_path / "teacher", tag=FLOAT32_TAG)
    with param.with_suffix(".bin").open("ab") as file:
        file.write(bytes(4))
    with pytest.raises(ValueError, match="left over"):
        load_teacher(param)


def test_an_unknown_kind_of_weights_is_refused(tmp_path: Path) -> None:
    param = write(small_compact(), tmp_path / "teacher", tag=7)
    with pytest.raises(ValueError, match="not known"):
        load_teacher(param)
