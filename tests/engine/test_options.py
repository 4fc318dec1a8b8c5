"""A request body becomes options, or a named error about the wrong field."""

from __future__ import annotations

import json

import pytest

from backend.errors import RequestError, UnknownModelError, UnsupportedScaleError
from backend.options import KEPT, OPTIONS, UpscaleOptions, check_model
from backend.requests.parsing import UpscaleRequest, parse_request
from tests.pictures import gradient_png


def parse(**fields: object) -> UpscaleRequest:
    return parse_request(json.dumps({"img": "abc", **fields}).encode())


def read(name: str, value: object) -> object:
    return OPTIONS[name].read(value)


EVERYTHING = UpscaleOptions(
    scale=4, model="quality", format="webp", quality=80, cleanup=0, detail=70, keep=("date",)
)


def test_absent_fields_have_the_defaults() -> None:
    assert parse() == UpscaleRequest(img="abc", options=UpscaleOptions())
    assert parse(output=None, **dict.fromkeys(OPTIONS)) == parse()


def test_every_field_is_taken() -> None:
    body = {
        "scale": "4",
        "model": "quality",
        "format": "webp",
        "output": "url",
        "quality": "80",
        "cleanup": "off",
        "detail": 70,
        "keep": "date",
    }
    assert parse(**body) == UpscaleRequest(img="abc", output="url", options=EVERYTHING)


def test_a_format_may_be_named_by_its_ending() -> None:
    assert parse(format="jpg").options.format == "jpeg"


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, KEPT), ("all", KEPT), ("none", ()), ("date, dpi", ("dpi", "date"))],
)
def test_some_metadata_is_kept(given: str | None, kept: tuple[str, ...]) -> None:
    assert parse(keep=given).options.keep == kept


def test_a_field_that_is_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="'scale' is given twice"):
        parse_request(b'{"img": "abc", "scale": 2, "scale": 4}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"img": "a", "url": "b"}',
        b'{"img": ""}',
        b'{"img": 5}',
    ],
    ids=lambda body: body[:24],
)
def test_a_body_without_exactly_one_picture_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        parse_request(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "The body is empty; send a JSON object with 'url' or 'img'."),
        (gradient_png(400, 400), "The body is a picture, not JSON; send it in base64 as 'img', or"),
        (b"img=abc", "The body is not JSON."),
    ],
    ids=["empty", "picture", "form"],
)
def test_the_usual_mistakes_with_a_body_are_named(body: bytes, told: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(body)
    assert caught.value.message.startswith(told)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"zoom": 2}, "zoom"),
        ({"format": "gif"}, "format"),
        ({"output": "file"}, "output"),
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"cleanup": 101}, "cleanup"),
        ({"scale": "two"}, "scale"),
        ({"quality": 0}, "quality"),
        ({"quality": "auto"}, "quality"),
        ({"keep": "place"}, "keep"),
        ({"keep": "dpi,"}, "keep"),
        ({"keep": ["dpi"]}, "keep"),
    ],
    ids=str,
)
def test_the_wrong_field_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(**fields)
    assert caught.value.details["field"] == field


@pytest.mark.parametrize(
    ("given", "scale"), [(1, 1), (2, 2), (4, 4), ("2", 2), ("004", 4), (4.0, 4), (None, 2)]
)
def test_a_scale_is_1_2_or_4(given: object, scale: int) -> None:
    assert read("scale", given) == scale


@pytest.mark.parametrize("given", [3, 0, -2, "8", 999_999])
def test_another_scale_is_unsupported(given: object) -> None:
    with pytest.raises(UnsupportedScaleError):
        read("scale", given)


@pytest.mark.parametrize("given", [True, 2.5, "2.0", " 2", "²", "1234567", 10**6, [], {}])
def test_a_scale_must_be_a_number(given: object) -> None:
    with pytest.raises(RequestError) as caught:
        read("scale", given)
    assert not isinstance(caught.value, UnsupportedScaleError)


@pytest.mark.parametrize(
    ("given", "cleanup"), [(None, None), ("auto", None), ("off", 0), (0, 0), ("100", 100), (7, 7)]
)
def test_cleanup_is_auto_off_or_a_percentage(given: object, cleanup: int | None) -> None:
    assert read("cleanup", given) == cleanup


@pytest.mark.parametrize("given", [-1, 101, "on", True, 0.5, ""])
def test_other_values_of_cleanup_are_refused(given: object) -> None:
    with pytest.raises(RequestError):
        read("cleanup", given)


def test_a_model_is_one_of_those_there_are() -> None:
    models = {"fast": (2, 4), "own": (2,)}
    check_model(models, name="own", scale=2)
    with pytest.raises(UnknownModelError) as unknown:
        check_model(models, name="best", scale=2)
    assert unknown.value.details["known"] == ["fast", "own"]
    with pytest.raises(UnsupportedScaleError) as unsupported:
        check_model(models, name="own", scale=4)
    assert unsupported.value.details["allowed"] == [2]
