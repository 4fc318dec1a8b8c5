"""The AWS account that commands work in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from backend.requests.sources.s3_client import error_code
from cfn.errors import DeploymentError
from cfn.partitions import Partition, partition_from

AWS_ERRORS = (BotoCoreError, ClientError, Boto3Error)
"""The errors of AWS and of its library: of credentials, of the way to AWS, of an upload."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Credentials and a region, as boto3 finds them."""

    session: Any
    region: str
    pause: Callable[[float], None] = time.sleep
    """Waits so many seconds."""

    @classmethod
    def from_environment(cls, region: str | None) -> Account:
        """Find region and credentials; raise DeploymentError without either."""
        session = boto3.session.Session(region_name=region)
        if session.region_name is None:
            raise DeploymentError("Name the region with --region, as in --region us-east-1.")
        if session.get_credentials() is None:
            raise DeploymentError("There are no AWS credentials; `aws configure` sets them up.")
        return cls(session=session, region=session.region_name)

    @property
    def partition(self) -> Partition:
        return partition_from(self.region)

    @cached_property
    def number(self) -> str:
        """The twelve digits of the account."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def client(self, service: str) -> Any:
        """Make boto3's client for this region."""
        return self.session.client(service)


def error_message(error: ClientError) -> str:
    """Return AWS's sentence."""
    return str(error.response.get("Error", {}).get("Message", ""))


def explained(error: Exception) -> str:
    """Return a sentence for one of `AWS_ERRORS`."""
    if isinstance(error, ClientError):
        return f"AWS refused {error.operation_name}: {error_message(error)} ({error_code(error)})"
    return str(error)
