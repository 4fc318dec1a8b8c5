"""A function behind a CloudFormation custom resource: work in, one answer out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backend.aws.lambda_limits import LambdaContext
from backend.custom_resources.cloudformation import answer
from backend.deadline import Deadline, DeadlineExceededError
from backend.errors import SuperResolutionError
from backend.requests.sources.s3_client import error_code

log = logging.getLogger("backend.aws")
log.setLevel(logging.INFO)

Event = Mapping[str, Any]
Work = Callable[[Event, Deadline], Mapping[str, str]]
"""Returns the resource's attributes; raises SuperResolutionError, OSError or botocore's errors."""

SECONDS_TO_ANSWER = 30.0
"""Time kept back before Lambda ends the call, enough for all attempts to answer."""


def respond(
    event: Event, context: LambdaContext, work: Work, *, is_deletion_forgiven: bool
) -> None:
    """Answer CloudFormation once: after the work, or when its time is over.

    The work is done in another thread, which never answers, so one that hangs in a file system
    cannot keep the answer back, and one that ends late cannot give a second. An answer that was not
    taken raises, and Lambda calls again. A forgiven deletion always succeeds.
    """
    kind = event.get("RequestType")
    deadline = Deadline(context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER)
    data: Mapping[str, str] = {}
    reason = ""
    try:
        data = deadline.run(lambda: work(event, deadline))
    except DeadlineExceededError:
        reason = "There was not enough time."
    except SuperResolutionError as exc:
        reason = exc.message
    except (OSError, BotoCoreError, ClientError) as exc:
        reason = f"It did not work: {cause(exc)}."
    except Exception:
        log.exception("unexpected failure")
        reason = "Something unexpected went wrong; the function's log says what."
    if reason:
        log.warning("%s: %s", kind, reason)
    else:
        log.info("%s done", kind)
    is_forgiven = kind == "Delete" and is_deletion_forgiven
    answer(
        event,
        is_success=is_forgiven or not reason,
        reason=reason,
        physical_id=str(event.get("PhysicalResourceId") or _physical_id(event)),
        data=data,
    )


def cause(error: Exception) -> str:
    """Describe an error without addresses or paths."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return error_code(error)


def _physical_id(event: Event) -> str:
    """Return one id for every update, so that CloudFormation never replaces the resource."""
    stack = str(event.get("StackId", "")).rpartition("/")[2]
    return f"{event.get('LogicalResourceId')}-{stack}"
