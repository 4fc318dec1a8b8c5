"""Whole pictures through real networks, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, Watch
from backend.errors import CancelledError
from backend.images.picture import Picture, RgbImage
from backend.inference.upscaler import Upscaler
from tests.networks import Padded, shipped_names

MODELS = [(name, scale) for name in shipped_names() for scale in (1, 2, 4)]


@pytest.fixture(scope="module")
def noise() -> Picture:
    """The hardest case for seams: every pixel differs from its neighbours."""
    return Picture(rgb=np.random.default_rng(7).integers(0, 256, (75, 91, 3), np.uint8))


@pytest.mark.parametrize(("model", "scale"), MODELS)
@pytest.mark.parametrize(("tile_size", "cleanup"), [(16, 0.4), (33, 0.0), (64, 0.4)])
def test_tiles_equal_the_whole(
    engine: LocalEngine, noise: Picture, model: str, scale: int, tile_size: int, cleanup: float
) -> None:
    session = engine.session(model=model, scale=scale)
    few_tiles = replace(noise, rgb=noise.rgb[: 2 * tile_size + 5, : 2 * tile_size + 11])
    whole = Upscaler(session, tile_size=1000).upscale(few_tiles, cleanup_level=cleanup)
    tiled = Upscaler(session, tile_size=tile_size).upscale(few_tiles, cleanup_level=cleanup)
    np.testing.assert_array_equal(tiled.rgb, whole.rgb)


@pytest.mark.parametrize(("model", "scale"), MODELS)
def test_inside_the_tiles_are_what_the_network_says_of_the_bare_picture(
    engine: LocalEngine, noise: Picture, model: str, scale: int
) -> None:
    """The noise is gentle, so that no mean needs a correction."""
    session = engine.session(model=model, scale=scale)
    gentle = replace(noise, rgb=noise.rgb // 4 + np.uint8(96))
    bare = session.run(gentle.rgb, cleanup_level=0.0)
    tiled = Upscaler(session, tile_size=33).upscale(gentle)
    assert session.spec.border == session.spec.receptive_radius
    inner = slice(session.spec.receptive_radius * scale, -session.spec.receptive_radius * scale)
    np.testing.assert_array_equal(tiled.rgb[inner, inner], bare)


@pytest.mark.parametrize(("model", "scale"), MODELS)
def test_with_less_padding_than_the_radius_seams_appear(
    engine: LocalEngine, noise: Picture, model: str, scale: int
) -> None:
    session = engine.session(model=model, scale=scale)
    few_tiles = replace(noise, rgb=noise.rgb[:37, :43])
    whole = Upscaler(session, tile_size=1000).upscale(few_tiles)
    narrowed = Padded(session, receptive_radius=1)
    tiled = Upscaler(narrowed, tile_size=16).upscale(few_tiles)
    assert (tiled.rgb != whole.rgb).any()


@pytest.mark.parametrize(("model", "scale"), MODELS)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3), (17, 16)])
def test_any_size_comes_out_scaled_exactly(
    engine: LocalEngine, model: str, scale: int, size: tuple[int, int]
) -> None:
    height, width = size
    upscaler = Upscaler(engine.session(model=model, scale=scale), tile_size=128)
    gray = Picture(rgb=np.full((height, width, 3), 120, np.uint8))
    sr = upscaler.upscale(gray)
    assert sr.rgb.shape == (height * scale, width * scale, 3)
    assert sr.rgb.dtype == np.uint8
    assert np.abs(sr.rgb.astype(int) - 120).max() <= 8


def test_progress_counts_every_tile(engine: LocalEngine, noise: Picture) -> None:
    seen: list[tuple[int, int]] = []
    upscaler = Upscaler(engine.session(model="fast", scale=2), tile_size=32)
    watch = Watch(on_progress=lambda done, total: seen.append((done, total)))
    upscaler.upscale(noise, watch=watch)
    assert seen == [(i, 9) for i in range(1, 10)]


def test_upscaling_stops_between_tiles_when_asked(engine: LocalEngine, noise: Picture) -> None:
    answers: Iterator[bool] = iter([False, False, True])
    done: list[int] = []
    upscaler = Upscaler(engine.session(model="fast", scale=2), tile_size=32)
    watch = Watch(
        on_progress=lambda count, _: done.append(count), is_cancelled=lambda: next(answers)
    )
    with pytest.raises(CancelledError):
        upscaler.upscale(noise, watch=watch)
    assert done == [1, 2]


def test_opaque_and_empty_areas_stay_so(engine: LocalEngine) -> None:
    alpha = np.zeros((40, 40), np.uint8)
    alpha[:, 20:] = 255
    rgb = np.full((40, 40, 3), 200, np.uint8)
    upscaler = Upscaler(engine.session(model="fast", scale=4), tile_size=256)
    sr = upscaler.upscale(Picture(rgb=rgb, alpha=alpha))
    assert sr.alpha is not None
    assert sr.alpha.shape == (160, 160)
    assert (sr.alpha[:, :72] == 0).all()
    assert (sr.alpha[:, 88:] == 255).all()


@pytest.mark.parametrize("scale", [2, 4])
def test_a_result_is_clearly_sharper_than_bicubic(
    engine: LocalEngine, photo: Image.Image, scale: int
) -> None:
    side = (photo.width // scale, photo.height // scale)
    hr = photo.crop((0, 0, side[0] * scale, side[1] * scale))
    lr = hr.resize(side, Image.Resampling.BICUBIC)
    bicubic = np.asarray(lr.resize(hr.size, Image.Resampling.BICUBIC))
    upscaler = Upscaler(engine.session(model="fast", scale=scale), tile_size=256)
    sr = upscaler.upscale(Picture(rgb=np.asarray(lr))).rgb

    def error(image: RgbImage) -> float:
        return float(np.mean((image.astype(float) - np.asarray(hr, float)) ** 2))

    assert error(sr) < 0.8 * error(bicubic)
