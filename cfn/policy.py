"""The IAM policy for deploying a stack: what CloudFormation and the commands need.

CloudFormation acts with the permissions of its caller. `permissions.json` has them for each type of
resource; scripts/list-permissions.py takes them from AWS's schemas of the types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfn import templates
from cfn.variants import BULK, GPU, Variant

PERMISSIONS = Path(__file__).with_name("permissions.json")
LARGEST = 6000
"""Characters of the statements of a managed policy, which may have 6,144 in all."""
PASSING = "iam:PassRole"
TRUSTED = ("lambda", "apigateway", "sagemaker", "states")
"""Services that assume the stacks' roles."""
ALWAYS = (
    *("cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack"),
    *("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"),
    "cloudformation:ListStackResources",
    "cloudformation:GetTemplateSummary",
    *("s3:CreateBucket", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
    *("s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning"),
    *("logs:DescribeLogStreams", "logs:GetLogEvents", "logs:DeleteLogGroup"),
    *("lambda:GetAccountSettings", "lambda:InvokeFunction"),
    *("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"),
)
WITH_API = ("apigateway:GET", "execute-api:Invoke")
FOR_BULK = (
    *("states:StartExecution", "states:DescribeExecution", "states:ListExecutions"),
    *("states:ListMapRuns", "states:DescribeMapRun", "states:RedriveExecution"),
)
FOR_ASYNC = ("sagemaker:InvokeEndpointAsync",)
FOR_NETWORK = ("ec2:DescribeVpcs", "ec2:DescribeAvailabilityZones")


def documents(variant: Variant) -> list[dict[str, Any]]:
    """Return the policy, as several documents if it exceeds IAM's limit."""
    groups: list[list[dict[str, Any]]] = [[]]
    for statement in statements(variant):
        if len(json.dumps([*groups[-1], statement], separators=(",", ":"))) > LARGEST:
            groups.append([])
        groups[-1].append(statement)
    return [{"Version": "2012-10-17", "Statement": group} for group in groups]


def statements(variant: Variant) -> list[dict[str, Any]]:
    """Return one statement for each service, and one for the stacks' own roles."""
    by_service: dict[str, list[str]] = {}
    for action in sorted(actions(variant) - {PASSING}):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    found: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": each, "Resource": "*"} for each in by_service.values()
    ]
    services = [f"{each}.amazonaws.com" for each in TRUSTED]
    found.append(
        {
            "Effect": "Allow",
            "Action": PASSING,
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": services}},
        }
    )
    return found


def actions(variant: Variant) -> set[str]:
    """Return every action that the variant's stack and the commands on it take."""
    rights = resource_rights(variant)
    found = {action for each in rights.values() for action in each} | set(ALWAYS)
    if variant is BULK:
        found |= set(FOR_BULK)
    else:
        found |= set(WITH_API)
    if variant is GPU:
        found |= set(FOR_ASYNC)
    if "network" in variant.parts:
        found |= set(FOR_NETWORK)
    return found


def resource_rights(variant: Variant) -> Mapping[str, list[str]]:
    """Return the actions for each type that the variant's template has.

    A type's schema also lists permissions for unused features, such as events that a bucket sends
    to other services; only those of the stack's own services are taken.
    """
    known: Mapping[str, list[str]] = json.loads(PERMISSIONS.read_text(encoding="utf-8"))
    text = templates.render(variant)
    types = set(re.findall(r"^    Type: (AWS::\w+::\w+)", text, re.MULTILINE))
    services = {
        _service(action) for kind in types for action in known[kind] if _is_own(kind, action)
    }
    return {
        kind: [action for action in known[kind] if _service(action) in services | {"iam"}]
        for kind in sorted(types)
    }


def _is_own(kind: str, action: str) -> bool:
    """Return whether the action is of the type's own service, such as `lambda` for AWS::Lambda."""
    name = kind.split("::")[1].lower()
    names = {
        "efs": "elasticfilesystem",
        "stepfunctions": "states",
        "applicationautoscaling": "application-autoscaling",
    }
    return _service(action) == names.get(name, name)


def _service(action: str) -> str:
    return action.partition(":")[0]
