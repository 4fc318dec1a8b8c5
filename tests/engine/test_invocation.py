"""The meaning of the headers and the query of `/invocations`."""

from __future__ import annotations

import pytest

from backend.errors import RequestError, UnsupportedMediaTypeError, UnsupportedScaleError
from backend.options import UpscaleOptions
from backend.requests.parsing import UpscaleRequest
from backend.requests.raw_body import attributes_from, raw_picture_from, with_picture
from backend.requests.reply import ATTRIBUTES

Pairs = list[tuple[str, str]]


def ask(*headers: tuple[str, str], query: Pairs | None = None) -> UpscaleRequest:
    """Read the headers of a PNG with these in addition."""
    found = raw_picture_from([("Content-Type", "image/png"), *headers], query or [])
    assert found is not None
    return found


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "Application/JSON; charset=utf-8"]
)
def test_json_is_no_raw_picture_whatever_else_is_said(content_type: str | None) -> None:
    headers = [(ATTRIBUTES, "trace 17"), ("Accept", "image/*")]
    if content_type is not None:
        headers.append(("content-type", content_type))
    assert raw_picture_from(headers, [("X-Amz-Signature", "y")]) is None
    with pytest.raises(RequestError, match="'scale' is in the query"):
        raw_picture_from(headers, [("scale", "4")])


@pytest.mark.parametrize(
    "content_type",
    ["image/jpeg", "IMAGE/Png", "image/webp; name=x", "image/*", "application/octet-stream;v=1"],
)
def test_pictures_and_unnamed_bytes_are_raw_pictures(content_type: str) -> None:
    assert raw_picture_from([("CONTENT-TYPE", content_type)], []) == UpscaleRequest(
        options=UpscaleOptions(), output="file"
    )


@pytest.mark.parametrize(
    "content_type", ["text/plain", "image", "imagejpeg/x", "multipart/form-data; boundary=x"]
)
def test_other_types_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="Content-Type: image/"):
        raw_picture_from([("Content-Type", content_type)], [])


EVERYTHING = UpscaleOptions(scale=4, model="photo", format="webp", cleanup=0, detail=70)


def test_options_come_from_the_header_the_query_or_both() -> None:
    text = "scale=4, model=photo ,format=webp,cleanup=off,detail=70"
    pairs = [tuple(part.strip().split("=")) for part in text.split(",")]
    assert ask((ATTRIBUTES, text)).options == EVERYTHING
    assert ask((ATTRIBUTES.lower(), text[:20]), query=pairs[2:]).options == EVERYTHING  # type: ignore[arg-type]
    assert ask(query=pairs).options == EVERYTHING  # type: ignore[arg-type]
    assert ask((ATTRIBUTES, " ")).options == UpscaleOptions()


def test_a_header_in_two_lines_is_one_list() -> None:
    found = ask((ATTRIBUTES, "scale=4"), (ATTRIBUTES, "model=photo"))
    assert (found.options.scale, found.options.model) == (4, "photo")


@pytest.mark.parametrize(
    ("attributes", "query", "field"),
    [
        ("scale", [], ATTRIBUTES),
        ("scale=2,", [], ATTRIBUTES),
        ("trace 17", [], ATTRIBUTES),
        ("scale=2,scale=2", [], "scale"),
        ("scale=2", [("scale", "4")], "scale"),
        ("", [("model", "fast"), ("model", "photo")], "model"),
        ("scale=two", [], "scale"),
        ("scale=", [], "scale"),
        ("", [("cleanup", "101")], "cleanup"),
        ("format=gif", [], "format"),
        ("Scale=2", [], "Scale"),
        ("output=url", [], "output"),
        ("", [("img", "AAAA")], "img"),
        ("", [("url", "http://a.example/a.png")], "url"),
        ("model=", [], "model"),
    ],
)
def test_a_wrong_option_names_its_field(attributes: str, query: Pairs, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        ask((ATTRIBUTES, attributes), query=query)
    assert caught.value.details["field"] == field


def test_another_scale_is_unsupported_as_in_json() -> None:
    with pytest.raises(UnsupportedScaleError):
        ask((ATTRIBUTES, "scale=3"))


@pytest.mark.parametrize(
    ("accept", "asked", "output", "format"),
    [
        ("*/*", "auto", "file", "auto"),
        ("", "auto", "file", "auto"),
        ("image/*", "webp", "file", "webp"),
        ("Image/PNG ; q=0.5", "auto", "file", "png"),
        ("image/webp", "webp", "file", "webp"),
        ("application/json", "auto", "base64", "auto"),
        ("application/json;q=0.2, image/*;q=0.3", "auto", "file", "auto"),
        ("image/*;q=0.2, application/json", "auto", "base64", "auto"),
        ("application/json, image/*", "png", "base64", "png"),
        ("image/avif, image/jpeg, */*;q=0.8", "auto", "file", "avif"),
        ("image/jxl, image/jpeg, */*;q=0.8", "auto", "file", "jpeg"),
        ("text/html, image/jpeg, */*;q=0.8", "png", "file", "png"),
        (" , image/png,", "auto", "file", "png"),
        ("image/*;q=0, application/*", "auto", "base64", "auto"),
    ],
)
def test_the_answer_is_the_preferred_one(accept: str, asked: str, output: str, format: str) -> None:
    found = ask(("Accept", accept), (ATTRIBUTES, f"format={asked}"))
    assert (found.output, found.options.format) == (output, format)


@pytest.mark.parametrize(
    ("accept", "asked"),
    [
        ("text/html", "auto"),
        ("image/gif", "auto"),
        ("image/png", "jpeg"),
        ("image/*;q=0", "auto"),
        ("image/png;q=much", "auto"),
    ],
)
def test_an_unknown_type_of_answer_is_refused(accept: str, asked: str) -> None:
    with pytest.raises(RequestError, match="'Accept' is one of: image/") as caught:
        ask(("Accept", accept), (ATTRIBUTES, f"format={asked}"))
    assert caught.value.details == {"field": "Accept"}
    assert ("image/png" in caught.value.message) is (asked == "auto")


def test_attributes_of_an_answer_can_be_read_again() -> None:
    written = attributes_from({"scale": 4, "model": "naïve, 写真"}.items())
    assert written.isascii()
    assert ask((ATTRIBUTES, written)).options == UpscaleOptions(scale=4, model="naïve, 写真")


def test_a_body_without_a_byte_has_no_picture() -> None:
    with pytest.raises(RequestError, match="no picture"):
        with_picture(ask(), b"")
