"""The class in AWS's image for Ray Serve answers as the project's own server does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest

from backend import RequestHandler
from backend.requests.reply import ATTRIBUTES
from testbed.aws.api_event import request_body
from tests.aws.ray_image import RayImage

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


@pytest.fixture(scope="module")
def image() -> Iterator[RayImage]:
    with RayImage({"SR_MAX_BODY_BYTES": "200000", "SR_MAX_IMAGE_BYTES": "100000"}) as started:
        yield started


def test_json_is_answered_with_json(
    image: RayImage, handler: RequestHandler, photo_bytes: Callable[..., bytes]
) -> None:
    body = request_body(photo_bytes("PNG"), scale=4)
    for headers in ({"Content_Type": "application/json"}, {}):
        answer = image.invoke(body, Accept="image/*", **headers)
        assert answer.content == handler.handle(body).body
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "attributes"),
    [("", "scale=4,model=quality"), ("?scale=4&model=quality", "")],
    ids=["attributes", "query"],
)
def test_raw_bytes_are_answered_with_the_picture_that_json_has(
    image: RayImage,
    handler: RequestHandler,
    photo_bytes: Callable[..., bytes],
    query: str,
    attributes: str,
) -> None:
    data = photo_bytes("JPEG")
    by_json = json.loads(handler.handle(request_body(data, scale=4, model="quality")).body)
    headers = {ATTRIBUTES: attributes, "Content_Type": "Image/JPEG; v=1", "X_Request_Id": "ray-1"}
    answer = image.invoke(data, query, Accept="image/*", **headers)
    assert answer.status_code == 200, answer.text
    assert answer.content == base64.b64decode(by_json["result"])
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Request-Id"] == "ray-1"
    asked = image.invoke(data, query, Accept="application/json", **headers)
    assert asked.json() == by_json


@pytest.mark.parametrize(
    ("size", "content_type", "query", "code", "status"),
    [
        (10, "text/plain", "", "unsupported_media_type", 415),
        (10, "image/png", "?size=4", "invalid_request", 400),
        (10, "image/png", "?scale=3", "unsupported_scale", 400),
        (0, "image/png", "", "invalid_request", 400),
        (10, "image/png", "", "unsupported_media_type", 415),
        (100_001, "image/png", "", "payload_too_large", 413),
        (200_001, "image/png", "", "payload_too_large", 413),
        (200_001, "application/json", "", "payload_too_large", 413),
    ],
)
def test_refusals_have_the_shape_of_every_error(
    image: RayImage, size: int, content_type: str, query: str, code: str, status: int
) -> None:
    answer = image.invoke(bytes(size), query, Content_Type=content_type)
    assert (answer.json()["error"], answer.status_code) == (code, status)
    assert set(answer.json()) == {"error", "message", "details", "request_id"}
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_body_without_a_length_is_counted(image: RayImage) -> None:
    answer = image.invoke((bytes(2**16) for _ in range(4)), Content_Type="image/png")
    assert (answer.json()["error"], answer.status_code) == ("payload_too_large", 413)
