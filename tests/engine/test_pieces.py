"""Results that are visible before they are done: pieces in a chosen order, and first looks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, Settings, UpscaleOptions, create_engine
from backend.engine import Box, Piece, Watch
from backend.errors import CancelledError, UnsupportedScaleError
from backend.images.picture import decode
from tests import pictures
from tests.paths import SAMPLES


@pytest.fixture(scope="module")
def small_tiles() -> LocalEngine:
    """Six tiles for a picture of 96 x 64."""
    return create_engine(replace(Settings(), tile_size=32))


@pytest.fixture(scope="module")
def translucent(photo: Image.Image) -> bytes:
    picture = photo.copy()
    picture.putalpha(photo.convert("L"))
    return pictures.save(picture, "PNG")


@pytest.mark.parametrize("scale", [2, 4])
def test_every_piece_equals_its_place_in_the_whole(
    small_tiles: LocalEngine, translucent: bytes, scale: int
) -> None:
    pieces: list[Piece] = []
    options = UpscaleOptions(scale=scale, model="fast")
    result = small_tiles.upscale(translucent, options, watch=Watch(on_piece=pieces.append))
    whole = decode(result.data, max_side=999)
    assert whole.alpha is not None
    covered = np.zeros(whole.alpha.shape, int)
    for piece in pieces:
        left, top, right, bottom = piece.box
        place = slice(top, bottom), slice(left, right)
        np.testing.assert_array_equal(piece.picture.rgb, whole.rgb[place])
        np.testing.assert_array_equal(piece.picture.alpha, whole.alpha[place])
        covered[place] += 1
        assert piece.size == (result.width, result.height)
        assert piece.model == "fast"
    assert len(pieces) == 6
    assert (covered == 1).all()


def test_the_caller_says_which_piece_is_next_while_it_runs(
    small_tiles: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    """Visible places come first: the lower right corner, then, as the visitor moves, the left."""
    asked: list[Sequence[Box]] = []
    done: list[Box] = []

    def next_piece(places: Sequence[Box]) -> int:
        asked.append(tuple(places))
        wanted = (192, 128) if len(done) < 2 else (0, 128)
        return min(
            range(len(places)),
            key=lambda i: abs(places[i][2] - wanted[0]) + abs(places[i][3] - wanted[1]),
        )

    watch = Watch(next_piece=next_piece, on_piece=lambda piece: done.append(piece.box))
    options = UpscaleOptions(model="fast")
    steered = small_tiles.upscale(photo_bytes("PNG"), options, watch=watch)
    assert done[0] == (128, 64, 192, 128)
    assert done[2] == (0, 64, 64, 128)
    assert [len(places) for places in asked] == [6, 5, 4, 3, 2, 1]
    assert steered.data == small_tiles.upscale(photo_bytes("PNG"), options).data


def test_work_that_stops_between_pieces_gives_its_place_back(
    small_tiles: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    done: list[Piece] = []
    watch = Watch(on_piece=done.append, is_cancelled=lambda: len(done) == 2)
    with pytest.raises(CancelledError):
        small_tiles.upscale(photo_bytes("PNG"), UpscaleOptions(model="fast"), watch=watch)
    assert len(done) == 2
    assert small_tiles.load == (0, 0)


def test_a_small_picture_is_done_beside_a_large_one(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    """The large one waits at its second tile until the small one is done."""
    large = pictures.gradient_png(900, 400)
    has_begun, small_is_done = threading.Event(), threading.Event()

    def hold_back(_piece: Piece) -> None:
        has_begun.set()
        assert small_is_done.wait(20)

    watch = Watch(on_piece=hold_back)
    options = UpscaleOptions(model="fast")
    results: list[int] = []
    thread = threading.Thread(
        target=lambda: results.append(engine.upscale(large, options, watch=watch).width)
    )
    thread.start()
    assert has_begun.wait(20)
    assert engine.upscale(photo_bytes("PNG"), options).width == 192
    assert not results
    small_is_done.set()
    thread.join(20)
    assert results == [1800]


def test_the_first_look_at_a_small_picture_is_what_the_quick_tier_makes_of_it(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    data = photo_bytes("JPEG", quality=60)
    options = UpscaleOptions(scale=4, model="photo", detail=30, format="png")
    look = engine.first_look(data, options)
    quick = engine.upscale(data, UpscaleOptions(scale=4, model="fast", format="png"))
    assert (look.model, look.width, look.height) == ("fast", 384, 256)
    assert look.data == quick.data


@pytest.mark.parametrize(("longest_side", "width"), [(192, 192), (240, 192), (250, 384)])
def test_the_first_look_is_made_by_the_smallest_scale_that_nearly_fills_the_side(
    engine: LocalEngine, photo_bytes: Callable[..., bytes], longest_side: int, width: int
) -> None:
    options = UpscaleOptions(scale=4, model="quality", format="png")
    look = engine.first_look(photo_bytes("PNG"), options, longest_side=longest_side)
    assert look.width == width


@pytest.mark.parametrize("scale", [2, 4])
def test_the_first_look_at_a_large_picture_is_whole_and_small(
    engine: LocalEngine, scale: int
) -> None:
    with Image.open(SAMPLES / "cat.jpg") as opened:
        data = pictures.save(opened.resize((2000, 1333)), "JPEG")
    options = UpscaleOptions(scale=scale, model="quality", format="png")
    look = engine.first_look(data, options, longest_side=300)
    shown = decode(look.data, max_side=9999)
    assert 300 <= max(shown.size) <= 600
    assert shown.size[0] / shown.size[1] == pytest.approx(1.5, abs=0.01)
    with Image.open(SAMPLES / "cat.jpg") as opened:
        truth = np.asarray(opened.convert("RGB").resize(shown.size), float)
    assert np.abs(shown.rgb - truth).mean() < 8


def test_a_first_look_at_what_no_network_can_do_is_refused(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    with pytest.raises(UnsupportedScaleError):
        engine.first_look(photo_bytes("PNG"), UpscaleOptions(scale=7))
