"""`s3://bucket/key`, without any AWS library."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backend.errors import RequestError, SourceNotAllowedError

S3 = "s3://"
MAX_KEY_BYTES = 1024


@dataclass(frozen=True, kw_only=True)
class S3Address:
    """A bucket and a key, the key exactly as written: S3 addresses are not percent-encoded."""

    bucket: str
    key: str


def split_s3_address(address: str) -> tuple[str, str]:
    """Return (bucket, key or prefix) as written; the bucket may be empty."""
    bucket, _, key = address.partition("://")[2].partition("/")
    return bucket, key


def parse_s3_address(url: str, *, allowed_buckets: Collection[str]) -> S3Address:
    """Raise RequestError if it names no object, SourceNotAllowedError for an unlisted bucket."""
    bucket, key = split_s3_address(url)
    if not bucket or not key or len(key.encode()) > MAX_KEY_BYTES:
        raise RequestError("An s3 address is s3://bucket/key.", field="url")
    if bucket not in allowed_buckets:
        raise SourceNotAllowedError("This deployment does not read that bucket.")
    return S3Address(bucket=bucket, key=key)
