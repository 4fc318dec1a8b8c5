"""The AWS account that commands work in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped, unused-ignore]
from botocore.exceptions import ClientError  # type: ignore[import-untyped, unused-ignore]

from cfn.errors import DeploymentError
from cfn.partitions import Partition, partition_from


@dataclass(frozen=True, kw_only=True)
class Account:
    """Credentials and a region, as boto3 finds them."""

    session: Any
    region: str

    @classmethod
    def from_environment(cls, region: str | None) -> Account:
        """DeploymentError without a region or credentials."""
        session = boto3.session.Session(region_name=region)
        if session.region_name is None:
            raise DeploymentError("Name the region with --region, as in --region us-east-1.")
        if session.get_credentials() is None:
            raise DeploymentError("There are no AWS credentials; `aws configure` sets them up.")
        return cls(session=session, region=session.region_name)

    @property
    def partition(self) -> Partition:
        """Of the region."""
        return partition_from(self.region)

    def client(self, service: str) -> Any:
        """boto3's, for this region."""
        return self.session.client(service)


def error_code(error: ClientError) -> str:
    """What AWS calls it, as `AccessDenied`."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))
