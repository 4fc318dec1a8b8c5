"""Pictures from the S3 buckets that the settings list."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from backend.deadline import Deadline, DeadlineExceededError
from backend.engine import Watch
from backend.errors import (
    PayloadTooLargeError,
    SourceError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)
from backend.requests.sources.byte_limit import CHUNK_BYTES, collect
from backend.requests.sources.s3_address import S3Address
from backend.requests.sources.s3_client import error_code, make_s3_client

NOT_FOUND = ("NoSuchKey", "NoSuchBucket", "404")
DENIED = ("AccessDenied", "AllAccessDisabled", "403")


def _make_client(timeout_seconds: float) -> Any:
    return make_s3_client(connect_seconds=timeout_seconds, read_seconds=timeout_seconds)


class S3Source:
    """Makes its client once, on the first read."""

    def __init__(
        self, *, timeout_seconds: float, make_client: Callable[[float], Any] = _make_client
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._make_client = make_client

    @cached_property
    def _client(self) -> Any:
        return self._make_client(self._timeout_seconds)

    def read(self, address: S3Address, *, max_bytes: int, watch: Watch = Watch()) -> bytes:
        """Read the object; raise PayloadTooLargeError or a SourceError."""
        deadline = Deadline(self._timeout_seconds)
        with translated_errors():
            return deadline.run(
                lambda: self._get(address, deadline, max_bytes=max_bytes), check=watch.check
            )

    def _get(self, address: S3Address, deadline: Deadline, *, max_bytes: int) -> bytes:
        found = self._client.get_object(Bucket=address.bucket, Key=address.key)
        return read_body(found, max_bytes=max_bytes, check=deadline.check)


def read_body(
    found: Mapping[str, Any], *, max_bytes: int, check: Callable[[], None] = lambda: None
) -> bytes:
    """Read S3's answer; `check` is called before each piece, and ends the read by raising."""
    with contextlib.closing(found["Body"]) as body:
        if found["ContentLength"] > max_bytes:
            raise PayloadTooLargeError.over(max_bytes, what="picture")
        return collect(_chunks(body, check), max_bytes=max_bytes)


def _chunks(body: Any, check: Callable[[], None]) -> Iterator[bytes]:
    for chunk in body.iter_chunks(CHUNK_BYTES):
        check()
        yield chunk


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Translate botocore's exceptions into a SourceError."""
    try:
        yield
    except ClientError as exc:
        raise _refusal(error_code(exc)) from exc
    except (DeadlineExceededError, ConnectTimeoutError, ReadTimeoutError) as exc:
        raise SourceTimeoutError from exc
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
