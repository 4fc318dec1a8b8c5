"""A stack's addresses, as they would be on AWS, led to the account on this machine."""

from __future__ import annotations

import json
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from testbed.loopback import Loopback, Received, Sent
from tests.stack.account import Account


class Reachable(HTTPAdapter):
    """An adapter: `with Reachable(account) as adapter: session.mount("https://", adapter)`.

    Hosts of APIs lead to the account. A stored result is fetched by its link, over TLS, and put on
    a local web server, whose address replaces the link: a function trusts the public certificates
    only, and not the account's.
    """

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self._web = Loopback(self._served)
        self._results: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        self._web.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._web.__exit__(*error)

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send as HTTPAdapter does, whatever `verify` says."""
        assert request.url is not None
        parts = urlsplit(request.url)
        if parts.hostname not in ("127.0.0.1", "localhost"):
            request.headers["Host"] = parts.netloc
            request.url = self._account.url + parts.path
        answer = super().send(request, **(options | {"verify": str(self._account.certificates)}))
        if request.method == "POST":
            self._bring_result(answer)
        return answer

    def _bring_result(self, answer: requests.Response) -> None:
        content = answer.json()
        if "result_url" not in content:
            return
        path = urlsplit(content["result_url"]).path
        stored = requests.get(
            content["result_url"], verify=str(self._account.certificates), timeout=30
        )
        stored.raise_for_status()
        self._results[path] = stored.content
        content["result_url"] = self._web.url + path
        answer._content = json.dumps(content).encode()

    def _served(self, request: Received) -> Sent:
        return Sent(body=self._results[request.target])
