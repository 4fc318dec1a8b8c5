"""Check a deployed stack with small pictures, posted as a caller would."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from PIL import Image

from cfn.account import Account
from cfn.bulk import BulkStack
from cfn.caller import Answer, ApiStack, Caller, make_caller
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
    """One check of a stack; every line is printed as soon as it is known."""

    def __init__(
        self,
        caller: Caller,
        *,
        reaches_web: bool,
        print_line: Callable[[str], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause = pause
        self._caller = caller
        self._reaches_web = reaches_web
        self._print_line = print_line
        self._failures = 0

    def run(self) -> int:
        """Send every request and return the number of failures."""
        image = base64.b64encode(picture()).decode()
        first = self._first_answer({"scale": SCALE, "img": image})
        self._report("a picture in the request, first", first, wrong=_wrong(first))
        again = self._caller.post({"scale": SCALE, "img": image})
        self._report("the same again, warm", again, wrong=_wrong(again))
        link = self._expect_link({"img": image, "output": "url"})
        if link is not None:
            self._expect_from_web(link)
        self._expect_refusal({"img": image, "scale": 3})
        return self._failures

    def _first_answer(self, fields: Mapping[str, object]) -> Answer:
        """Post until the stack accepts its caller, for at most a minute and a half."""
        for _ in range(TRIALS):
            answer = self._caller.post(fields)
            code = answer.content.get("error")
            if code not in NOT_YET:
                return answer
            self._print_line(f"wait    not ready yet ({code})")
            self._pause(PAUSE_SECONDS)
        return answer

    def _expect_link(self, fields: Mapping[str, object]) -> str | None:
        answer = self._caller.post({"scale": SCALE, **fields})
        link = answer.content.get("result_url")
        if not isinstance(link, str):
            wrong = _explained(answer, "The answer has no link.")
        else:
            status, data = self._caller.get(link)
            wrong = "" if image_size(data) else f"The link to the result cannot be read ({status})."
        self._report("the result as a link", answer, wrong=wrong)
        return None if wrong else str(link)

    def _expect_from_web(self, link: str) -> None:
        answer = self._caller.post({"scale": SCALE, "url": link})
        if not self._reaches_web and answer.content.get("error") == "source_not_allowed":
            self._report("a web address is refused, as enableNat=false says", answer, wrong="")
            return
        wrong = _wrong(answer, side=SIDE * SCALE)
        self._report("a picture from a web address", answer, wrong=wrong)

    def _expect_refusal(self, fields: Mapping[str, object]) -> None:
        answer = self._caller.post(fields)
        expected = (400, "unsupported_scale")
        is_right = (answer.status, answer.content.get("error")) == expected
        wrong = "" if is_right else _explained(answer, "It was not refused.")
        self._report("a scale of 3 is refused", answer, wrong=wrong)

    def _report(self, name: str, answer: Answer, *, wrong: str) -> None:
        request_id = answer.content.get("request_id") or answer.request_id or "none"
        state = "FAILED" if wrong else "ok"
        self._print_line(
            f"{state:<6}  {name:<34} {answer.status}  {answer.seconds:6.2f} s  request {request_id}"
        )
        if wrong:
            self._failures += 1
            self._print_line(f"        {wrong}")


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


def check_stack(
    account: Account,
    name: str,
    *,
    print_line: Callable[[str], None],
    http: requests.Session,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Check everything that the stack has; raise DeploymentError if something failed."""
    described = Stacks.of(account, print_line=print_line).find(name)
    outputs = stack_outputs(described)
    if "StateMachineArn" in outputs:
        check_bulk(account, BulkStack.from_description(described), print_line, pause=pause)
    else:
        _check_api(account, described, print_line=print_line, http=http, pause=pause)
    if "AsyncEndpointName" in outputs:
        check_async(account, described, picture(), print_line, pause=pause)
    print_line("The stack does its work.")


def _check_api(
    account: Account,
    described: Mapping[str, Any],
    *,
    print_line: Callable[[str], None],
    http: requests.Session,
    pause: Callable[[float], None],
) -> None:
    stack = ApiStack.from_description(described)
    print_line(f"Checking {stack.url}")
    caller = make_caller(account, stack, http=http)
    check = Check(caller, reaches_web=stack.reaches_web, print_line=print_line, pause=pause)
    if failures := check.run():
        raise DeploymentError(f"{failures} of the requests went wrong; see above.")
