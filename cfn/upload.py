"""The package in its bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped, unused-ignore]

from cfn.account import error_code
from cfn.errors import DeploymentError
from cfn.package import Package
from cfn.partitions import partition_from


def check_bucket(s3: Any, bucket: str, *, region: str) -> None:
    """Raise DeploymentError unless the bucket is in the region, as Lambda wants its code."""
    try:
        found = s3.head_bucket(Bucket=bucket)
    except ClientError as exc:
        raise DeploymentError(
            f"The bucket {bucket} cannot be used ({error_code(exc)}). Make one in "
            f"{region}, as with: aws s3 mb s3://{bucket} --region {region}"
        ) from exc
    at = found.get("BucketRegion") or region
    if at != region:
        raise DeploymentError(f"The bucket {bucket} is in {at}; take one in {region}.")


def upload(s3: Any, package: Package, *, bucket: str, print_line: Callable[[str], None]) -> None:
    """Upload each variant's folder, without archives that are there already."""
    sent: dict[str, str] = {}
    for variant in package.variants:
        for name in package.archives(variant):
            path = package.folder / name
            key = f"{package.prefix(variant)}/{name}"
            if _stored_size(s3, bucket, key) == path.stat().st_size:
                print_line(f"s3://{bucket}/{key} is there already")
            else:
                print_line(f"s3://{bucket}/{key} ({path.stat().st_size / 2**20:.1f} MB)")
                _put(s3, path, bucket=bucket, key=key, copy_of=sent.get(name))
            sent[name] = key
        key = f"{package.prefix(variant)}/{variant.template}"
        print_line(f"s3://{bucket}/{key}")
        _put(s3, package.folder / variant.template, bucket=bucket, key=key)


def template_url(*, bucket: str, key: str, region: str) -> str:
    """Return the template's address as CloudFormation takes it."""
    return f"https://{bucket}.s3.{region}.{partition_from(region).suffix}/{key}"


def launch_link(*, bucket: str, key: str, region: str, stack: str) -> str:
    """Return a link that opens the console at the form for a new stack."""
    url = template_url(bucket=bucket, key=key, region=region)
    return (
        f"https://{region}.{partition_from(region).console}/cloudformation/home?region={region}"
        f"#/stacks/create/review?stackName={stack}&templateURL={url}"
    )


def _stored_size(s3: Any, bucket: str, key: str) -> int | None:
    try:
        return int(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
    except ClientError:
        return None


def _put(s3: Any, path: Path, *, bucket: str, key: str, copy_of: str | None = None) -> None:
    """`copy_of` is where the same file is in the bucket already."""
    if copy_of is not None:
        s3.copy({"Bucket": bucket, "Key": copy_of}, bucket, key)
    else:
        s3.upload_file(str(path), bucket, key)
