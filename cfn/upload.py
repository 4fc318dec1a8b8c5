"""The package in its bucket."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from backend.requests.sources.s3_client import error_code
from cfn.archives import file_sha256
from cfn.buckets import stored_object
from cfn.console import print_line
from cfn.errors import DeploymentError
from cfn.package import Package
from cfn.partitions import partition_from

SHA256 = "sha256"
"""The name of an object's metadata that tells whether it is the same file."""


def check_bucket(s3: Any, bucket: str, *, region: str) -> None:
    """Raise DeploymentError unless the bucket is in the region, as Lambda demands."""
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


def upload(s3: Any, package: Package, *, bucket: str) -> None:
    """Upload what is not there yet; DeploymentError when a release is there with other contents."""
    digests = {key: file_sha256(path) for key, path in package.files.items()}
    there = {key: _stored_sha256(s3, bucket, key) for key in digests}
    for key, sha256 in there.items():
        if package.release is not None and sha256 not in (None, digests[key]):
            raise DeploymentError(
                f"s3://{bucket}/{key} was published with other contents. Stacks use it: raise the "
                "version in backend/__init__.py instead."
            )
    for key, path in package.files.items():
        if there[key] == digests[key]:
            print_line(f"s3://{bucket}/{key} is there already")
            continue
        print_line(f"s3://{bucket}/{key} ({path.stat().st_size / 2**20:.1f} MB)")
        s3.upload_file(str(path), bucket, key, ExtraArgs={"Metadata": {SHA256: digests[key]}})


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


def _stored_sha256(s3: Any, bucket: str, key: str) -> str | None:
    """Return the sha256 of the object, `unknown` for one of others, and None for none."""
    found = stored_object(s3, bucket, key)
    return None if found is None else str(found.get("Metadata", {}).get(SHA256, "unknown"))
