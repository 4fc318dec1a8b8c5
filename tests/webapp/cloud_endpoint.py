"""Deployed endpoints on loopback: API Gateway in front of the real server, and failures."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from testbed.aws.signature import ACCESS_KEY, ENVIRONMENT, REGION, is_signed
from testbed.loopback import Loopback, Received, Sent
from webapp.client.endpoint import Endpoint

ROOT = Path(__file__).resolve().parents[2]
PATH = "/prod/resolution"
API_KEY = "tests-api-key-0123456789"
START_SECONDS = 300
ANSWER_SECONDS = 120

Answering = Callable[[Received], Sent]


def refused(status: int, type: str, message: str) -> Sent:
    """Answer as API Gateway does where a stack keeps its own texts."""
    return Sent(
        status=status,
        body=json.dumps({"message": message}).encode(),
        headers={"Content-Type": "application/json", "x-amzn-ErrorType": type},
    )


def said(status: int, content: object) -> Sent:
    """Answer JSON, or text unchanged."""
    body = content if isinstance(content, str) else json.dumps(content)
    return Sent(status=status, body=body.encode(), headers={"Content-Type": "application/json"})


FORBIDDEN = refused(403, "ForbiddenException", "Forbidden")
MISSING_TOKEN = refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
TIMED_OUT = refused(504, "InternalServerErrorException", "Endpoint request timed out")
WRONG_SIGNATURE = refused(
    403,
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details.",
)
UNKNOWN_KEY = refused(
    403, "UnrecognizedClientException", "The security token included in the request is invalid."
)
NO_PERMISSION = refused(
    403,
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/secretname is not authorized to perform: "
    "execute-api:Invoke on resource: arn:aws:execute-api:eu-west-1:********9012:abc/prod/POST/x",
)


class Gateway(Loopback):
    """One stage with `POST /resolution`, guarded as by API Gateway: key and signature first."""

    def __init__(self, behind: Answering, *, signed: bool = False, api_key: bool = False) -> None:
        super().__init__(self._answer)
        self._behind = behind
        self._signed = signed
        self._api_key = api_key

    @property
    def address(self) -> str:
        """The value of SR_ENDPOINT_URL."""
        return self.url + PATH

    def _answer(self, request: Received) -> Sent:
        if (request.method, request.target) != ("POST", PATH):
            return MISSING_TOKEN
        if self._signed and (refusal := signature_refusal(request)) is not None:
            return refusal
        if self._api_key and request.headers.get("x-api-key") != API_KEY:
            return FORBIDDEN
        return self._behind(request)


def signature_refusal(request: Received) -> Sent | None:
    """Return API Gateway's answer to a missing or wrong signature."""
    given = request.headers.get("Authorization", "")
    if not given:
        return MISSING_TOKEN
    if f"Credential={ACCESS_KEY}/" not in given:
        return UNKNOWN_KEY
    return None if is_signed(request, service="execute-api") else WRONG_SIGNATURE


def in_turn(*answers: Sent | Answering) -> Answering:
    """Give each answer once, and the last one for ever."""
    left = list(answers)

    def answer(request: Received) -> Sent:
        each = left.pop(0) if len(left) > 1 else left[0]
        return each if isinstance(each, Sent) else each(request)

    return answer


def linking(behind: Answering, store: dict[str, bytes], *, address: Callable[[], str]) -> Answering:
    """Answer with `result_url` as an endpoint with a results bucket does."""

    def answer(request: Received) -> Sent:
        sent = behind(request)
        content = json.loads(sent.body)
        if "result" not in content:
            return sent
        store["/results/1.png?X-Amz-Signature=f00"] = base64.b64decode(content.pop("result"))
        link = f"{address()}/results/1.png?X-Amz-Signature=f00"
        return said(200, {"result_url": link, **content})

    return answer


class Bucket(Loopback):
    """A server of the contents of `store`, by path and query."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.store: dict[str, bytes] = {}

    def _answer(self, request: Received) -> Sent:
        data = self.store.get(request.target)
        return Sent(status=403) if data is None else Sent(body=data)


@contextmanager
def real_server(**settings: str) -> Iterator[Answering]:
    """`python -m backend serve`, called as API Gateway calls its backend."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SR_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", "0"],
        cwd=ROOT,
        env={**clean, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    address: list[str] = []
    is_up = threading.Event()

    def watch() -> None:
        for line in process.stderr or ():
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                address.append(found[1])
                is_up.set()
        is_up.set()

    reader = threading.Thread(target=watch, daemon=True)
    reader.start()
    try:
        assert is_up.wait(START_SECONDS)
        assert address, "the server did not start"
        yield forwarding(address[0])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)
        reader.join(timeout=10)
        process.stderr.close()


def forwarding(address: str) -> Answering:
    def answer(request: Received) -> Sent:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.post(
                address + "/resolution",
                data=request.body,
                headers={"Content-Type": request.headers["Content-Type"]},
                timeout=ANSWER_SECONDS,
            )
        headers = {"Content-Type": reply.headers["Content-Type"]}
        return Sent(status=reply.status_code, body=reply.content, headers=headers)

    return answer


def endpoint(url: str, **changes: object) -> Endpoint:
    """Return an endpoint that is open to all, and patient."""
    values: dict[str, object] = {
        "url": url,
        "signs": False,
        "region": REGION,
        "max_body_bytes": 6_000_000,
        "timeout_seconds": 60.0,
    }
    return Endpoint(**{**values, **changes})  # type: ignore[arg-type]


AWS_ENVIRONMENT = {**ENVIRONMENT, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
"""The only user that `Gateway` knows; the machine's own credentials are hidden."""
