"""Create, update and delete a stack, and print each step as it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from backend.requests.sources.s3_client import error_code
from cfn.account import Account, error_message
from cfn.console import print_line
from cfn.errors import DeploymentError
from cfn.evidence import evidence
from cfn.stack_states import check_state

POLL_SECONDS = 3.0
CAPABILITIES = ["CAPABILITY_IAM"]
NOTHING_TO_DO = "No updates are to be performed"
LOG_GROUP = "AWS::Logs::LogGroup"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a stack's progress."""

    id: str
    status: str
    resource: str
    type: str
    reason: str
    physical_id: str

    @property
    def is_of_stack(self) -> bool:
        """True for an event about the stack itself."""
        return self.type == "AWS::CloudFormation::Stack"

    @property
    def ends(self) -> bool:
        """True if no more events follow."""
        is_done = self.status.endswith(("_COMPLETE", "_FAILED"))
        return self.is_of_stack and is_done and "CLEANUP" not in self.status

    def __str__(self) -> str:
        reason = f"  {self.reason}" if self.reason else ""
        return f"{self.status:<28} {self.resource}  {self.type}{reason}"


class Stacks:
    """CloudFormation of an account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = account.client("cloudformation")

    def deploy(
        self,
        name: str,
        *,
        template_url: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str] | None = None,
        keep_failed: bool = False,
    ) -> dict[str, str]:
        """Create or update the stack and return its outputs; raise DeploymentError if it fails.

        Without `tags` a stack keeps those that it has. With `keep_failed` nothing is rolled back.
        """
        found = self.describe(name)
        if found is not None:
            check_state(found, keep_failed=keep_failed)
        request: dict[str, Any] = {
            "StackName": name,
            "TemplateURL": template_url,
            "Capabilities": CAPABILITIES,
        }
        if keep_failed:
            request["DisableRollback"] = True
        if tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        if found is None:
            request["Parameters"] = _parameters(parameters)
            started = self._client.create_stack(**request)
            seen: set[str] = set()
        else:
            kept = self._kept(template_url, found, parameters)
            request["Parameters"] = [*_parameters(parameters), *kept]
            seen = {event.id for event in self._events(found["StackId"])}
            started = self._update(request)
        if started is None:
            print_line(f"Nothing has changed in the stack {name}.")
        else:
            self._follow(started["StackId"], seen, wanted=("CREATE_COMPLETE", "UPDATE_COMPLETE"))
        return stack_outputs(self.describe(name) or {})

    def delete(self, name: str) -> None:
        """Delete the stack with its logs and wait; raise DeploymentError if something stays.

        Logs that say why a creation failed outlive a stack, and are deleted here.
        """
        found = self.find(name)
        events = list(self._events(found["StackId"]))
        # Logs that a rollback left are only in the events, and those of old stacks in the list.
        groups = {event.physical_id for event in events if event.type == LOG_GROUP}
        groups |= set(self._log_groups(found["StackId"]))
        seen = {event.id for event in events}
        self._client.delete_stack(StackName=found["StackId"])
        self._follow(found["StackId"], seen, wanted=("DELETE_COMPLETE",))
        for group in sorted(filter(None, groups)):
            self._delete_log(group)

    def find(self, name: str) -> dict[str, Any]:
        """Return CloudFormation's description; DeploymentError when there is no such stack."""
        found = self.describe(name)
        if found is None:
            raise DeploymentError(
                f"There is no stack {name} in this region; --stack names another, and --region its "
                "region."
            )
        return found

    def describe(self, name: str) -> dict[str, Any] | None:
        """Return CloudFormation's description; None if there is no such stack."""
        try:
            stacks = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as exc:
            if "does not exist" in error_message(exc):
                return None
            raise
        found: dict[str, Any] = stacks[0]
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _kept(
        self, template_url: str, stack: Mapping[str, Any], given: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Return the parameters whose earlier values are kept."""
        summary = self._client.get_template_summary(TemplateURL=template_url)
        now = {each["ParameterKey"] for each in summary["Parameters"]}
        before = set(stack_parameters(stack))
        kept = sorted((now & before) - set(given))
        return [{"ParameterKey": name, "UsePreviousValue": True} for name in kept]

    def _log_groups(self, stack_id: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
        for page in pages:
            for each in page["StackResourceSummaries"]:
                if each["ResourceType"] == LOG_GROUP and each.get("PhysicalResourceId"):
                    yield each["PhysicalResourceId"]

    def _delete_log(self, group: str) -> None:
        try:
            self._account.client("logs").delete_log_group(logGroupName=group)
        except ClientError as exc:
            if error_code(exc) != "ResourceNotFoundException":
                print_line(f"The log {group} stays ({error_code(exc)}).")

    def _follow(self, stack_id: str, seen: set[str], *, wanted: tuple[str, ...]) -> None:
        first_failure = ""
        while True:
            events = list(self._events(stack_id))
            names = {each.resource: each.physical_id for each in events if each.physical_id}
            for event in reversed(events):
                if event.id in seen:
                    continue
                seen.add(event.id)
                print_line(str(event))
                if event.status.endswith("_FAILED") and not first_failure and not event.ends:
                    first_failure = f"{event.resource}: {event.reason}"
                    for line in evidence(event.resource, names, self._account):
                        print_line(f"    {line}")
                if event.ends:
                    if event.status in wanted:
                        return
                    raise DeploymentError(
                        f"The stack ended as {event.status}. {first_failure}".strip()
                    )
            self._account.pause(POLL_SECONDS)

    def _events(self, stack_id: str) -> Iterator[Event]:
        """Yield the stack's events, the newest first."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for page in pages:
            for each in page["StackEvents"]:
                yield Event(
                    id=each["EventId"],
                    status=each.get("ResourceStatus", ""),
                    resource=each.get("LogicalResourceId", ""),
                    type=each.get("ResourceType", ""),
                    reason=each.get("ResourceStatusReason", ""),
                    physical_id=each.get("PhysicalResourceId", ""),
                )

    def _update(self, request: Mapping[str, Any]) -> Any:
        """Return the answer, or None when there is nothing to do."""
        try:
            return self._client.update_stack(**request)
        except ClientError as exc:
            if NOTHING_TO_DO in error_message(exc):
                return None
            raise


def stack_parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a stack as CloudFormation describes it."""
    return {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}


def stack_outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs of a stack as CloudFormation describes it."""
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def _parameters(given: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"ParameterKey": name, "ParameterValue": value} for name, value in sorted(given.items())
    ]
