"""The choice of the source that a request names."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from backend.deadline import CHECK_SECONDS, Deadline
from backend.engine import Watch
from backend.errors import BusyError, PayloadTooLargeError, SourceNotAllowedError
from backend.requests.parsing import UpscaleRequest
from backend.requests.sources.inline_image import decode_inline_image
from backend.requests.sources.s3_address import parse_s3_address
from backend.requests.sources.scheme import scheme_from
from backend.settings import Settings

PATIENCE_SECONDS = 2.0

if TYPE_CHECKING:
    from backend.requests.sources.s3 import S3Source


class AnySource:
    """A source for every request: `data` is the picture, `img` is decoded, `url` is fetched.

    One is enough for the whole process, and safe to share by threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = threading.BoundedSemaphore(settings.max_fetches)
        self._waiting = threading.BoundedSemaphore(settings.max_fetches)

    def read(self, request: UpscaleRequest, *, max_bytes: int, watch: Watch = Watch()) -> bytes:
        """Return at most `max_bytes` bytes; raise RequestError, PayloadTooLargeError or a
        SourceError.

        Raise BusyError if too many are being fetched: links to slow servers must not take the
        threads of pictures that have arrived.
        """
        if request.data is not None:
            if len(request.data) > max_bytes:
                raise PayloadTooLargeError.over(max_bytes, what="picture")
            return request.data
        if request.img is not None:
            return decode_inline_image(request.img, max_bytes=max_bytes)
        self._wait_for_place(watch)
        try:
            return self._fetch(request.url or "", max_bytes=max_bytes, watch=watch)
        finally:
            self._places.release()

    def _wait_for_place(self, watch: Watch) -> None:
        """Take a place to fetch; the wait for fetches from slow servers is short."""
        if self._places.acquire(blocking=False):
            return
        if not self._waiting.acquire(blocking=False):
            raise BusyError(seconds=PATIENCE_SECONDS)
        deadline = Deadline(PATIENCE_SECONDS)
        try:
            while not self._places.acquire(timeout=CHECK_SECONDS):
                watch.check()
                if deadline.seconds_left <= 0:
                    raise BusyError(seconds=PATIENCE_SECONDS)
        finally:
            self._waiting.release()

    def _fetch(self, url: str, *, max_bytes: int, watch: Watch) -> bytes:
        if scheme_from(url) == "s3":
            address = parse_s3_address(url, allowed_buckets=self._settings.input_buckets)
            return self._s3.read(address, max_bytes=max_bytes, watch=watch)
        if not self._settings.allow_web_sources:
            raise SourceNotAllowedError(
                "This deployment cannot reach the web; send the picture itself as 'img', or the "
                "s3:// address of a picture in a bucket that is open to it."
            )
        # Imported on first use: requests costs about 0.13 s of CPU, which a cold start that
        # serves an `img` should not pay.
        from backend.requests.sources.web import WebSource  # noqa: PLC0415

        return WebSource(self._settings).read(url, max_bytes=max_bytes, watch=watch)

    @cached_property
    def _s3(self) -> S3Source:
        # Imported on first use: boto3 costs about 0.25 s of CPU.
        from backend.requests.sources.s3 import S3Source  # noqa: PLC0415

        return S3Source(timeout_seconds=self._settings.source_timeout_seconds)
