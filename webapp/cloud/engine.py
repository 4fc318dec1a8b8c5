"""A deployed endpoint as an engine of the page."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from backend import Upscaled, UpscaleOptions, Watch
from backend.errors import BusyError, CancelledError, PayloadTooLargeError
from backend.images import decode
from webapp.cloud import transport
from webapp.cloud.answers import Given, checked, fields_of, given_in
from webapp.cloud.authorization import Authorization
from webapp.cloud.call import Call
from webapp.cloud.endpoint import Endpoint
from webapp.cloud.errors import (
    EndpointAnswerError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
)
from webapp.cloud.refusals import may_be_a_cold_start, refusal

log = logging.getLogger("webapp.cloud")

ATTEMPTS = 2
MAX_OPEN_CALLS = 8
"""Abandoned ones count until they end."""
LOOK_SECONDS = 0.1
FIRST_GUESS_SECONDS = 8.0
"""Until an answer has been timed; a cold start is in it."""
MAX_RESULT_BYTES = 256 * 2**20
SPARE_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class CloudUpscaled(Upscaled):
    """`seconds` are those of the whole exchange, a second try included."""

    bytes_sent: int
    bytes_received: int
    attempts: int

    @property
    def is_of_aws_kit(self) -> bool:
        """AWS's own kits do not say which network they used."""
        return not self.model


