"""One record per file format, and everything that is derived from it."""

from __future__ import annotations

import io
from importlib import import_module

import pytest
from PIL import Image

from backend.errors import alternatives
from backend.images.formats import (
    BMP,
    FORMATS,
    JPEG,
    PNG,
    READABLE,
    WEBP,
    WRITABLE,
    FileFormat,
    automatic_format,
    format_from_signature,
)
from tests.pictures import save


def make_file(file_format: FileFormat) -> bytes:
    import_module(file_format.plugin)
    return save(Image.new("RGB", (3, 2)), file_format.pillow_name)


@pytest.mark.parametrize("file_format", FORMATS.values(), ids=lambda each: each.name)
def test_a_file_is_recognised_by_its_beginning(file_format: FileFormat) -> None:
    assert format_from_signature(make_file(file_format)) is file_format


@pytest.mark.parametrize("data", [b"", b"GIF88a", b"RIFF\0\0\0\0WAVE", b" BM", b"<svg>"])
def test_other_bytes_have_no_known_format(data: bytes) -> None:
    assert format_from_signature(data) is None


@pytest.mark.parametrize("file_format", FORMATS.values(), ids=lambda each: each.name)
def test_the_record_is_what_pillow_knows(file_format: FileFormat) -> None:
    with Image.open(io.BytesIO(make_file(file_format))) as opened:
        assert opened.get_format_mimetype() == file_format.media_type
    for suffix in file_format.suffixes:
        assert Image.registered_extensions()[suffix] == file_format.pillow_name


def test_the_formats_that_are_read_and_written_are_known() -> None:
    labels = [each.label for each in READABLE]
    assert alternatives(labels) == "JPEG, PNG, BMP, WebP, GIF, TIFF, AVIF or HEIC"
    assert [each.name for each in WRITABLE] == ["png", "jpeg", "webp", "avif"]
    assert alternatives([WEBP.label]) == "WebP"


@pytest.mark.parametrize(
    ("source", "has_alpha", "expected"),
    [(JPEG, False, JPEG), (WEBP, False, JPEG), (WEBP, True, PNG), (PNG, False, PNG), (BMP, 0, PNG)],
)
def test_auto_keeps_the_kind_of_the_input(
    source: FileFormat, has_alpha: bool, expected: FileFormat
) -> None:
    assert automatic_format(source, has_alpha=has_alpha) is expected


def test_the_default_quality_is_told_where_there_is_one() -> None:
    assert (JPEG.default_quality, WEBP.default_quality, PNG.default_quality) == (92, 92, None)
