"""The package in its bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped, unused-ignore]

from cfn.errors import DeploymentError
from cfn.package import Package


def check_bucket(s3: Any, bucket: str, *, region: str) -> None:
    """Lambda takes its code only from a bucket of its own region."""
    try:
        found = s3.head_bucket(Bucket=bucket)
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "unknown")
        raise DeploymentError(
            f"The bucket {bucket} cannot be used ({code}). Make one in {region}, as with: "
            f"aws s3 mb s3://{bucket} --region {region}"
        ) from exc
    at = found.get("BucketRegion") or region
    if at != region:
        raise DeploymentError(f"The bucket {bucket} is in {at}; take one in {region}.")


def upload(s3: Any, package: Package, *, bucket: str, tell: Callable[[str], None]) -> None:
    """Archives that are there already are left: their folder is named by their contents."""
    for name in sorted(package.digests):
        path = package.folder / name
        key = f"{package.prefix}/{name}"
        if _size_of(s3, bucket, key) == path.stat().st_size:
            tell(f"s3://{bucket}/{key} is there already")
            continue
        tell(f"s3://{bucket}/{key} ({path.stat().st_size / 2**20:.1f} MB)")
        _put(s3, path, bucket=bucket, key=key)
    for path in package.templates:
        key = f"{package.prefix}/{path.name}"
        tell(f"s3://{bucket}/{key}")
        _put(s3, path, bucket=bucket, key=key)


def template_url(*, bucket: str, key: str, region: str) -> str:
    """As CloudFormation takes it."""
    host = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{host}/{key}"


def launch_link(*, bucket: str, key: str, region: str, stack: str) -> str:
    """Opens the console at the form for a new stack."""
    console = "console.amazonaws.cn" if region.startswith("cn-") else "console.aws.amazon.com"
    url = template_url(bucket=bucket, key=key, region=region)
    return (
        f"https://{region}.{console}/cloudformation/home?region={region}"
        f"#/stacks/create/review?stackName={stack}&templateURL={url}"
    )


def _size_of(s3: Any, bucket: str, key: str) -> int | None:
    try:
        return int(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
    except ClientError:
        return None


def _put(s3: Any, path: Path, *, bucket: str, key: str) -> None:
    try:
        s3.upload_file(str(path), bucket, key)
    except (ClientError, OSError) as exc:
        raise DeploymentError(f"{path.name} could not be uploaded to {bucket}.") from exc
