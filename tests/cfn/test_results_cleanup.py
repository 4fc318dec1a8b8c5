"""The bucket is emptied when the stack is deleted, and only then."""

from __future__ import annotations

import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from backend.custom_resources import results_cleanup
from backend.deadline import Deadline, DeadlineExceededError
from tests.cfn.conftest import aws_session


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    """boto3's client with its own checks of requests and answers, and no network."""
    client = aws_session().client("s3")
    monkeypatch.setattr(boto3.session.Session, "client", lambda self, name: client)
    return client


def event(kind: str) -> dict[str, Any]:
    return {"RequestType": kind, "ResourceProperties": {"Bucket": "results"}}


def batch(*keys: str) -> dict[str, Any]:
    objects = [{"Key": key} for key in keys]
    return {"Bucket": "results", "Delete": {"Objects": objects, "Quiet": True}}


class Bucket:
    """A stand-in behind boto3's client that answers as S3 does, with S3's limits."""

    PAGE = 1000

    def __init__(self, s3: Any, *, objects: int) -> None:
        self.keys = dict.fromkeys(f"{number:032x}.png" for number in range(objects))
        self.calls: list[str] = []
        s3.meta.events.register("before-send.s3", self._answer)

    def _answer(self, request: Any, event_name: str, **about: object) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        self.calls.append(operation)
        return AWSResponse(request.url, 200, {}, Raw(getattr(self, f"_{operation}")(request)))

    def _ListObjectsV2(self, request: Any) -> str:  # noqa: N802
        page = list(itertools.islice(self.keys, self.PAGE))
        contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in page)
        more = len(self.keys) > len(page)
        token = f"<NextContinuationToken>{len(self.keys)}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return f"<ListBucketResult>{truncated}{token}{contents}</ListBucketResult>"

    def _DeleteObjects(self, request: Any) -> str:  # noqa: N802
        keys = re.findall("<Key>(.*?)</Key>", request.body.decode())
        assert len(keys) <= self.PAGE, "S3 refuses more in one call"
        for key in keys:
            del self.keys[key]
        return "<DeleteResult/>"

    def _ListMultipartUploads(self, request: Any) -> str:  # noqa: N802
        return "<ListMultipartUploadsResult/>"


class Raw(io.BytesIO):
    """The body of an answer."""

    def __init__(self, text: str) -> None:
        super().__init__(text.encode())

    def stream(self) -> Iterator[bytes]:
        yield self.getvalue()


def test_a_hundred_thousand_results_are_deleted_in_a_hundred_calls(s3: Any) -> None:
    """One link a second makes 86,400 objects a day: one call each would outlast the function."""
    bucket = Bucket(s3, objects=100_000)
    results_cleanup.empty(s3, "results", check_time=never_late)
    assert not bucket.keys
    assert Counter(bucket.calls) == {
        "ListObjectsV2": 100,
        "DeleteObjects": 100,
        "ListMultipartUploads": 1,
    }


def test_an_object_that_stays_is_not_overlooked(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "a"}]}, {"Bucket": "results"})
        failure = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}
        stub.add_response("delete_objects", failure, batch("a"))
        with pytest.raises(ClientError, match="AccessDenied"):
            results_cleanup.empty(s3, "results", check_time=never_late)


def never_late() -> None:
    """Raise nothing: time is left."""


def test_a_deletion_removes_every_object_and_upload(s3: Any) -> None:
    with Stubber(s3) as stub:
        first = {"Contents": [{"Key": "a"}], "IsTruncated": True, "NextContinuationToken": "2"}
        stub.add_response("list_objects_v2", first, {"Bucket": "results"})
        stub.add_response("delete_objects", {}, batch("a"))
        asked = {"Bucket": "results", "ContinuationToken": "2"}
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "b"}]}, asked)
        stub.add_response("delete_objects", {}, batch("b"))
        uploads = {"Uploads": [{"Key": "c", "UploadId": "7"}]}
        stub.add_response("list_multipart_uploads", uploads, {"Bucket": "results"})
        aborted = {"Bucket": "results", "Key": "c", "UploadId": "7"}
        stub.add_response("abort_multipart_upload", {}, aborted)
        assert results_cleanup.work(event("Delete"), Deadline(60)) == {}
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_creation_or_update_removes_nothing(s3: Any, kind: str) -> None:
    with Stubber(s3):  # which refuses every call that was not announced
        assert results_cleanup.work(event(kind), Deadline(60)) == {}


def test_a_bucket_that_is_gone_is_empty(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_client_error("list_objects_v2", "NoSuchBucket")
        results_cleanup.empty(s3, "results", check_time=never_late)


def test_a_refusal_is_not_hidden(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_client_error("list_objects_v2", "AccessDenied")
        with pytest.raises(ClientError, match="AccessDenied"):
            results_cleanup.empty(s3, "results", check_time=never_late)


def test_emptying_a_bucket_stops_when_no_time_is_left(s3: Any) -> None:
    def too_late() -> None:
        raise DeadlineExceededError

    with Stubber(s3) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "a"}]}, {"Bucket": "results"})
        with pytest.raises(DeadlineExceededError):
            results_cleanup.empty(s3, "results", check_time=too_late)
