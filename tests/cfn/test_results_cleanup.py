"""The bucket is emptied when the stack is deleted, and only then."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from backend.deadline import Deadline, DeadlineExceededError
from backend.stack import results_cleanup


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    """boto3's client with its own check of what is asked and answered, and no network."""
    client = boto3.session.Session("AK", "SK", region_name="us-east-1").client("s3")
    monkeypatch.setattr(boto3.session.Session, "client", lambda self, name: client)
    return client


def event(kind: str) -> dict[str, Any]:
    return {"RequestType": kind, "ResourceProperties": {"Bucket": "results"}}


def never_late() -> None:
    """There is time."""


def test_a_deletion_removes_every_object_and_upload(s3: Any) -> None:
    with Stubber(s3) as stub:
        first = {"Contents": [{"Key": "a"}], "IsTruncated": True, "NextContinuationToken": "2"}
        stub.add_response("list_objects_v2", first, {"Bucket": "results"})
        stub.add_response("delete_object", {}, {"Bucket": "results", "Key": "a"})
        asked = {"Bucket": "results", "ContinuationToken": "2"}
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "b"}]}, asked)
        stub.add_response("delete_object", {}, {"Bucket": "results", "Key": "b"})
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


def test_it_stops_when_there_is_no_time_left(s3: Any) -> None:
    def too_late() -> None:
        raise DeadlineExceededError

    with Stubber(s3) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "a"}]}, {"Bucket": "results"})
        with pytest.raises(DeadlineExceededError):
            results_cleanup.empty(s3, "results", check_time=too_late)
