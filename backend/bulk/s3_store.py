"""Pictures or results below a prefix of an S3 bucket; S3 writes objects atomically."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backend.bulk.store import Content, Item, LeftOut
from backend.errors import (
    RequestError,
    SourceUnreachableError,
    SuperResolutionError,
)
from backend.images.filenames import pictures_among
from backend.requests.sources.s3 import read_body, translated_errors
from backend.requests.sources.s3_address import S3, split_s3_address
from backend.requests.sources.s3_client import error_code, make_s3_client

ATTEMPTS = 5
"""Attempts for one request: among millions, some fail with 503 or get no answer."""
CONNECTIONS = 32
UNCHANGED = "304"
NOT_FOUND = "404"


class S3Store:
    """A `Store`."""

    def __init__(self, client: Any, *, bucket: str, prefix: str) -> None:
        """Take a `prefix` that is empty or ends with a slash."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self.left_out = LeftOut()

    @classmethod
    def from_address(cls, address: str) -> S3Store:
        """Return the store at `s3://bucket/prefix`; raise RequestError if it has no bucket."""
        bucket, prefix = split_s3_address(address)
        if not bucket:
            raise RequestError("An s3 address is s3://bucket/prefix.")
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        client = make_s3_client(attempts=ATTEMPTS, connections=CONNECTIONS)
        return cls(client, bucket=bucket, prefix=prefix)

    @property
    def address(self) -> str:
        return f"{S3}{self._bucket}/{self._prefix}"

    def key_below(self, key: str) -> str:
        """Return the key below the prefix; raise RequestError for an object elsewhere."""
        if not key.startswith(self._prefix):
            raise RequestError(f"The key {key!r} is not below {self.address}.")
        return key.removeprefix(self._prefix)

    def list(self) -> Iterator[Item]:
        """List a thousand keys a request, and keep no more in memory."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        self.left_out = LeftOut()
        try:
            for page in pages:
                versions = {each["Key"]: each["ETag"] for each in page.get("Contents", [])}
                pictures = pictures_among(versions)
                others = sorted(versions.keys() - {*pictures})
                self.left_out.add([self.key_below(key) for key in others])
                for key in pictures:
                    yield Item(self.key_below(key), _version(versions[key]))
        except (ClientError, BotoCoreError) as exc:
            raise SourceUnreachableError(
                f"S3 does not list the pictures ({error_code(exc)})."
            ) from exc

    def read(self, key: str, *, max_bytes: int, unless: str | None = None) -> Content | None:
        """See `Store`; an unchanged picture is not sent again."""
        condition = {} if unless is None else {"IfNoneMatch": f'"{unless}"'}
        with translated_errors():
            try:
                found = self._client.get_object(
                    Bucket=self._bucket, Key=self._prefix + key, **condition
                )
            except ClientError as exc:
                if unless is not None and error_code(exc) == UNCHANGED:
                    return None
                raise
            data = read_body(found, max_bytes=max_bytes)
        return Content(data=data, version=_version(found["ETag"]))

    def head(self, key: str) -> Mapping[str, str] | None:
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except (ClientError, BotoCoreError) as exc:
            if error_code(exc) == NOT_FOUND:
                return None
            raise SuperResolutionError(
                f"S3 does not say whether there is a result ({error_code(exc)})."
            ) from exc
        metadata: Mapping[str, str] = found["Metadata"]
        return metadata

    def write(
        self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """See `Store`; the bucket's own setting chooses the encryption key."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + key,
                Body=data,
                ContentType=media_type,
                Metadata=metadata or {},
            )
        except (ClientError, BotoCoreError) as exc:
            raise SuperResolutionError(f"S3 did not take the result ({error_code(exc)}).") from exc


def _version(etag: str) -> str:
    return etag.strip('"')
