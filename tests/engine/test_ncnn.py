"""ncnn networks become ONNX files that give the same answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from backend.errors import ModelError
from backend.images.picture import Picture, RgbImage
from backend.inference.onnx_session import OrtSession
from backend.inference.upscaler import Upscaler
from backend.models.conversion import onnx_bytes
from backend.models.manifest import ModelSpec
from backend.models.ncnn import (
    FLOAT16_TAG,
    FLOAT32_TAG,
    Convolution,
    Network,
    read_network,
)
from tests import ncnn

Array = npt.NDArray[np.floating]
COMPACT = ncnn.compact_shapes(num_feat=5, num_conv=2, scale=4)
TAGS = (FLOAT16_TAG, FLOAT32_TAG)
DENSE = ncnn.residual_dense_shapes(num_block=1)


def compact(*, tag: int = FLOAT16_TAG, is_halved: bool = False) -> ncnn.Writer:
    weights = ncnn.random_weights(*COMPACT)
    return ncnn.compact(weights, num_conv=2, scale=4, tag=tag, is_halved=is_halved)


def dense() -> ncnn.Writer:
    return ncnn.residual_dense(ncnn.random_weights(*DENSE), num_block=1)


def read(writer: ncnn.Writer) -> Network:
    return read_network(writer.param, writer.data)


def opened(network: Network, folder: Path, *, scale: int = 4, radius: int = 4) -> OrtSession:
    path = folder / "network.onnx"
    path.write_bytes(onnx_bytes(network, metadata={}))
    spec = ModelSpec(name="test", scale=scale, path=path, receptive_radius=radius)
    return OrtSession(spec, intra_op_threads=1)


def noise(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)


# The same networks once more, in NumPy: (C, H, W) in, (C, H, W) out.


def convolved(planes: Array, weights: Iterator[Array]) -> Array:
    kernel, bias = next(weights), next(weights)
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("ihwyx,oiyx->ohw", windows, kernel) + bias[:, None, None]


def with_slope(planes: Array, slope: float | Array) -> Array:
    return np.where(planes < 0, planes * slope, planes)


def repeated(planes: Array, times: int) -> Array:
    return planes.repeat(times, axis=1).repeat(times, axis=2)


def halved(planes: Array) -> Array:
    """Bicubic with a = -0.75: between two pixels, its four weights are always these."""
    taps = np.array([-3, 19, 19, -3]) / 32
    for axis in (1, 2):
        padded = np.pad(planes, [(1, 1) if each == axis else (0, 0) for each in range(3)], "edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 4, axis=axis)
        planes = windows[:, ::2] @ taps if axis == 1 else windows[:, :, ::2] @ taps
    return planes


def compact_answer(lr: Array) -> Array:
    weights = ncnn.random_weights(*COMPACT)
    features = lr
    for _ in range(3):
        features = convolved(features, weights)
        features = with_slope(features, next(weights)[:, None, None])
    detail = convolved(features, weights)
    channels, height, width = detail.shape
    blocks = detail.reshape(channels // 16, 4, 4, height, width).transpose(0, 3, 1, 4, 2)
    return blocks.reshape(channels // 16, height * 4, width * 4) + repeated(lr, 4)


def dense_answer(lr: Array) -> Array:
    weights = ncnn.random_weights(*DENSE)
    first = convolved(lr, weights)
    body = first
    for _ in range(3):
        seen: list[Array] = [body]
        for _ in range(4):
            seen.append(with_slope(convolved(np.concatenate(seen), weights), 0.2))
        body = body + 0.2 * convolved(np.concatenate(seen), weights)
    features: Array = first + convolved(first + 0.2 * body, weights)
    for times in (2, 2, 1):
        features = with_slope(convolved(repeated(features, times), weights), 0.2)
    return convolved(features, weights)


@pytest.mark.parametrize(
    ("writer", "scale", "answer"),
    [
        (compact(), 4, compact_answer),
        (compact(is_halved=True), 2, lambda lr: halved(compact_answer(lr))),
        (dense(), 4, dense_answer),
    ],
    ids=["compact", "halved", "dense"],
)
def test_the_onnx_file_answers_as_the_layers_say(
    writer: ncnn.Writer, scale: int, answer: Callable[[Array], Array], tmp_path: Path
) -> None:
    lr = noise(9, 12)
    found = opened(read(writer), tmp_path, scale=scale).run(lr, cleanup_level=0)
    sr = answer(lr.transpose(2, 0, 1) / 255)
    expected = (np.clip(sr * 255 + 0.5, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
    assert found.std() > 10
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1, np.bincount(difference.ravel())
    assert (difference > 0).mean() < 0.01


# The dense network has 17 convolutions at the input's size, and two more pixels for the others.
REACHES = {"compact": (compact(), 4, 4), "halved": (compact(is_halved=True), 2, 5)}


@pytest.mark.parametrize(
    ("writer", "scale", "radius"),
    [*REACHES.values(), (dense(), 4, 19)],
    ids=[*REACHES, "dense"],
)
def test_tiles_equal_the_whole(
    writer: ncnn.Writer, scale: int, radius: int, tmp_path: Path
) -> None:
    session = opened(read(writer), tmp_path, scale=scale, radius=radius)
    whole, tiled = whole_and_tiled(session)
    assert np.array_equal(whole, tiled)


@pytest.mark.parametrize(("writer", "scale", "radius"), REACHES.values(), ids=REACHES)
def test_tiles_with_a_pixel_less_differ_from_the_whole(
    writer: ncnn.Writer, scale: int, radius: int, tmp_path: Path
) -> None:
    session = opened(read(writer), tmp_path, scale=scale, radius=radius - 1)
    whole, tiled = whole_and_tiled(session)
    assert not np.array_equal(whole, tiled)


def whole_and_tiled(session: OrtSession) -> tuple[RgbImage, RgbImage]:
    picture = Picture(rgb=noise(70, 61))
    whole, tiled = (
        Upscaler(session, tile_size=size).upscale(picture, cleanup_level=0).rgb for size in (100, 9)
    )
    return whole, tiled


@pytest.mark.parametrize("tag", TAGS)
def test_weights_of_either_precision_are_read(tag: int) -> None:
    found = [layer for layer in read(compact(tag=tag)).layers if isinstance(layer, Convolution)]
    wanted = [weights for weights in ncnn.random_weights(*COMPACT) if weights.ndim == 4]
    assert len(found) == len(wanted)
    for layer, weights in zip(found, wanted, strict=True):
        assert np.array_equal(layer.weights, weights)
        assert layer.weights.itemsize == (2 if tag == FLOAT16_TAG else 4)


def test_half_precision_stays_in_the_file_and_computes_in_full() -> None:
    half, full = (len(onnx_bytes(read(compact(tag=tag)), metadata={})) for tag in TAGS)
    assert half < full


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("7767517", "7767518", "not one of ncnn"),
        ("PReLU PReLU_3", "Sigmoid PReLU_3", "'PReLU_3' \\(Sigmoid\\)"),
        ("1=3 4=1", "1=3 2=2 4=1", "Convolution"),
        ("1=3 4=1", "1=3 4=0", "Convolution"),
        ("5=1 6=135", "5=0 6=135", "Convolution"),
        ("5=1 6=135", "5=1 6=135 9=4", "Convolution"),
        ("0=1 1=4.0", "0=2 1=4.0", "Interp"),
        ("0=1 1=4.0", "0=1 3=64 1=4.0", "Interp"),
        ("0=0", "0=2", "BinaryOp"),
        ("5=1 6=135", "5=1 6=136", "damaged"),
        ("5=1 6=135", "6=135", "damaged"),
        ("0=1 1=4.000000e+00", "0=1 1=0", "Interp"),
        ("Split_1_1 Convolution_2", "Split_1_2 Convolution_2", "one picture in and one out"),
        ("Input Input_0 0 1 Input_0", "Input Input_0 0 0", "damaged"),
    ],
)
def test_other_layers_and_damage_are_refused_in_words(old: str, new: str, told: str) -> None:
    writer = compact()
    assert old in writer.param
    with pytest.raises(ModelError, match=told):
        read_network(writer.param.replace(old, new, 1), writer.data)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data[:-4], "damaged"),
        (lambda data: data + bytes(4), "damaged"),
        (lambda data: b"\x07\0\0\0" + data[4:], "Weights of kind 0x7"),
    ],
)
def test_numbers_that_do_not_fit_the_layers_are_refused(
    change: Callable[[bytes], bytes], told: str
) -> None:
    writer = compact()
    with pytest.raises(ModelError, match=told):
        read_network(writer.param, change(writer.data))
