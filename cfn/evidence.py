"""The last log lines that explain why a resource of a stack failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn.account import AWS_ERRORS

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


class Evidence:
    """Logs of a stack's resources, by boto3's clients."""

    def __init__(self, *, stacks: Any, logs: Any) -> None:
        self._stacks = stacks
        self._logs = logs

    def lines(self, stack_id: str, resource: str) -> list[str]:
        """Return the last lines of the resource's log; empty without one."""
        if resource not in LOG_OF:
            return []
        try:
            found = self._stacks.describe_stack_resource(
                StackName=stack_id, LogicalResourceId=LOG_OF[resource]
            )
            return list(self.last(found["StackResourceDetail"]["PhysicalResourceId"]))
        except AWS_ERRORS:
            return []

    def last(self, group: str, *, lines: int = LINES) -> Iterator[str]:
        """Yield the last lines of the log group's newest stream."""
        streams = self._logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=1
        )["logStreams"]
        for stream in streams:
            events = self._logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], limit=lines
            )["events"]
            yield from (str(event["message"]).rstrip() for event in events)
