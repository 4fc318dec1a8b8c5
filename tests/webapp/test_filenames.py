"""Download names, made from names that strangers chose."""

from __future__ import annotations

import pytest

from backend.images.filenames import result_name
from webapp.base.filenames import download_name, name_from_link


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("cat.jpg", "cat_x2.png"),
        ("IMG 0042.JPEG", "IMG 0042_x2.png"),
        ("münchen.png", "münchen_x2.png"),
        ("../../etc/passwd", "passwd_x2.png"),
        ("C:\\photos\\me.bmp", "me_x2.png"),
        ('a"b\r\nc<d>.png', "a-b--c-d_x2.png"),
        ("aux.b.png", "aux-.b_x2.png"),
        ("COM1.tar.jpg", "COM1-.tar_x2.png"),
        ("aux.png", "aux_x2.png"),
        ("console.b.png", "console.b_x2.png"),
        ("....", "picture_x2.png"),
        ("", "picture_x2.png"),
        ("x" * 300 + ".png", "x" * 248 + "_x2.png"),
    ],
)
def test_a_download_is_named_after_the_original(original: str, name: str) -> None:
    assert download_name(original, scale="x2", format="png") == name


@pytest.mark.parametrize("has_namesake", [False, True])
@pytest.mark.parametrize("name", ["a.jpg", "a.b.png", "猫.tif", "x" * 251 + ".bmp", "a"])
def test_a_download_is_named_as_the_command_line_names_it(name: str, has_namesake: bool) -> None:
    made = download_name(name, scale="x2", format="png", has_namesake=has_namesake)

    assert made == result_name(name, label="x2", suffix=".png", has_namesake=has_namesake)


def test_the_extension_is_that_of_the_file() -> None:
    assert download_name("cat.png", scale="x4", format="jpeg") == "cat_x4.jpg"
    assert download_name("cat.png", scale="x4", format="webp") == "cat_x4.webp"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/a/cat.jpg?size=9#top", "cat.jpg"),
        ("https://example.com/a%20b.png", "a b.png"),
        ("https://example.com", "picture"),
    ],
)
def test_a_link_names_its_picture(url: str, name: str) -> None:
    assert name_from_link(url) == name


def test_the_name_of_a_device_is_none_with_its_ending_in_between() -> None:
    made = download_name("aux.png", scale="x2", format="webp", has_namesake=True)
    assert made == "aux-.png_x2.webp"
