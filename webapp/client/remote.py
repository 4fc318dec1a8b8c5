"""A deployed endpoint as an engine of the page."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from backend.deadline import Deadline, DeadlineExceededError
from backend.engine import Upscaled, Watch
from backend.errors import BusyError, PayloadTooLargeError
from backend.inference.plan import options_for_damage
from backend.options import UpscaleOptions
from backend.requests.parsing import body_from
from webapp.client import transport
from webapp.client.authorization import Authorization
from webapp.client.endpoint import Endpoint
from webapp.client.errors import (
    EndpointAnswerError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
)
from webapp.client.header import read_header
from webapp.client.refusals import may_be_a_cold_start, refusal
from webapp.client.results import RemoteResult, check_picture, parse_json_object, read_result

log = logging.getLogger("webapp.client")

ATTEMPTS = 2
MAX_OPEN_CALLS = 8
"""Abandoned calls count until they end."""
FIRST_GUESS_SECONDS = 8.0
"""Seconds assumed until a response has been timed, cold start included."""
MAX_RESULT_BYTES = 256 * 2**20
SPARE_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class RemoteUpscaled(Upscaled):
    """The time of the whole exchange, a second try included, is in `seconds`."""

    bytes_sent: int
    bytes_received: int
    attempts: int

    @property
    def is_from_aws_kit(self) -> bool:
        """True if the endpoint does not say which network it used: AWS's own kits do not."""
        return not self.model


class RemoteEngine:
    """Sends pictures to one endpoint; visitors may choose from `models`."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        models: Mapping[str, Sequence[int]],
        details: Mapping[str, int],
        max_side: int,
    ) -> None:
        self.endpoint = endpoint
        self._models = models
        self._details = details
        self._max_side = max_side
        self._authorization = Authorization(endpoint)
        self._free = threading.BoundedSemaphore(MAX_OPEN_CALLS)
        self._pace: float | None = None
        """Seconds per pixel of the last picture."""

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        return self._models

    @property
    def details(self) -> Mapping[str, int]:
        return self._details

    def check(self, data: bytes) -> None:
        """Raise PayloadTooLargeError if the endpoint's API would refuse the file."""
        limit = self.endpoint.max_body_bytes
        needed = 4 * -(-len(data) // 3) + 512
        if needed > limit:
            raise PayloadTooLargeError(
                f"The endpoint takes requests of at most {limit / 1e6:.1f} MB, and with this file "
                f"it would be {needed / 1e6:.1f} MB.",
                max_bytes=limit,
                needed_bytes=needed,
            )

    def upscale(
        self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()
    ) -> RemoteUpscaled:
        """See `Engine`; a cancelled request is abandoned."""
        self.check(data)
        lr_size, jpeg_quality = read_header(data, max_side=self._max_side)
        body = body_from(data, options)
        size = lr_size[0] * options.scale, lr_size[1] * options.scale
        started = time.perf_counter()
        exchange = _Exchange(self.endpoint, self._authorization, body, size)
        result = self._run(exchange, watch)
        seconds = time.perf_counter() - started
        picture, model = result.data or b"", result.model
        file_format = check_picture(picture, size=size)
        self._pace = seconds / (lr_size[0] * lr_size[1])
        watch.on_progress(1, 1)
        watch.on_finishing()
        used = options_for_damage(
            options, has_detail=model in self._details, jpeg_quality=jpeg_quality
        )
        return RemoteUpscaled(
            data=picture,
            width=size[0],
            height=size[1],
            format=file_format,
            model=model or "",
            scale=options.scale,
            cleanup=(used.cleanup or 0) if model else None,
            notes=result.notes,
            lr_size=lr_size,
            seconds=seconds,
            bytes_sent=len(body) * exchange.attempts,
            bytes_received=exchange.bytes_received,
            attempts=exchange.attempts,
        )

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:  # noqa: ARG002
        """Estimate by the last picture, or guess before there was one."""
        if self._pace is None:
            return FIRST_GUESS_SECONDS
        return max(1.0, self._pace * size[0] * size[1])

    def _run(self, exchange: _Exchange, watch: Watch) -> RemoteResult:
        if not self._free.acquire(blocking=False):
            raise BusyError("Too many pictures are on their way to the cloud.", seconds=5)

        def work() -> RemoteResult:
            try:
                return exchange.run()
            finally:
                self._free.release()

        try:
            return Deadline(exchange.longest_seconds).run(work, check=watch.check)
        except DeadlineExceededError as exc:
            raise EndpointTimeoutError("late") from exc
        finally:
            exchange.is_abandoned.set()


class _Exchange:
    """One picture sent, at most twice, and its result fetched; belongs to one thread."""

    def __init__(
        self, endpoint: Endpoint, authorization: Authorization, body: bytes, size: tuple[int, int]
    ) -> None:
        self._endpoint = endpoint
        self._authorization = authorization
        self._body = body
        # Even noise takes hardly more as a PNG than its bytes.
        self._max_bytes = min(MAX_RESULT_BYTES, 4 * size[0] * size[1] + SPARE_BYTES)
        self.is_abandoned = threading.Event()
        """Set when nothing more may begin; running work ends by itself."""
        self.attempts = 0
        self.bytes_received = 0

    @property
    def longest_seconds(self) -> float:
        """The limits of every attempt, and of fetching a link, together."""
        one = transport.CONNECT_SECONDS + self._endpoint.timeout_seconds
        return (ATTEMPTS + 1) * one

    def run(self) -> RemoteResult:
        """Return the result with its data; raise SuperResolutionError."""
        try:
            result = self._post()
            return result if result.link is None else replace(result, data=self._fetch(result.link))
        except EndpointError as exc:
            if isinstance(exc, EndpointRefusedError):
                self._authorization.forget()
            # Its cause is not logged: requests quotes the address in it.
            log.warning("%s: %s", type(exc).__name__, exc.message)
            raise

    def _post(self) -> RemoteResult:
        while True:
            self.attempts += 1
            may_try_again = self.attempts < ATTEMPTS and not self.is_abandoned.is_set()
            try:
                response = transport.post(
                    self._endpoint.url,
                    self._body,
                    auth=self._authorization,
                    seconds=self._endpoint.timeout_seconds,
                    max_bytes=self._max_bytes * 4 // 3 + SPARE_BYTES,
                )
            except EndpointTimeoutError:
                if may_try_again:
                    continue
                raise
            fields = parse_json_object(response)
            self.bytes_received += len(response.body)
            result = read_result(response, fields)
            self._log(response.status)
            if result is not None:
                return result
            if not (may_try_again and may_be_a_cold_start(response, fields)):
                raise refusal(response, fields)

    def _fetch(self, link: str) -> bytes:
        scheme = urlsplit(link).scheme if link.isascii() else ""
        if scheme != "https" and (scheme != "http" or self._endpoint.is_encrypted):
            raise EndpointAnswerError("dead_link")
        response = transport.get(
            link, seconds=self._endpoint.timeout_seconds, max_bytes=self._max_bytes
        )
        if response.status != 200:
            raise EndpointAnswerError("dead_link")
        self.bytes_received += len(response.body)
        return response.body

    def _log(self, status: int) -> None:
        """Log an attempt without the address and the link, which may be secrets."""
        facts = {"endpoint_status": status, "attempt": self.attempts, "bytes": len(self._body)}
        log.info("%s", json.dumps(facts))
