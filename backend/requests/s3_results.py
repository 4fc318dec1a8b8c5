"""Results in an S3 bucket, with links to them that expire."""

from __future__ import annotations

import logging
import uuid
from functools import cached_property
from typing import Any

from backend.errors import SuperResolutionError
from backend.requests.sources.s3_client import make_s3_client
from backend.settings import Settings

log = logging.getLogger("backend.aws")


class S3Results:
    """A `ResultStore`; object names are random, so that no link can be guessed from another."""

    def __init__(self, *, bucket: str, link_seconds: int) -> None:
        self._bucket = bucket
        self._link_seconds = link_seconds

    @cached_property
    def _client(self) -> Any:
        return make_s3_client()

    def put(self, data: bytes, *, media_type: str, request_id: str) -> str:
        """Store a result and return a link to it; raise SuperResolutionError if S3 refuses."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        key = f"{uuid.uuid4()}.{media_type.partition('/')[2]}"
        try:
            # The bucket's own setting chooses the encryption key.
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=media_type)
            link: str = self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=self._link_seconds,
            )
            return link
        except (BotoCoreError, ClientError) as exc:
            log.warning("the result of request %s was not stored", request_id)
            raise SuperResolutionError("The result could not be stored.") from exc


def results_from(settings: Settings) -> S3Results | None:
    """Make the store that the settings name."""
    if settings.results_bucket is None:
        return None
    return S3Results(bucket=settings.results_bucket, link_seconds=settings.result_link_seconds)
