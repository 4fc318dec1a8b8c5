"""Checks of the paths from S3 to S3: the bulk stack, and the asynchronous endpoint.

Each yields its lines as soon as they are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from backend.requests.sources.s3_address import split_s3_address
from backend.requests.sources.s3_client import error_code
from cfn.account import Account
from cfn.buckets import stored_object
from cfn.bulk import POLL_SECONDS, BulkStack, Runs
from cfn.errors import DeploymentError
from cfn.stacks import stack_outputs, stack_parameters

MISSING = "_super-resolution-check-of-a-picture-that-is-not-there.png"
PICTURE = "_super-resolution-check.png"
SECONDS_FOR_ANSWER = 1200
"""Seconds; an asynchronous endpoint may have to start its first instance."""


def check_bulk(account: Account, stack: BulkStack) -> Iterator[str]:
    """Run the state machine over one missing picture; raise DeploymentError unless it is reported.

    No real picture is touched, and still the machine reads a list, calls the function, the function
    asks both buckets and writes, and the machine writes its report.
    """
    yield f"Checking {stack.machine}"
    runs, s3 = Runs(account, stack), account.client("s3")
    source, (bucket, prefix) = split_s3_address(stack.source), split_s3_address(stack.target)
    failure = f"{prefix}_failed/{MISSING}.json"
    status = runs.end(runs.start({"model": "fast"}, keys=[source[1] + MISSING]))
    if status.state != "SUCCEEDED":
        raise DeploymentError(f"The run ended as {status.state}. {status.reason}".strip())
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key=failure)["Body"].read())
    except ClientError as exc:
        raise DeploymentError(
            f"The run succeeded, but s3://{bucket}/{failure} cannot be read ({error_code(exc)})."
        ) from exc
    if found.get("error") != "source_not_found":
        raise DeploymentError(f"A picture that is not there was told as '{found.get('error')}'.")
    yield f"ok      a picture that is not there is told  {status.seconds:6.1f} s"
    yield from _remove(s3, bucket, failure)


def check_async(account: Account, described: Mapping[str, Any], image: bytes) -> Iterator[str]:
    """Send a picture through the asynchronous endpoint; raise DeploymentError if it is lost."""
    endpoint = stack_outputs(described)["AsyncEndpointName"]
    bucket = stack_parameters(described)["inputBucketArns"].split(",")[0].rpartition(":")[2]
    yield f"Checking {endpoint}, which may have to start an instance"
    s3, runtime = account.client("s3"), account.client("sagemaker-runtime")
    try:
        s3.put_object(Bucket=bucket, Key=PICTURE, Body=image, ContentType="image/png")
        answer = runtime.invoke_endpoint_async(
            EndpointName=endpoint,
            InputLocation=f"s3://{bucket}/{PICTURE}",
            ContentType="image/png",
            Accept="image/*",
            CustomAttributes="scale=2",
        )
        _wait_for(account, answer["OutputLocation"], answer["FailureLocation"])
    finally:
        yield from _remove(s3, bucket, PICTURE)
    yield "ok      a picture through the queue"


def _wait_for(account: Account, output: str, failure: str) -> None:
    s3 = account.client("s3")
    for _ in range(int(SECONDS_FOR_ANSWER / POLL_SECONDS)):
        if stored_object(s3, *split_s3_address(output)) is not None:
            return
        if stored_object(s3, *split_s3_address(failure)) is not None:
            raise DeploymentError(f"The endpoint failed for the picture; {failure} says why.")
        account.pause(POLL_SECONDS)
    raise DeploymentError("The endpoint left neither a result nor a failure in time.")


def _remove(s3: Any, bucket: str, key: str) -> Iterator[str]:
    try:
        s3.delete_object(Bucket=bucket, Key=key)
    except ClientError as exc:
        yield f"        s3://{bucket}/{key} stays ({error_code(exc)}); it may be deleted"
