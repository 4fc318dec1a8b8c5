"""Buckets that the commands make: a private one for packages, and public ones for releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from backend.requests.sources.s3_client import error_code
from cfn.account import Account
from cfn.console import print_line
from cfn.errors import DeploymentError

ALL_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
NOT_THERE = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")


def own_bucket(account: Account) -> str:
    """Return the name of the account's bucket for packages in the region."""
    return f"super-resolution-{account.number}-{account.region}"


def is_there(account: Account, bucket: str) -> bool:
    """Return whether the account has the bucket; raise DeploymentError if somebody else has it."""
    try:
        account.client("s3").head_bucket(Bucket=bucket, ExpectedBucketOwner=account.number)
    except ClientError as exc:
        if error_code(exc) in NOT_THERE:
            return False
        raise DeploymentError(
            f"The bucket {bucket} is not this account's, or may not be read "
            f"({error_code(exc)}); name another with --bucket."
        ) from exc
    return True


def stored_object(s3: Any, bucket: str, key: str) -> Mapping[str, Any] | None:
    """Return S3's description of an object; None if it is not there."""
    try:
        found: Mapping[str, Any] = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as exc:
        if error_code(exc) in NOT_THERE:
            return None
        raise
    return found


def ensure_own_bucket(account: Account) -> str:
    """Return the account's bucket for packages, and make it if it does not exist."""
    bucket = own_bucket(account)
    if not is_there(account, bucket):
        print_line(f"Making the private bucket {bucket}")
        s3 = account.client("s3")
        make_bucket(s3, bucket, region=account.region)
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=ALL_BLOCKED)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def ensure_public_bucket(account: Account, bucket: str) -> None:
    """Make the bucket of a release unless it exists; anybody may get its objects, and no more.

    Only this bucket's Block Public Access is changed. ACLs stay blocked. A bucket that has a policy
    is left as it is; one without was made by a command that ended early.
    """
    s3 = account.client("s3")
    if is_there(account, bucket):
        if _has_policy(s3, bucket):
            return
        print_line(f"Opening the bucket {bucket}, which nobody can read yet")
    else:
        print_line(f"Making the public bucket {bucket}")
        make_bucket(s3, bucket, region=account.region)
    blocks = {**ALL_BLOCKED, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocks)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(public_policy(account, bucket)))


def _has_policy(s3: Any, bucket: str) -> bool:
    try:
        s3.get_bucket_policy(Bucket=bucket)
    except ClientError as exc:
        if error_code(exc) == "NoSuchBucketPolicy":
            return False
        raise
    return True


def public_policy(account: Account, bucket: str) -> dict[str, Any]:
    """Return the policy that lets anybody get an object, over TLS, and nothing else."""
    statement = {
        "Sid": "AnybodyMayGet",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:{account.partition.name}:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def make_bucket(s3: Any, bucket: str, *, region: str) -> None:
    """Make the bucket in the region; us-east-1 must not be named."""
    place = {}
    if region != "us-east-1":
        place["CreateBucketConfiguration"] = {"LocationConstraint": region}
    s3.create_bucket(Bucket=bucket, **place)
