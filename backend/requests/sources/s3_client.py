"""The one place where S3 clients are made, and the names of AWS's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONNECT_SECONDS = 3
READ_SECONDS = 20


def make_s3_client(
    *,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
    attempts: int = 2,
    connections: int = 10,
) -> Any:
    """Make a client whose credentials, region and endpoint come from AWS's standard chain.

    boto3 is imported here because it costs about 0.25 s of CPU, which a process without S3 should
    not pay. Links are signed with version 4 and name the bucket's region: older signatures are
    refused outside us-east-1, and links to the global host are redirected at first, which
    invalidates their signature.
    """
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        signature_version="s3v4",
        s3={"us_east_1_regional_endpoint": "regional"},
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
    )
    return boto3.session.Session().client("s3", config=config)


def error_code(error: Exception) -> str:
    """Return AWS's name of a refusal, such as `AccessDenied`; of any other error its class."""
    answer = getattr(error, "response", None)
    if isinstance(answer, Mapping):
        return str(answer.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__
