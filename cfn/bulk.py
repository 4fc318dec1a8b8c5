"""Start runs of the bulk stack, look at them, and go on with them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.requests.sources.s3_address import split_s3_address
from cfn.account import Account
from cfn.errors import DeploymentError
from cfn.stacks import Stacks, stack_outputs

POLL_SECONDS = 5.0
SECONDS_FOR_RUN = 600
LISTS = "_bulk/lists"
"""A prefix below the target's, which the state machine may read."""


@dataclass(frozen=True, kw_only=True)
class BulkStack:
    """The facts of the stack that the commands need."""

    machine: str
    """The state machine's ARN."""
    source: str
    """`s3://bucket/prefix/`, as the target."""
    target: str

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> BulkStack:
        """Read CloudFormation's description; raise DeploymentError for another kind of stack."""
        outputs = stack_outputs(described)
        if "StateMachineArn" not in outputs:
            raise DeploymentError(
                f"The stack {described.get('StackName', '')} is not one for bulk work; make one "
                "with: python -m cfn deploy bulk"
            )
        return cls(
            machine=outputs["StateMachineArn"], source=outputs["Source"], target=outputs["Target"]
        )


def find_stack(account: Account, name: str) -> BulkStack:
    """Find the stack; raise DeploymentError if there is none, or it is of another kind."""
    return BulkStack.from_description(Stacks(account).find(name))


def read_keys(path: Path) -> list[str]:
    """Read a list with one key a line; empty lines do not count."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip()]


class Runs:
    """Executions of the stack's state machine."""

    def __init__(self, account: Account, stack: BulkStack) -> None:
        self._account = account
        self._states = account.client("stepfunctions")
        self._s3 = account.client("s3")
        self._stack = stack

    def start(
        self,
        job: Mapping[str, object],
        *,
        prefix: str = "",
        keys: Sequence[str] | None = None,
        inventory: str | None = None,
    ) -> str:
        """Start a run and return the execution's ARN.

        `job` has the options of a request, as `backend.options.fields_from` writes them. The
        pictures are those with these keys, those of an S3 Inventory in CSV, whose manifest.json
        has a key below the target's `_bulk/`, or those whose keys begin with `prefix` behind the
        stack's own.
        """
        source_prefix = split_s3_address(self._stack.source)[1]
        given: dict[str, object] = {"job": dict(job)}
        if keys is not None:
            given |= {"source": "list", "list": self._put_list(keys, source_prefix)}
        elif inventory is not None:
            given |= {"source": "inventory", "list": self._checked(inventory)}
        else:
            given |= {"source": "prefix", "prefix": source_prefix + prefix.lstrip("/")}
        started = self._states.start_execution(
            stateMachineArn=self._stack.machine, input=json.dumps(given)
        )
        return str(started["executionArn"])

    def redrive(self, execution: str) -> None:
        """Continue a run that failed; finished pictures are not repeated."""
        self._states.redrive_execution(executionArn=execution)

    def newest(self) -> str:
        """Return the ARN of the last execution; raise DeploymentError if there is none."""
        found = self._states.list_executions(stateMachineArn=self._stack.machine, maxResults=1)[
            "executions"
        ]
        if not found:
            raise DeploymentError("Nothing was started yet: python -m cfn bulk start")
        return str(found[0]["executionArn"])

    def end(self, execution: str) -> Status:
        """Wait for the end of a short run; raise DeploymentError if it does not come in time."""
        for _ in range(int(SECONDS_FOR_RUN / POLL_SECONDS)):
            if (status := self.status(execution)).state != "RUNNING":
                return status
            self._account.pause(POLL_SECONDS)
        raise DeploymentError(f"The run did not end in time: {execution}")

    def status(self, execution: str) -> Status:
        described = self._states.describe_execution(executionArn=execution)
        counts: dict[str, int] = {}
        runs = self._states.list_map_runs(executionArn=execution)["mapRuns"]
        for run in runs:
            about = self._states.describe_map_run(mapRunArn=run["mapRunArn"])
            for name, count in about["itemCounts"].items():
                counts[name] = counts.get(name, 0) + int(count)
        end = described.get("stopDate")
        return Status(
            execution=execution,
            state=described["status"],
            seconds=(end.timestamp() if end else time.time()) - described["startDate"].timestamp(),
            total=counts.get("total", 0),
            succeeded=counts.get("succeeded", 0),
            failed=sum(counts.get(name, 0) for name in ("failed", "timedOut", "aborted")),
            reason=": ".join(filter(None, (described.get("error"), described.get("cause")))),
            reports=f"{self._stack.target}_bulk/reports/",
        )

    def _checked(self, inventory: str) -> str:
        """Return the manifest's key; raise DeploymentError if the machine could not read it."""
        bucket, prefix = split_s3_address(self._stack.target)
        if not (inventory.startswith(f"{prefix}_bulk/") and inventory.endswith("/manifest.json")):
            raise DeploymentError(
                f"An inventory is the key of its manifest.json below {prefix}_bulk/ of {bucket}, "
                f"where the stack may read; not {inventory!r}."
            )
        return inventory

    def _put_list(self, keys: Sequence[str], source_prefix: str) -> str:
        """Put the list into the target bucket; raise DeploymentError for an impossible key."""
        for key in keys:
            if not key.startswith(source_prefix):
                raise DeploymentError(
                    f"The list names {key!r}, which is not below {self._stack.source}."
                )
            if "," in key or '"' in key:
                raise DeploymentError(
                    f"The list names {key!r}; a list takes no commas or quotation marks."
                )
        if not keys:
            raise DeploymentError("The list names no picture.")
        bucket, prefix = split_s3_address(self._stack.target)
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}.csv"
        key = f"{prefix}{LISTS}/{name}"
        self._s3.put_object(Bucket=bucket, Key=key, Body="\n".join(keys).encode())
        return key


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state of a run at one moment."""

    execution: str
    state: str
    seconds: float
    total: int
    """Pictures; 0 while they are listed."""
    succeeded: int
    failed: int
    reason: str
    """The reason of a run that did not succeed."""
    reports: str

    @property
    def lines(self) -> list[str]:
        done = self.succeeded + self.failed
        lines = [f"{self.state}  {self.execution}"]
        lines.append(
            f"{done:,} of {self.total:,} pictures, {self.failed:,} failed, "
            f"{self.seconds / 60:.1f} minutes"
        )
        if self.state == "RUNNING" and 0 < done < self.total:
            left = self.seconds / done * (self.total - done)
            rate = done / self.seconds
            lines.append(f"{rate:.1f} pictures a second, about {left / 60:.0f} minutes left")
        if self.reason:
            lines.append(self.reason)
        if self.state != "RUNNING":
            lines.append(f"What became of each batch: {self.reports}")
        return lines
