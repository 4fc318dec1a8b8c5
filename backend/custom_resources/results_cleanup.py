"""`Custom::ResultsCleanup`: empties the results bucket before CloudFormation deletes it.

The handler is `backend.custom_resources.results_cleanup.handler`. Property: `Bucket`. Creation
and update do nothing; a deletion removes every object and every unfinished upload. One that fails
keeps the bucket, and deleting the stack again goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from backend.aws.lambda_limits import LambdaContext
from backend.custom_resources.custom_resource import Event, respond
from backend.deadline import Deadline
from backend.requests.sources.s3_client import error_code


def handler(event: Event, context: LambdaContext) -> None:
    """Answer CloudFormation once, whatever happens."""
    respond(event, context, work, is_deletion_forgiven=False)


def work(event: Event, deadline: Deadline) -> Mapping[str, str]:
    """Do the work; raise botocore's errors, or DeadlineExceededError for too many objects."""
    if event["RequestType"] == "Delete":
        client = boto3.session.Session().client("s3")
        bucket = str(event["ResourceProperties"]["Bucket"])
        empty(client, bucket, check_time=deadline.check)
    return {}


def empty(s3: Any, bucket: str, *, check_time: Callable[[], None]) -> None:
    """Remove every object and unfinished upload; a bucket that is gone is empty."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": found["Key"]} for found in page.get("Contents", [])]:
                check_time()
                _delete(s3, bucket, keys)
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for found in page.get("Uploads", []):
                check_time()
                s3.abort_multipart_upload(
                    Bucket=bucket, Key=found["Key"], UploadId=found["UploadId"]
                )
    except ClientError as exc:
        if error_code(exc) != "NoSuchBucket":
            raise


def _delete(s3: Any, bucket: str, keys: list[dict[str, str]]) -> None:
    """Delete up to a thousand objects, as a page lists; ClientError when one of them stays."""
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    # A call that fails in part is answered with 200 and a list of the failures.
    for failure in answer.get("Errors", []):
        raise ClientError({"Error": {"Code": failure.get("Code", "unknown")}}, "DeleteObjects")