class CloudEngine:
    """Sends pictures to one endpoint; `models` are what visitors may ask it for."""

    def __init__(
        self, endpoint: Endpoint, *, models: Mapping[str, Sequence[int]], max_side: int
    ) -> None:
        self.endpoint = endpoint
        self._models = models
        self._max_side = max_side
        self._authorization = Authorization(endpoint)
        self._free = threading.BoundedSemaphore(MAX_OPEN_CALLS)
        self._pace: float | None = None
        """Seconds a pixel of the last picture."""

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        """See `Engine`."""
        return self._models

    def check(self, data: bytes) -> None:
        """PayloadTooLargeError for a file that the endpoint's API would turn away."""
        limit = self.endpoint.max_body_bytes
        needed = 4 * -(-len(data) // 3) + 512
        if needed > limit:
            raise PayloadTooLargeError(
                f"The cloud takes requests of at most {limit / 1e6:.1f} MB, and with this file it "
                f"would be {needed / 1e6:.1f} MB; “On this computer” has no such limit.",
                max_bytes=limit,
            )

    def upscale(
        self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()
    ) -> CloudUpscaled:
        """See `Engine`; a request under way is abandoned when it is cancelled."""
        self.check(data)
        lr = decode(data, max_side=self._max_side)
        body = _body(data, options)
        size = lr.size[0] * options.scale, lr.size[1] * options.scale
        started = time.perf_counter()
        exchange = self._run(
            _Exchange(self.endpoint, self._authorization, body, size), watch.is_cancelled
        )
        seconds = time.perf_counter() - started
        picture, model = exchange.picture, exchange.model
        file_format = checked(picture, size=size)
        self._pace = seconds / (lr.size[0] * lr.size[1])
        watch.on_progress(1, 1)
        automatic = 0 if lr.jpeg_quality is None else 100 - lr.jpeg_quality
        cleanup = automatic if options.cleanup is None else options.cleanup
        return CloudUpscaled(
            data=picture,
            width=size[0],
            height=size[1],
            format=file_format,
            model=model or "",
            scale=options.scale,
            cleanup=cleanup if model else 0,
            lr_size=lr.size,
            seconds=seconds,
            bytes_sent=len(body) * exchange.attempts,
            bytes_received=exchange.bytes_received,
            attempts=exchange.attempts,
        )

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:  # noqa: ARG002
        """As the last picture went; a guess before there was one."""
        if self._pace is None:
            return FIRST_GUESS_SECONDS
        return max(1.0, self._pace * size[0] * size[1])

    def _run(self, exchange: _Exchange, is_cancelled: Callable[[], bool]) -> _Exchange:
        if not self._free.acquire(blocking=False):
            raise BusyError("Too many pictures are on their way to the cloud.", retry_after=5)
        end = time.monotonic() + exchange.longest_seconds
        call = Call(exchange.run, on_end=self._free.release)
        while not call.wait(LOOK_SECONDS):
            if is_cancelled():
                exchange.abandon()
                raise CancelledError("Cancelled.")
            if time.monotonic() > end:
                exchange.abandon()
                raise EndpointTimeoutError("The endpoint did not finish its answer in time.")
        call.result()
        return exchange


class _Exchange:
    """One picture sent, at most twice, and its result fetched; belongs to the thread it runs in."""

    def __init__(
        self, endpoint: Endpoint, authorization: Authorization, body: bytes, size: tuple[int, int]
    ) -> None:
        self._endpoint = endpoint
        self._authorization = authorization
        self._body = body
        # Not even noise weighs more as a PNG than its bytes and a little.
        self._max_bytes = min(MAX_RESULT_BYTES, 4 * size[0] * size[1] + SPARE_BYTES)
        self._is_abandoned = threading.Event()
        self.picture = b""
        self.model: str | None = None
        self.attempts = 0
        self.bytes_received = 0

    @property
    def longest_seconds(self) -> float:
        """Every attempt and the fetching of a link, each at its own limit."""
        one = transport.CONNECT_SECONDS + self._endpoint.timeout_seconds
        return (ATTEMPTS + 1) * one

    def abandon(self) -> None:
        """Nothing more is begun; what is under way ends by itself."""
        self._is_abandoned.set()

    def run(self) -> None:
        """Raises SuperResolutionError."""
        try:
            given = self._ask()
            self.model = given.model
            self.picture = given.data if given.data is not None else self._fetch(given.link or "")
        except EndpointError as exc:
            if isinstance(exc, EndpointRefusedError):
                self._authorization.forget()
            # Its cause is not logged: requests puts the address into it.
            log.warning("%s: %s", type(exc).__name__, exc.message)
            raise

    def _ask(self) -> Given:
        while True:
            self.attempts += 1
            may_try_again = self.attempts < ATTEMPTS and not self._is_abandoned.is_set()
            try:
                answer = transport.post(
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
            fields = fields_of(answer)
            self.bytes_received += len(answer.body)
            given = given_in(answer, fields)
            self._log(answer.status)
            if given is not None:
                return given
            if not (may_try_again and may_be_a_cold_start(answer, fields)):
                raise refusal(answer, fields, endpoint=self._endpoint)

    def _fetch(self, link: str) -> bytes:
        scheme = urlsplit(link).scheme if link.isascii() else ""
        if scheme != "https" and (scheme != "http" or self._endpoint.is_encrypted):
            raise EndpointAnswerError("Its link to the result cannot be followed.")
        answer = transport.get(
            link, seconds=self._endpoint.timeout_seconds, max_bytes=self._max_bytes
        )
        if answer.status != 200:
            raise EndpointAnswerError(
                f"Its link to the result leads nowhere (status {answer.status}): it may have "
                "expired."
            )
        self.bytes_received += len(answer.body)
        return answer.body

    def _log(self, status: int) -> None:
        """Neither the address nor the link: both may be keys."""
        facts = {"endpoint_status": status, "attempt": self.attempts, "bytes": len(self._body)}
        log.info("%s", json.dumps(facts))


def _body(data: bytes, options: UpscaleOptions) -> bytes:
    """v1.0 reads `img` and `scale` of it."""
    wanted = {
        "scale": options.scale,
        "model": options.model,
        "format": options.format,
        "cleanup": options.cleanup,
    }
    rest = json.dumps({name: value for name, value in wanted.items() if value is not None})
    return b'{"img": "' + base64.b64encode(data) + b'", ' + rest[1:].encode()
