"""Area means are kept on patterns as fine as pixels, in every network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from backend import LocalEngine, UpscaleOptions
from backend.images.picture import Picture, RgbImage, decode
from backend.inference.means import keep_means
from backend.inference.mosaic import read_tile
from backend.inference.tiles import tiles
from backend.inference.upscaler import Upscaler
from tests import pictures
from tests.networks import shipped_names

AREA = 16
LEVELS = 8
HEIGHT, WIDTH = 48, 72
Y, X = np.mgrid[:HEIGHT, :WIDTH]
MODELS = [(name, scale) for name in shipped_names() for scale in (1, 2, 4)]


def of_two_colours(is_on: npt.NDArray[np.bool_], colour: tuple[int, int, int]) -> RgbImage:
    return (is_on[:, :, np.newaxis] * np.array(colour)).astype(np.uint8)


def dithered() -> RgbImage:
    ramp = np.tile(np.linspace(40, 215, WIDTH).astype(np.uint8), (HEIGHT, 1))
    return np.asarray(Image.fromarray(ramp).convert("1").convert("RGB"))


PATTERNS = {
    "dither": dithered(),
    "dots": of_two_colours(np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.3, (255,) * 3),
    "red chessboard": of_two_colours((X + Y) % 2 == 1, (255, 51, 26)),
    "skin stripes": of_two_colours(X % 2 == 1, (242, 194, 166)),
    "faint dither": (dithered() // 4).astype(np.uint8),
    "bright dither": (255 - dithered() // 3).astype(np.uint8),
    "red stripes": of_two_colours(Y % 2 == 1, (255, 51, 26)),
}


def largest_drift(sr: RgbImage, lr: RgbImage, *, scale: int) -> float:
    """Return the largest change of the mean of any square of 16 LR pixels."""
    height, width = lr.shape[:2]
    small = sr.reshape(height, scale, width, scale, 3).mean((1, 3))
    total = np.pad(small - lr, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    sums = total[AREA:, AREA:] - total[:-AREA, AREA:] - total[AREA:, :-AREA]
    return float(np.abs(sums + total[:-AREA, :-AREA]).max()) / AREA**2


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("model", "scale"), MODELS)
def test_the_mean_of_every_area_stays(
    engine: LocalEngine, model: str, scale: int, pattern: str
) -> None:
    lr = PATTERNS[pattern]
    sr = Upscaler(engine.session(model=model, scale=scale), tile_size=384).upscale(Picture(rgb=lr))
    assert largest_drift(sr.rgb, lr, scale=scale) <= LEVELS


def test_the_mean_moves_without_the_correction(engine: LocalEngine) -> None:
    lr = PATTERNS["dither"]
    session = engine.session(model="fast", scale=4)
    border = session.spec.border
    (tile,) = tiles(HEIGHT, WIDTH, tile_size=384, tile_pad=border, border=border)
    answer = session.run(read_tile(lr, tile), cleanup_level=0)
    assert answer.shape == (4 * HEIGHT, 4 * WIDTH, 3)
    assert largest_drift(answer, lr, scale=4) > LEVELS
    assert largest_drift(keep_means(answer, lr, scale=4), lr, scale=4) <= LEVELS


@pytest.mark.parametrize(("pattern", "tile_size"), [("dither", 40), ("red chessboard", 16)])
@pytest.mark.parametrize(("model", "scale"), MODELS)
def test_tiles_of_a_pattern_equal_the_whole(
    engine: LocalEngine, model: str, scale: int, pattern: str, tile_size: int
) -> None:
    session = engine.session(model=model, scale=scale)
    height, width = min(HEIGHT, 2 * tile_size + 5), min(WIDTH, 2 * tile_size + 11)
    picture = Picture(rgb=PATTERNS[pattern][:height, :width])
    whole = Upscaler(session, tile_size=1000).upscale(picture)
    tiled = Upscaler(session, tile_size=tile_size).upscale(picture)
    np.testing.assert_array_equal(tiled.rgb, whole.rgb)


def test_means_that_are_near_enough_are_left_alone() -> None:
    lr = np.random.default_rng(2).integers(100, 140, (33, 41, 3), np.uint8)
    sr = lr.repeat(2, 0).repeat(2, 1) + np.uint8(4)
    assert keep_means(sr, lr, scale=2) is sr


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_are_moved_too(level: int) -> None:
    """An answer in one colour has no pixel that could move in proportion to itself."""
    lr = PATTERNS["red chessboard"]
    sr = np.full((2 * HEIGHT, 2 * WIDTH, 3), level, np.uint8)
    assert largest_drift(keep_means(sr, lr, scale=2), lr, scale=2) <= LEVELS


def test_a_grey_picture_is_written_from_the_luma_of_the_answer(engine: LocalEngine) -> None:
    grey = Image.fromarray(PATTERNS["dither"][:, :, 0])
    options = UpscaleOptions(model="fast", format="png")
    as_grey, as_colour = (
        decode(engine.upscale(pictures.save(image, "PNG"), options).data, max_side=999)
        for image in (grey, grey.convert("RGB"))
    )
    assert as_grey.is_gray
    luma = np.asarray(Image.fromarray(as_colour.rgb).convert("L"))
    np.testing.assert_array_equal(as_grey.rgb[:, :, 0], luma)
