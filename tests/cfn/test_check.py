"""The check of a stack, against a local API that signs, answers and fails as told."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests
from PIL import Image
from requests.adapters import BaseAdapter

from cfn.caller import ApiStack, Caller
from cfn.check import SCALE, Check, image_size, picture
from cfn.errors import DeploymentError

URL = "https://api.execute-api.us-east-1.amazonaws.com/prod/resolution"
LINK = "https://results.s3.us-east-1.amazonaws.com/a.png?signed"


def larger(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        result = image.resize((image.width * SCALE, image.height * SCALE))
    file = io.BytesIO()
    result.save(file, "PNG")
    return file.getvalue()


class Api(BaseAdapter):
    """An API that answers as a deployed stack; `broken` replaces some answers."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[requests.PreparedRequest] = []
        self.results: dict[str, bytes] = {}
        self.broken: Callable[[Mapping[str, Any]], tuple[int, str] | None] = lambda fields: None
        self.enlarge = larger

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **options: object
    ) -> requests.Response:
        self.requests.append(request)
        assert request.url is not None
        if request.method == "GET":
            return self._reply(request, 200, self.results[request.url])
        body = request.body
        assert isinstance(body, str | bytes)
        return self._answer(request, json.loads(body))

    def close(self) -> None:
        """Do nothing: no connection is open."""

    def _answer(
        self, request: requests.PreparedRequest, fields: Mapping[str, Any]
    ) -> requests.Response:
        if (failure := self.broken(fields)) is not None:
            status, code = failure
            error = {"error": code, "message": "It is so.", "details": {}, "request_id": "r-1"}
            return self._reply(request, status, json.dumps(error).encode())
        if fields["scale"] != SCALE:
            error = {"error": "unsupported_scale", "message": "No.", "request_id": "r-2"}
            return self._reply(request, 400, json.dumps(error).encode())
        given = fields.get("url")
        data = self.results[given] if given else base64.b64decode(fields["img"])
        result = self.enlarge(data)
        if fields.get("output") == "url":
            self.results[LINK] = result
            return self._reply(request, 200, json.dumps({"result_url": LINK}).encode())
        content = {"result": base64.b64encode(result).decode()}
        return self._reply(request, 200, json.dumps(content).encode())

    @staticmethod
    def _reply(request: requests.PreparedRequest, status: int, body: bytes) -> requests.Response:
        response = requests.Response()
        response.status_code = status
        response.raw = io.BytesIO(body)
        response.request = request
        response.url = request.url or ""
        response.headers["X-Request-Id"] = "r-0"
        return response


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def http(api: Api) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://", api)
        yield session


