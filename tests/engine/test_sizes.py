"""Results of an exact size: numbers, and pixels that are a network's, reduced by a filter."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend import LocalEngine, Settings, UpscaleOptions, create_engine
from backend.engine import Piece, Watch
from backend.errors import ImageTooLargeError, RequestError
from backend.images.picture import decode
from backend.sizes import ExactSize, frame_from, passes, print_from, size_from
from tests import pictures


@pytest.mark.parametrize(
    ("exact", "size"),
    [
        (ExactSize(factor=3), (288, 192)),
        (ExactSize(factor=8), (768, 512)),
        (ExactSize(factor=1.5), (144, 96)),
        (ExactSize(width=1000), (1000, 667)),
        (ExactSize(height=50), (75, 50)),
        (frame_from("3840x2160"), (3240, 2160)),
        (frame_from("100x100"), (100, 67)),
        (frame_from("100 × 50"), (75, 50)),
        (print_from("15x10"), (1772, 1181)),
        (print_from("10x15"), (1772, 1181)),
    ],
)
def test_the_size_keeps_the_proportions(exact: ExactSize, size: tuple[int, int]) -> None:
    """Sizes for a picture of 96 x 64; a sheet of paper is turned to match the picture."""
    assert exact.of((96, 64)) == size


@given(width=st.integers(1, 4096), height=st.integers(1, 4096), side=st.integers(1, 20_000))
def test_a_frame_is_filled_along_one_side_and_never_left(
    width: int, height: int, side: int
) -> None:
    got = ExactSize(frame=(side, 2 * side)).of((width, height))
    assert got[0] == side or got[1] == 2 * side
    assert 1 <= got[0] <= side and 1 <= got[1] <= 2 * side


@pytest.mark.parametrize(
    "text", ["", "x", "0x5", "3840", "3840x", "a x b", "70000x5", "-1x5", "1e3x5", "3840x2160x2"]
)
def test_sizes_that_are_no_frame_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="WIDTHxHEIGHT in pixels"):
        frame_from(text)


@pytest.mark.parametrize("text", ["", "10", "0x5", "10.123x5", "999x5", "10,5x4"])
def test_sizes_that_are_no_print_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="WIDTHxHEIGHT in centimetres"):
        print_from(text)


@pytest.mark.parametrize(
    ("factor", "chosen"),
    [
        (0.3, [1]),
        (1, [1]),
        (1.01, [2]),
        (2, [2]),
        (3, [4]),
        (4, [4]),
        (4.01, [2, 4]),
        (8, [2, 4]),
        (8.5, [4, 4]),
        (16, [4, 4]),
        (16.1, []),
    ],
)
def test_the_next_larger_network_is_taken_and_two_beyond_the_largest(
    factor: float, chosen: list[int]
) -> None:
    assert passes(factor, [4, 1, 2]) == chosen


def test_three_times_is_four_times_reduced(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    data = photo_bytes("PNG")
    options = UpscaleOptions(model="fast", format="png", size=ExactSize(factor=3))
    result = engine.upscale(data, options)
    assert (result.width, result.height, result.scale) == (288, 192, 4)
    larger = engine.upscale(data, UpscaleOptions(model="fast", format="png", scale=4))
    with Image.open(io.BytesIO(larger.data)) as opened:
        wanted = opened.convert("RGB").resize((288, 192), Image.Resampling.LANCZOS)
    got = decode(result.data, max_side=999).rgb
    np.testing.assert_array_equal(got, np.asarray(wanted))


def test_eight_times_is_made_in_two_passes(engine: LocalEngine) -> None:
    small = pictures.gradient_png(20, 14)
    steps: list[tuple[int, int]] = []
    pieces: list[Piece] = []
    watch = Watch(
        on_progress=lambda done, total: steps.append((done, total)), on_piece=pieces.append
    )
    options = UpscaleOptions(model="fast", format="png", size=ExactSize(factor=8))
    result = engine.upscale(small, options, watch=watch)
    assert (result.width, result.height, result.scale) == (160, 112, 8)
    assert steps == [(1, 2), (2, 2)]
    assert [piece.size for piece in pieces] == [(160, 112)]
    first = engine.upscale(small, UpscaleOptions(model="fast", format="png", scale=2))
    both = engine.upscale(first.data, UpscaleOptions(model="fast", format="png", scale=4))
    assert result.data == both.data


def test_a_size_below_the_input_is_reached_too(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    options = UpscaleOptions(model="fast", size=ExactSize(width=50))
    result = engine.upscale(photo_bytes("PNG"), options)
    assert (result.width, result.height, result.scale) == (50, 33, 1)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_a_print_says_its_dots_per_inch(
    engine: LocalEngine, photo_bytes: Callable[..., bytes], format: str
) -> None:
    options = UpscaleOptions(model="fast", format=format, size=print_from("1.5x1"))
    result = engine.upscale(photo_bytes("PNG"), options)
    with Image.open(io.BytesIO(result.data)) as opened:
        assert opened.size == (177, 118)
        if format == "webp":
            exif = opened.getexif()
            assert (exif[0x011A], exif[0x011B], exif[0x0128]) == (300, 300, 2)
        else:
            assert opened.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_sizes_beyond_two_networks_are_refused(engine: LocalEngine) -> None:
    options = UpscaleOptions(model="fast", size=ExactSize(width=20 * 17))
    with pytest.raises(RequestError, match="17 times the picture's size; at most 16"):
        engine.upscale(pictures.gradient_png(20, 14), options)


def test_results_in_between_are_within_the_bounds_too(
    photo_bytes: Callable[..., bytes],
) -> None:
    """288 x 192 would be allowed; the 384 x 256 from which it is reduced is not."""
    small = create_engine(replace(Settings(), max_output_pixels=300 * 200))
    options = UpscaleOptions(model="fast", size=ExactSize(factor=3))
    with pytest.raises(ImageTooLargeError, match="384"):
        small.upscale(photo_bytes("PNG"), options)


def test_the_estimate_counts_both_passes(engine: LocalEngine) -> None:
    size = (2000, 1500)
    single, double = (
        engine.estimated_seconds(size, UpscaleOptions(model="fast", size=ExactSize(factor=factor)))
        for factor in (4, 8)
    )
    assert double > 3 * single


@pytest.mark.parametrize(
    "name", ["factor=3", "factor=1.5", "width=2000", "height=7", "fit=3840x2160", "print=12.55x9"]
)
def test_a_size_is_named_as_it_is_asked_for(name: str) -> None:
    assert size_from(name).name == name


@pytest.mark.parametrize("name", ["", "4", "depth=3", "width", "width=0", "width=65501"])
def test_no_size_has_another_name(name: str) -> None:
    with pytest.raises(RequestError):
        size_from(name)


def test_an_estimate_is_refused_for_what_cannot_be_made() -> None:
    engine = create_engine(Settings(max_output_pixels=1_000_000))

    with pytest.raises(ImageTooLargeError):
        engine.estimated_seconds((600, 400), UpscaleOptions(model="fast", scale=4))
