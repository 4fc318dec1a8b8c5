"""Check a deployed stack with small pictures, posted as a caller would."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import requests
from PIL import Image

from cfn.account import Account
from cfn.bulk import BulkStack
from cfn.caller import Answer, ApiStack, Caller
from cfn.check_s3 import check_async, check_bulk
from cfn.errors import DeploymentError
from cfn.stacks import Stacks, stack_outputs

SIDE = 16
SCALE = 2
NOT_YET = ("invalid_api_key", "missing_authentication", "busy", "model_unavailable")
"""Errors of a new stack: a new API key takes up to a minute to be known."""
TRIALS, PAUSE_SECONDS = 19, 5.0
HINTS: Mapping[str, str] = {
    "missing_authentication": (
        "The API saw no signature, or there is nothing at this address. A change of who may call "
        "takes some seconds to reach the stage: check again."
    ),
    "access_denied": (
        "These credentials may not call the API: allow them execute-api:Invoke on the output "
        "aikitsInvokeURLArn."
    ),
    "invalid_signature": "The signature is wrong: this machine's clock may be, too.",
    "expired_token": "The credentials have expired; get new ones.",
    "invalid_api_key": "A new API key takes up to a minute to be known: check again.",
    "too_many_requests": "Throttled: throttlingRateLimit, or another caller uses it up.",
    "quota_exceeded": "The API key's monthlyQuota is used up.",
    "blocked": "The firewall blocked it; AWS WAF's sampled requests name the rule.",
    "timed_out": (
        "The answer took longer than API Gateway waits. If it was the first one, check again; "
        "otherwise give the function more memory (functionMemory)."
    ),
    "model_unavailable": (
        "The networks cannot be read, or the endpoint is not in service; the function's log under "
        "CloudWatch, Log groups, says which."
    ),
    "busy": "The endpoint is starting or has more requests than it can take; check again.",
    "source_unreachable": "The function has no way into the web: its subnets need a NAT gateway.",
    "source_timeout": "The function has no way into the web: its subnets need a NAT gateway.",
    "source_not_allowed": "Requests may not name web addresses here: see enableNat.",
    "internal_error": "The function failed; its log under CloudWatch, Log groups, says why.",
}
"""An error's code -> what a deployer can do about it."""


class Check:
    """One check of a stack; every line is yielded as soon as it is known."""

    def __init__(
        self, caller: Caller, *, reaches_web: bool, pause: Callable[[float], None]
    ) -> None:
        self._caller = caller
        self._reaches_web = reaches_web
        self._pause = pause
        self.failures = 0

    def run(self) -> Iterator[str]:
        """Send every request."""
        image = base64.b64encode(picture()).decode()
        first = yield from self._first_answer({"scale": SCALE, "img": image})
        yield from self._told("a picture in the request, first", first, wrong=_wrong(first))
        again = self._caller.post({"scale": SCALE, "img": image})
        yield from self._told("the same again, warm", again, wrong=_wrong(again))
        link = yield from self._expect_link({"img": image, "output": "url"})
        if link is not None:
            yield from self._expect_from_web(link)
        yield from self._expect_refusal({"img": image, "scale": 3})

    def _first_answer(self, fields: Mapping[str, object]) -> Generator[str, None, Answer]:
        """Post until the stack accepts its caller, for at most a minute and a half."""
        for _ in range(TRIALS):
            answer = self._caller.post(fields)
            code = answer.content.get("error")
            if code not in NOT_YET:
                return answer
            yield f"wait    not ready yet ({code})"
            self._pause(PAUSE_SECONDS)
        return answer

    def _expect_link(self, fields: Mapping[str, object]) -> Generator[str, None, str | None]:
        answer = self._caller.post({"scale": SCALE, **fields})
        link = answer.content.get("result_url")
        if not isinstance(link, str):
            wrong = _explained(answer, "The answer has no link.")
        else:
            status, data = self._caller.get(link)
            wrong = "" if image_size(data) else f"The link to the result cannot be read ({status})."
        yield from self._told("the result as a link", answer, wrong=wrong)
        return None if wrong else str(link)

    def _expect_from_web(self, link: str) -> Iterator[str]:
        answer = self._caller.post({"scale": SCALE, "url": link})
        if not self._reaches_web and answer.content.get("error") == "source_not_allowed":
            yield from self._told(
                "a web address is refused, as enableNat=false says", answer, wrong=""
            )
            return
        wrong = _wrong(answer, side=SIDE * SCALE)
        yield from self._told("a picture from a web address", answer, wrong=wrong)

    def _expect_refusal(self, fields: Mapping[str, object]) -> Iterator[str]:
        answer = self._caller.post(fields)
        expected = (400, "unsupported_scale")
        is_right = (answer.status, answer.content.get("error")) == expected
        wrong = "" if is_right else _explained(answer, "It was not refused.")
        yield from self._told("a scale of 3 is refused", answer, wrong=wrong)

    def _told(self, name: str, answer: Answer, *, wrong: str) -> Iterator[str]:
        request_id = answer.content.get("request_id") or answer.request_id or "none"
        outcome = f"{'FAILED' if wrong else 'ok':<6}  {name:<34} {answer.status}"
        yield f"{outcome}  {answer.seconds:6.2f} s  request {request_id}"
        if wrong:
            self.failures += 1
            yield f"        {wrong}"


def _wrong(answer: Answer, *, side: int = SIDE) -> str:
    """Return an error sentence, or nothing if the answer has a picture of twice `side`."""
    expected = (side * SCALE, side * SCALE)
    try:
        size = image_size(base64.b64decode(str(answer.content.get("result", ""))))
    except ValueError:
        size = None
    if answer.status == 200 and size == expected:
        return ""
    return _explained(answer, f"The answer has no picture of {expected[0]} x {expected[1]} pixels.")


def _explained(answer: Answer, otherwise: str) -> str:
    """Return the error and what to do about it; `otherwise` if there is no error."""
    if answer.status == 200:
        return otherwise
    code = str(answer.content.get("error", ""))
    said = str(answer.content.get("message", "The answer is not one of this project's."))
    hint = HINTS.get(code, HINTS["internal_error"] if answer.status >= 500 else "")
    return f"{said} {hint}".strip()


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a picture; None for anything else."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return image.size
    except (OSError, ValueError):
        return None


def picture() -> bytes:
    """Return a small PNG of several colours."""
    image = Image.new("RGB", (SIDE, SIDE))
    image.putdata([(16 * x, 16 * y, 128) for y in range(SIDE) for x in range(SIDE)])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def check_stack(account: Account, name: str, *, http: requests.Session) -> Iterator[str]:
    """Check everything that the stack has; raise DeploymentError if something failed."""
    described = Stacks(account).find(name)
    outputs = stack_outputs(described)
    if "StateMachineArn" in outputs:
        yield from check_bulk(account, BulkStack.from_description(described))
    else:
        yield from _check_api(account, described, http=http)
    if "AsyncEndpointName" in outputs:
        yield from check_async(account, described, picture())
    yield "The stack does its work."


def _check_api(
    account: Account, described: Mapping[str, Any], *, http: requests.Session
) -> Iterator[str]:
    stack = ApiStack.from_description(described)
    yield f"Checking {stack.url}"
    caller = Caller(account, stack, http=http)
    check = Check(caller, reaches_web=stack.reaches_web, pause=account.pause)
    yield from check.run()
    if check.failures:
        raise DeploymentError(f"{check.failures} of the requests went wrong; see above.")