class Account:
    """An account with credentials and one API key."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.session = self

    def get_credentials(self) -> Any:
        from botocore.credentials import Credentials

        return Credentials("AK", "SK", "TOKEN")

    def client(self, service: str) -> Account:
        assert service == "apigateway"
        return self

    def get_api_key(self, *, apiKey: str, includeValue: bool) -> dict[str, str]:  # noqa: N803
        assert (apiKey, includeValue) == ("k1", True)
        return {"value": "the key"}


def run(http: requests.Session, **changed: Any) -> tuple[int, list[str]]:
    given = {"url": URL, "signs": True, "api_key_id": None, "reaches_web": True, **changed}
    stack = ApiStack(**given)
    caller = Caller(Account(), stack, http=http)  # type: ignore[arg-type]
    pauses: list[float] = []
    check = Check(caller, reaches_web=stack.reaches_web, pause=pauses.append)
    told = list(check.run())
    assert sum(pauses) < 100
    return check.failures, [line for line in told if not line.startswith("wait")]


def test_a_stack_that_works_passes_every_request(api: Api, http: requests.Session) -> None:
    failures, told = run(http)
    assert failures == 0
    assert len(told) == 5
    assert all(line.startswith("ok") for line in told)
    assert " s  request r-0" in told[0]
    bodies = [each.body for each in api.requests if isinstance(each.body, bytes | str)]
    urls = [json.loads(body).get("url") for body in bodies]
    assert urls.count(LINK) == 1, "the stored result is the picture with an address"


def test_requests_are_signed_and_carry_the_key_where_the_stack_wants_that(
    api: Api, http: requests.Session
) -> None:
    run(http, api_key_id="k1")
    posts = [each for each in api.requests if each.method == "POST"]
    for each in posts:
        assert "AWS4-HMAC-SHA256 Credential=AK/" in each.headers["Authorization"]
        assert each.headers["x-amz-security-token"] == "TOKEN"
        assert each.headers["x-api-key"] == "the key"
    (get,) = [each for each in api.requests if each.method == "GET"]
    assert not {"Authorization", "x-api-key"} & set(get.headers), "a link is its own permission"
    api.requests.clear()
    run(http, signs=False)
    assert not [each for each in api.requests if "Authorization" in each.headers]


def test_a_key_that_is_not_known_yet_is_no_failure(api: Api, http: requests.Session) -> None:
    """A new API key takes up to a minute."""
    refused = iter([(403, "invalid_api_key")] * 11)
    api.broken = lambda fields: next(refused, None)
    failures, told = run(http, api_key_id="k1")
    assert failures == 0
    assert len(told) == 5


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "access_denied", "execute-api:Invoke"),
        (403, "missing_authentication", "no signature"),
        (504, "timed_out", "functionMemory"),
        (503, "model_unavailable", "the function's log"),
        (500, "internal_error", "CloudWatch"),
        (502, "anything_else", "CloudWatch"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    api: Api, http: requests.Session, status: int, code: str, words: str
) -> None:
    api.broken = lambda fields: (status, code)
    failures, told = run(http)
    assert failures == 4, "without a link there is no address to fetch from"
    assert "FAILED" in told[0]
    assert "request r-1" in told[0]
    assert words in told[1]


def test_a_stack_without_a_way_into_the_web_is_right_when_it_says_so(
    api: Api, http: requests.Session
) -> None:
    api.broken = lambda fields: (403, "source_not_allowed") if "url" in fields else None
    assert run(http, reaches_web=False)[0] == 0
    failures, told = run(http, reaches_web=True)
    assert failures == 1
    assert "enableNat" in " ".join(told)


def test_an_answer_of_another_size_is_not_taken_for_a_picture(
    api: Api, http: requests.Session
) -> None:
    api.enlarge = lambda data: data
    failures, told = run(http)
    assert failures == 3
    assert "no picture of 32 x 32 pixels" in told[1]


def test_no_answer_at_all_is_told_in_words(http: requests.Session) -> None:
    class Nowhere(Api):
        def send(  # type: ignore[override]
            self, request: requests.PreparedRequest, **options: object
        ) -> requests.Response:
            raise requests.ConnectionError("no route")

    http.mount("https://", Nowhere())
    with pytest.raises(DeploymentError, match="no answer from https://api"):
        run(http)


def test_the_size_of_a_picture_is_read_and_a_page_has_none() -> None:
    assert image_size(picture()) == (16, 16)
    assert image_size(b"<html>") is None


def test_a_stack_is_read_from_its_description() -> None:
    described = {
        "StackName": "s",
        "Outputs": [{"OutputKey": "aikitsInvokeURL", "OutputValue": URL}],
        "Parameters": [
            {"ParameterKey": "customAuthType", "ParameterValue": "NONE"},
            {"ParameterKey": "modelStorage", "ParameterValue": "efs"},
        ],
    }
    stack = ApiStack.from_description(described)
    assert stack == ApiStack(url=URL, signs=False, api_key_id=None, reaches_web=False)
    with pytest.raises(DeploymentError, match="no output aikitsInvokeURL"):
        ApiStack.from_description({"StackName": "s"})
