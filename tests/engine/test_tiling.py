"""The arithmetic of tiles, with numbers only."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.inference.tiles import EDGE_PAD, Span, spans, tiles


def test_a_short_side_is_one_span() -> None:
    assert spans(100, tile_size=256, tile_pad=8) == [
        Span(start=0, stop=100, read_start=-8, read_stop=108)
    ]


def test_padding_reaches_over_every_edge() -> None:
    first, second = spans(20, tile_size=10, tile_pad=3)
    assert (first.read_start, first.read_stop) == (-3, 13)
    assert (second.read_start, second.read_stop) == (7, 23)


def test_reads_begin_and_end_at_whole_blocks() -> None:
    first, second = spans(20, tile_size=10, tile_pad=3, multiple_of=4)
    assert (first.read_start, first.stop, first.read_stop) == (-4, 8, 12)
    assert (second.read_start, second.stop, second.read_stop) == (4, 20, 24)


@given(
    length=st.integers(1, 5000),
    tile_size=st.integers(1, 600),
    tile_pad=st.integers(0, 120),
    multiple_of=st.sampled_from([1, 2, 4, 8]),
    is_unpadded=st.booleans(),
)
def test_spans_cover_every_pixel_once(
    length: int, tile_size: int, tile_pad: int, multiple_of: int, is_unpadded: bool
) -> None:
    border = tile_pad if is_unpadded else 0
    cover = spans(
        length, tile_size=tile_size, tile_pad=tile_pad, multiple_of=multiple_of, border=border
    )
    beyond = max(border, min(tile_pad, EDGE_PAD))
    assert cover[0].start == 0
    assert cover[-1].stop == length
    for before, after in pairwise(cover):
        assert before.stop == after.start
    for span in cover:
        assert span.start < span.stop
        assert span.read_start % multiple_of == span.read_stop % multiple_of == 0
        first = max(span.start - tile_pad, -beyond)
        last = min(span.stop + tile_pad, length + beyond)
        assert 0 <= first - span.read_start < multiple_of
        assert 0 <= span.read_stop - last < multiple_of


def test_a_network_that_looks_far_reads_little_that_is_not_in_the_picture() -> None:
    first, second = spans(400, tile_size=200, tile_pad=150)
    assert (first.read_start, first.read_stop) == (-EDGE_PAD, 350)
    assert (second.read_start, second.read_stop) == (50, 400 + EDGE_PAD)


def test_a_read_ends_at_the_same_place_in_a_tile_and_in_the_whole() -> None:
    (whole,) = spans(120, tile_size=120, tile_pad=100)
    for span in spans(120, tile_size=40, tile_pad=100):
        assert span.read_start >= whole.read_start
        assert span.read_stop <= whole.read_stop


@pytest.mark.parametrize(("height", "width", "count"), [(1, 1, 1), (256, 257, 2), (600, 600, 9)])
def test_a_picture_is_cut_into_a_grid(height: int, width: int, count: int) -> None:
    assert len(list(tiles(height, width, tile_size=256, tile_pad=8))) == count
