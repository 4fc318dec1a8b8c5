"""One rule decides which files are pictures, and how their results are named."""

from __future__ import annotations

import os

import pytest

from backend.images.filenames import (
    MAX_NAME_BYTES,
    is_picture,
    namesakes,
    pictures_among,
    result_name,
)
from backend.images.formats import INPUT_SUFFIXES


@pytest.mark.parametrize(
    "suffix", [*INPUT_SUFFIXES, ".JFIF", ".jpe", ".hif", ".dib", ".apng", ".mpo"]
)
def test_every_ending_of_a_readable_format_means_a_picture(suffix: str) -> None:
    assert is_picture(f"a{suffix}")
    assert is_picture(f"folder/a{suffix}")


@pytest.mark.parametrize("name", ["a.txt", "a", ".png", "._a.jpg", "folder/._a.jpg", "a.png.part"])
def test_other_endings_mean_no_picture(name: str) -> None:
    assert not is_picture(name)


def test_a_result_beside_its_picture_is_no_picture() -> None:
    names = [
        "a.jpg",
        "a_x2.png",
        "a-x4.jpg",
        "a_x2_x2.png",
        "B.png",
        "b_x2.png",
        "c.bmp_x2.png",
        "c.bmp",
    ]
    assert pictures_among(names) == ["a.jpg", "B.png", "c.bmp"]
    assert pictures_among(["in/a.jpg", "out/a_x2.jpg"]) == ["in/a.jpg", "out/a_x2.jpg"]


def test_a_picture_that_is_called_like_a_result_is_one_without_its_source() -> None:
    assert pictures_among(["a_x2.png", "b.png", "b_x2y.png"]) == ["a_x2.png", "b.png", "b_x2y.png"]


def test_a_result_has_the_scale_behind_the_name() -> None:
    assert result_name("photo.jpg", label="x2", suffix=".png") == "photo_x2.png"


def test_names_that_differ_by_their_ending_or_case_are_namesakes() -> None:
    names = ["a.bmp", "A.png", "b.png", "b.png", "in/a.png", "in/c.jpg", "in/c.png"]
    assert namesakes(names) == {"a.bmp", "A.png", "in/c.jpg", "in/c.png"}


def test_namesakes_keep_their_endings() -> None:
    made = [
        result_name(name, label="x2", suffix=".png", has_namesake=True)
        for name in ("a.bmp", "a.png", "a.PNG")
    ]
    assert made == ["a.bmp_x2.png", "a_x2.png", "a.PNG_x2.png"]


@pytest.mark.parametrize("stem", ["x" * 251, "\N{CJK UNIFIED IDEOGRAPH-5199}" * 83])
def test_a_results_name_is_never_too_long(stem: str) -> None:
    made = result_name(stem + ".png", label="x2", suffix=".png")
    assert len(os.fsencode(made)) <= MAX_NAME_BYTES
    assert made.endswith("_x2.png")
