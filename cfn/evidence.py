"""The last log lines that explain why a resource of a stack failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn.account import AWS_ERRORS, Account

LOG_OF: Mapping[str, str] = {
    "ModelFiles": "LoaderLog",
    "Endpoint": "EndpointLog",
    "AsyncEndpoint": "AsyncLog",
    "ResultsCleanup": "CleanupLog",
    "FunctionAlias": "FunctionLog",
    "FunctionVersion": "FunctionLog",
}
"""A resource of a template -> the log group, also by its name in the template."""
LINES = 15
ATTEMPTS, ATTEMPT_SECONDS = 5, 3.0
"""Lines may be in the log some seconds after the resource failed."""


def evidence(resource: str, names: Mapping[str, str], account: Account) -> list[str]:
    """Return the last lines of the resource's log; empty without one.

    `names` are the physical names of the stack's resources, from its events. A rollback keeps the
    log, but the stack itself may no longer list it.
    """
    group = names.get(LOG_OF.get(resource, ""))
    if not group:
        return []
    logs = account.client("logs")
    try:
        for _ in range(ATTEMPTS):
            if lines := list(_last(logs, group)):
                return lines
            account.pause(ATTEMPT_SECONDS)
    except AWS_ERRORS:
        pass
    return []


def _last(logs: Any, group: str) -> Iterator[str]:
    """Yield the last lines of the log group's newest stream."""
    streams = logs.describe_log_streams(
        logGroupName=group, orderBy="LastEventTime", descending=True, limit=1
    )["logStreams"]
    for stream in streams:
        events = logs.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], limit=LINES
        )["events"]
        yield from (str(event["message"]).rstrip() for event in events)
