"""The states in which CloudFormation takes no update, and what to do about each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfn.errors import DeploymentError

KEPT = ("CREATE_FAILED", "UPDATE_FAILED")
"""States of a stack whose failure was not rolled back; an update must not be either."""
ONLY_DELETED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS")
DELETE = "python -m cfn delete --stack"


def check_state(stack: Mapping[str, Any], *, keep_failed: bool) -> None:
    """Raise DeploymentError if AWS would refuse an update of the stack in its state."""
    name, state = stack.get("StackName", ""), str(stack["StackStatus"])
    if state in ONLY_DELETED:
        raise DeploymentError(
            f"The stack {name} is {state}: it was never whole, or a deletion failed, and it can "
            f"only be deleted: {DELETE} {name}"
        )
    if state.endswith("_IN_PROGRESS"):
        raise DeploymentError(f"The stack {name} is {state}: wait until that is over.")
    if state == "UPDATE_ROLLBACK_FAILED":
        raise DeploymentError(
            f"The stack {name} is {state}: take Stack actions, Continue update rollback in "
            "CloudFormation's console, and deploy again."
        )
    if state in KEPT and not keep_failed:
        raise DeploymentError(
            f"The stack {name} is {state}, as --keep-failed left it: deploy again with "
            f"--keep-failed, or delete it: {DELETE} {name}"
        )
