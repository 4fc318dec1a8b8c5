"""Pictures from the S3 buckets that the settings list."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from backend.deadline import Deadline, DeadlineExceededError
from backend.engine import Watch
from backend.errors import (
    SourceError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)
from backend.sources.byte_limit import CHUNK_BYTES, collect, too_large
from backend.sources.s3_address import S3Address

NOT_FOUND = ("NoSuchKey", "NoSuchBucket", "404")
DENIED = ("AccessDenied", "AllAccessDisabled", "403")


class S3Client(Protocol):
    """The one call that is made of boto3's client."""

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]: ...  # noqa: N803


def make_s3_client(timeout_seconds: float) -> S3Client:
    """Credentials, region and endpoint come from AWS's standard chain."""
    config = Config(
        connect_timeout=timeout_seconds,
        read_timeout=timeout_seconds,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    client: S3Client = boto3.session.Session().client("s3", config=config)
    return client


class S3Source:
    """Makes its client once, on the first read."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        make_client: Callable[[float], S3Client] = make_s3_client,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._make_client = make_client
        self._client: S3Client | None = None
        self._making = threading.Lock()

    def read(self, address: S3Address, *, max_bytes: int, watch: Watch = Watch()) -> bytes:
        """The object; PayloadTooLargeError or a SourceError."""
        deadline = Deadline(self._timeout_seconds)
        with _translated_errors():
            return deadline.run(
                lambda: self._get(address, deadline, max_bytes=max_bytes), check=watch.check
            )

    def _get(self, address: S3Address, deadline: Deadline, *, max_bytes: int) -> bytes:
        found = self._opened_client().get_object(Bucket=address.bucket, Key=address.key)
        with contextlib.closing(found["Body"]) as body:
            if found["ContentLength"] > max_bytes:
                raise too_large(max_bytes)
            return collect(_chunks(body, deadline), max_bytes=max_bytes)

    def _opened_client(self) -> S3Client:
        with self._making:
            if self._client is None:
                self._client = self._make_client(self._timeout_seconds)
            return self._client


def _chunks(body: Any, deadline: Deadline) -> Iterator[bytes]:
    for chunk in body.iter_chunks(CHUNK_BYTES):
        deadline.check()
        yield chunk


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        raise _refusal(str(exc.response.get("Error", {}).get("Code", ""))) from exc
    except (DeadlineExceededError, ConnectTimeoutError, ReadTimeoutError) as exc:
        raise SourceTimeoutError("Fetching the picture took too long.") from exc
    except BotoCoreError as exc:
        raise SourceUnreachableError("S3 cannot be reached from this deployment.") from exc


def _refusal(code: str) -> SourceError:
    if code in NOT_FOUND:
        return SourceNotFoundError("There is no such object in S3.")
    if code in DENIED:
        return SourceNotAllowedError(
            "This deployment may not read that object, or it does not exist."
        )
    return SourceUnreachableError("S3 answered with an error.")
