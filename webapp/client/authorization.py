"""Authorization of requests to the endpoint."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from requests import PreparedRequest
from requests.auth import AuthBase
from requests_aws4auth import AWS4Auth

from webapp.client.endpoint import Endpoint
from webapp.client.errors import EndpointRefusedError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

SERVICE = "execute-api"


class NoAuthorization(AuthBase):
    """No authorization; given explicitly, so that requests does not look into `~/.netrc`."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class Authorization(AuthBase):
    """The API key and the signature that an endpoint requires; used by several threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._credentials: Credentials | None = None
        self._finding = threading.Lock()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Raise EndpointRefusedError if there are no credentials to sign with."""
        if self._endpoint.api_key is not None:
            request.headers["x-api-key"] = self._endpoint.api_key
        if self._endpoint.signs:
            # One for each request: it is not safe to share between threads.
            signed: PreparedRequest = self._signer()(request)
            return signed
        return request

    def forget(self) -> None:
        """Look for credentials again: refused ones may have been corrected."""
        with self._finding:
            self._credentials = None

    def _signer(self) -> AWS4Auth:
        # Imported on first use: boto3 costs about 0.25 s.
        import boto3  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        try:
            with self._finding:
                if self._credentials is None:
                    self._credentials = boto3.Session().get_credentials()
                found = self._credentials
            frozen = None if found is None else found.get_frozen_credentials()
        except BotoCoreError as exc:
            raise EndpointRefusedError("credentials") from exc
        if frozen is None:
            raise EndpointRefusedError("credentials")
        return AWS4Auth(
            frozen.access_key,
            frozen.secret_key,
            self._endpoint.region,
            SERVICE,
            session_token=frozen.token,
        )
