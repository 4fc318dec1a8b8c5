"""Results in an S3 bucket, with links to them that expire."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from backend.errors import SuperResolutionError
from backend.settings import Settings

log = logging.getLogger("backend.aws")

CONNECT_SECONDS = 3
READ_SECONDS = 20


class S3Client(Protocol):
    """The two calls that are made of boto3's client."""

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str,  # noqa: N803
        ServerSideEncryption: str,  # noqa: N803
    ) -> object: ...

    def generate_presigned_url(
        self,
        operation: str,
        *,
        Params: dict[str, str],  # noqa: N803
        ExpiresIn: int,  # noqa: N803
    ) -> str: ...


def make_s3_client() -> S3Client:
    """Credentials, region and endpoint come from AWS's standard chain.

    boto3 costs about 0.25 s of CPU, which only those pay who need a link. Links are signed with
    version 4 and name the bucket's region: older ones are refused outside of us-east-1, and
    those to the global host are redirected at first, which breaks their signature.
    """
    import boto3  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415
    from botocore.config import (  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415
        Config,
    )

    config = Config(
        signature_version="s3v4",
        s3={"us_east_1_regional_endpoint": "regional"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    client: S3Client = boto3.session.Session().client("s3", config=config)
    return client


class S3Results:
    """A `ResultStore`; names are random, so that no link can be guessed from another."""

    def __init__(
        self,
        *,
        bucket: str,
        link_seconds: int,
        make_client: Callable[[], S3Client] = make_s3_client,
    ) -> None:
        self._bucket = bucket
        self._link_seconds = link_seconds
        self._make_client = make_client
        self._client: S3Client | None = None
        self._making = threading.Lock()

    def put(self, data: bytes, *, media_type: str, request_id: str) -> str:
        """A link for GET; SuperResolutionError when S3 does not take the result."""
        key = f"{uuid.uuid4()}.{media_type.partition('/')[2]}"
        try:
            client = self._opened_client()
            client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=media_type,
                ServerSideEncryption="AES256",
            )
            return client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=self._link_seconds,
            )
        except _s3_errors() as exc:
            log.warning("the result of request %s was not stored", request_id)
            raise SuperResolutionError("The result could not be stored.") from exc

    def _opened_client(self) -> S3Client:
        with self._making:
            if self._client is None:
                self._client = self._make_client()
            return self._client


def results_from(settings: Settings) -> S3Results | None:
    """The store that the settings name."""
    if settings.results_bucket is None:
        return None
    return S3Results(bucket=settings.results_bucket, link_seconds=settings.result_link_seconds)


def _s3_errors() -> tuple[type[Any], ...]:
    from botocore.exceptions import (  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415
        BotoCoreError,
        ClientError,
    )

    return (BotoCoreError, ClientError)
