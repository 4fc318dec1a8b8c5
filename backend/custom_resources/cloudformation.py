"""The answer to CloudFormation, which waits an hour for a missing one."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from urllib.error import HTTPError

MAX_REASON_LENGTH = 1000
"""The limit of 4096 bytes is CloudFormation's."""
SECONDS_TO_CONNECT = 5
PAUSES = (0.5, 1.0, 2.0)
"""Seconds between the attempts to answer."""


def answer(
    event: Mapping[str, object],
    *,
    is_success: bool,
    reason: str,
    physical_id: str,
    data: Mapping[str, str],
) -> None:
    """PUT to the event's address and retry until it is taken; raise OSError if it never is.

    The address is signed, which makes it a secret: it is never logged. `data` has the attributes
    for `Fn::GetAtt`.
    """
    content = {
        "Status": "SUCCESS" if is_success else "FAILED",
        "Reason": reason[:MAX_REASON_LENGTH],
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": dict(data),
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's address
        str(event["ResponseURL"]),
        data=json.dumps(content).encode(),
        headers={"Content-Type": ""},  # the signature covers an empty content type
        method="PUT",
    )
    for seconds in (*PAUSES, None):
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_TO_CONNECT):  # noqa: S310
                return
        except OSError as exc:
            is_refused = isinstance(exc, HTTPError) and exc.code < 500
            if is_refused or seconds is None:
                raise
        time.sleep(seconds)
